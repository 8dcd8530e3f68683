"""Parts of text files: lines, blocks and replacements, each done once and for good."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Block, Eval, File, Line, Replace, Secret, T

Evaluate = Callable[..., Any]
SSHD = "Port 22\n#PermitRootLogin yes\nX11Forwarding no\nMatch User git\n    X11Forwarding yes\n"


@pytest.fixture
def edit(tmp_path: Path, evaluate: Evaluate) -> Callable[..., str]:
    """Apply a resource to a text twice, as check foretold; the second time must change nothing."""

    def edited(text: str | None, kind: type[Any], /, *args: Any, **given: Any) -> str:
        conf = tmp_path / "conf"
        if text is not None:
            conf.write_bytes(text.encode())
        main = lambda _: kind(conf, *args, **given) and None  # noqa: E731 - shorter than a function
        checked, applied = evaluate(main, "check"), evaluate(main)
        assert checked.changes() == applied.changes()
        assert bool(applied.changes()) is (text is None or conf.read_bytes() != text.encode())
        assert evaluate(main).changes() == []
        return conf.read_bytes().decode()

    return edited


def refused(evaluate: Evaluate, path: Path, kind: type[Any], *args: Any, **given: Any) -> str:
    before = path.read_bytes() if path.exists() else None
    for mode in ("check", "apply"):
        failure = evaluate(lambda _: kind(path, *args, **given) and None, mode).failure
    assert (path.read_bytes() if path.exists() else None) == before
    return f"{failure.message}\n{failure.remedy}"


# Line


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"text": "Port 22"}, SSHD),
        ({"text": "Port 2222", "regexp": "^Port "}, SSHD.replace("Port 22", "Port 2222")),
        (
            {"text": "PermitRootLogin no", "regexp": "^#?PermitRootLogin "},
            SSHD.replace("#PermitRootLogin yes", "PermitRootLogin no"),
        ),
        (
            {"text": "PermitRootLogin no", "regexp": "^#PermitRootLogin", "allow_mismatch": True},
            SSHD.replace("#PermitRootLogin yes", "PermitRootLogin no"),
        ),
        ({"text": "UseDNS no"}, SSHD + "UseDNS no\n"),
        ({"text": "UseDNS no", "before": "^Match "}, SSHD.replace("Match", "UseDNS no\nMatch")),
        ({"text": "UseDNS no", "after": "^Port"}, SSHD.replace("Port 22\n", "Port 22\nUseDNS no\n")),
        ({"text": "UseDNS no", "after": "^nothing like it"}, SSHD + "UseDNS no\n"),
        ({"text": "UseDNS no", "after": "X11"}, SSHD + "UseDNS no\n"),
        ({"text": "UseDNS no", "after": "X11", "first_match": True}, SSHD.replace("Match", "UseDNS no\nMatch")),
        ({"text": "X11Forwarding maybe", "regexp": "X11Forwarding"}, SSHD.replace("    X11Forwarding yes", "X11Forwarding maybe")),
        (
            {"text": "X11Forwarding maybe", "regexp": "X11Forwarding", "first_match": True},
            SSHD.replace("X11Forwarding no", "X11Forwarding maybe"),
        ),
        ({"text": r"\1X11Forwarding no", "regexp": r"^(\s+)X11Forwarding \w+", "backrefs": True}, SSHD.replace("    X11Forwarding yes", "    X11Forwarding no")),
        ({"regexp": "X11", "absent": True}, "Port 22\n#PermitRootLogin yes\nMatch User git\n"),
        ({"text": "Port 22", "absent": True}, SSHD.replace("Port 22\n", "")),
        ({"text": "Port", "absent": True}, SSHD),
        ({"text": "Port 2222", "regexp": "^Ports? 2222", "on_missing": "ignore"}, SSHD),
        ({"text": T("Port {{ 2000 + 222 }}"), "regexp": T("^{{ 'Port' }} ")}, SSHD.replace("Port 22", "Port 2222")),
    ],
)  # fmt: skip
def test_a_line_stands_as_it_is_asked_for(given: dict[str, Any], expected: str, edit: Callable[..., str]) -> None:
    assert edit(SSHD, Line, **given) == expected


def test_an_expression_that_does_not_find_its_own_line_is_refused(tmp_path: Path, evaluate: Evaluate) -> None:
    """It would add the line again at every run, as soon as the line is not exactly there."""
    (tmp_path / "conf").write_text(SSHD)
    said = refused(evaluate, tmp_path / "conf", Line, "PermitRootLogin no", regexp="^#PermitRootLogin")
    assert "does not match the line that it is to find again" in said
    assert "allow_mismatch=True" in said
    late = refused(evaluate, tmp_path / "conf", Line, Eval("'a' + 'b'"), regexp="^c")
    assert "does not match the line" in late


def test_where_a_new_line_goes_does_not_move_one_that_is_there(edit: Callable[..., str]) -> None:
    text = "a = 1\nb = 2\n# here\n"
    assert edit(text, Line, "a = 3", regexp="^a =", after="^# here") == text.replace("a = 1", "a = 3")
    assert edit(text, Line, "a = 1", after="^# here") == text


@pytest.mark.parametrize(
    ("before", "after"),
    [("", "b\n"), ("a", "a\nb\n"), ("a\r\nc\r\n", "a\r\nc\r\nb\r\n"), ("a\n\n", "a\n\nb\n"), ("ä\x0b\u2028x\n", "ä\x0b\u2028x\nb\n")],
)  # fmt: skip
def test_the_ends_of_lines_stay_and_a_missing_last_one_comes(before: str, after: str, edit: Callable[..., str]) -> None:
    assert edit(before, Line, "b") == after


def test_a_last_line_without_its_end_is_left_so_if_nothing_changes(edit: Callable[..., str]) -> None:
    assert edit("a\nb", Line, "b") == "a\nb"


def test_bytes_that_are_no_text_stay(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_bytes(b"\xff\xfe old\n")
    evaluate(lambda _: Line(tmp_path / "conf", "new") and None)
    assert (tmp_path / "conf").read_bytes() == b"\xff\xfe old\nnew\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": "x", "on_missing": "fail"}, "lacks the line"),
        ({"text": "xy", "regexp": "^x", "on_missing": "fail"}, "no line of"),
        ({"text": r"\1", "regexp": "^(x)", "backrefs": True, "on_missing": "fail"}, "no line of"),
        ({"text": r"\1", "regexp": "^(x)", "backrefs": True}, None),
        ({"text": r"\2", "regexp": "^(Port)", "backrefs": True}, "names a group that regexp= lacks"),
        ({"text": r"\1\1", "regexp": "^(Po)rt", "backrefs": True}, None),
        ({"text": r"a\1", "regexp": "^(a*Port.*)", "backrefs": True}, "change its own result again at every run"),
        ({"text": "a\nb"}, "Block keeps several"),
        ({}, "no line is given"),
        ({"text": "x", "regexp": "("}, "is no regular expression"),
        ({"text": "x", "after": "*"}, "is no regular expression"),
        ({"text": "x", "after": "a", "before": "b"}, "only one of after, before"),
        ({"text": "x", "on_missing": "perhaps"}, "one of 'append', 'fail', 'ignore'"),
        ({"text": "x", "backrefs": True}, "needs regexp="),
    ],
)
def test_a_line_that_cannot_be_kept_is_refused(
    given: dict[str, Any], said: str | None, tmp_path: Path, evaluate: Evaluate
) -> None:
    (tmp_path / "conf").write_text(SSHD)
    if said is None:
        assert evaluate(lambda _: Line(tmp_path / "conf", **given) and None).ending.status == "ok"
        return
    assert said in refused(evaluate, tmp_path / "conf", Line, **given)


# Files


def test_a_missing_file_is_made_only_if_asked_for(tmp_path: Path, evaluate: Evaluate, edit: Callable[..., str]) -> None:
    for kind, args in ((Line, ("a",)), (Block, ("a",)), (Replace, ("a", "b"))):
        assert "create=True" in refused(evaluate, tmp_path / "none", kind, *args)
    assert edit(None, Line, "a", create=True, mode=0o600) == "a\n"
    assert stat.S_IMODE((tmp_path / "conf").stat().st_mode) == 0o600
    assert evaluate(lambda _: Line(tmp_path / "none", "a", absent=True) and None).changes() == []


def test_a_link_is_edited_only_if_it_is_to_be_followed(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_text("a\n")
    (tmp_path / "link").symlink_to("conf")
    assert "follow=True" in refused(evaluate, tmp_path / "link", Line, "b")
    evaluate(lambda _: Line(tmp_path / "link", "b", follow=True) and None)
    assert (tmp_path / "conf").read_text() == "a\nb\n"
    assert (tmp_path / "link").is_symlink()


def test_an_edit_keeps_mode_and_attributes_proves_the_content_and_keeps_the_old(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    conf = tmp_path / "conf"
    conf.write_text("a\n")
    conf.chmod(0o4640)
    os.setxattr(conf, "user.note", b"kept")
    assert "validate=" in refused(evaluate, conf, Line, "b", validate="! grep b %s", backup=True)
    evaluate(lambda _: Line(conf, "b", validate="grep b %s", backup=True) and None)
    assert (stat.S_IMODE(conf.stat().st_mode), os.getxattr(conf, "user.note")) == (0o4640, b"kept")
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["a\n", "a\nb\n"]


def test_edits_of_a_planned_file_are_certain_and_follow_each_other(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"

    def main(_: object) -> None:
        File(conf, from_content="a = 1\n")
        Line(conf, "b = 2")
        Replace(conf, r"= (\d)$", r"= 1\1")
        Block(conf, "c = 3", before="^b")
        Line(conf, "b = 12")

    check = evaluate(main, "check")
    assert check.changes(assumed=True) == []
    assert [change[:1] for change in check.changes()] == [("File",), ("Line",), ("Replace",), ("Block",)]
    apply = evaluate(main)
    assert apply.changes() == check.changes()
    assert conf.read_text() == "a = 11\n# BEGIN opsmop\nc = 3\n# END opsmop\nb = 12\n"


def test_a_secret_in_a_part_is_never_shown(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"
    conf.write_text("password = \n")

    def main(_: object) -> None:
        Replace(conf, "^password =.*", Secret("password = hunter22"))
        Line(conf, Secret("token = hunter23"))
        Block(conf, Secret("key = hunter24"))
        word = "hunter25"
        Line(conf, T("other = {{ word }}"), sensitive=True)
        assert word

    for mode in ("check", "apply"):
        assert "hunter" not in evaluate(main, mode).wire()
    assert conf.read_text().count("hunter") == 4


# Block


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"block": "x\ny\n"}, "a\nb\n# BEGIN opsmop\nx\ny\n# END opsmop\n"),
        ({"block": "x", "title": "web"}, "a\nb\n# BEGIN web\nx\n# END web\n"),
        ({"block": "x", "spaced": True}, "a\nb\n\n# BEGIN opsmop\nx\n# END opsmop\n"),
        ({"block": "x", "spaced": True, "after": "^a"}, "a\n\n# BEGIN opsmop\nx\n# END opsmop\n\nb\n"),
        ({"block": "x", "marker": "// {mark} {title}"}, "a\nb\n// BEGIN opsmop\nx\n// END opsmop\n"),
        ({"block": "x", "marker": "<!-- {mark} -->"}, "a\nb\n<!-- BEGIN -->\nx\n<!-- END -->\n"),
        ({"block": "x", "after": "^a"}, "a\n# BEGIN opsmop\nx\n# END opsmop\nb\n"),
        ({"block": "x", "before": "^a"}, "# BEGIN opsmop\nx\n# END opsmop\na\nb\n"),
        ({"block": "x:\n\n  - 1", "indent": "  "}, "a\nb\n  # BEGIN opsmop\n  x:\n\n    - 1\n  # END opsmop\n"),
        ({"block": ""}, "a\nb\n# BEGIN opsmop\n# END opsmop\n"),
        ({"absent": True}, "a\nb\n"),
    ],
)
def test_a_block_stands_between_its_marks(given: dict[str, Any], expected: str, edit: Callable[..., str]) -> None:
    assert edit("a\nb\n", Block, **given) == expected


def test_a_block_is_replaced_where_it_stands_and_goes_with_its_marks(edit: Callable[..., str]) -> None:
    text = "a\n# BEGIN web\nold\nolder\n# END web\nb\n"
    assert edit(text, Block, "new", title="web", after="^b") == "a\n# BEGIN web\nnew\n# END web\nb\n"
    assert edit(text, Block, title="web", absent=True) == "a\nb\n"
    assert edit(text, Block, "x", title="db").startswith(text)
    assert edit(text, Block, "new", title="web", indent="  ") == "a\n  # BEGIN web\n  new\n  # END web\nb\n"


@pytest.mark.parametrize(
    "text", ["# BEGIN opsmop\n", "# END opsmop\nx\n# BEGIN opsmop\n", "# BEGIN opsmop\n# END opsmop\n" * 2]
)
def test_marks_that_are_not_one_pair_are_left_to_people(text: str, tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_text(text)
    assert "are not one pair: lines" in refused(evaluate, tmp_path / "conf", Block, "x")


def test_two_blocks_with_the_same_marks_are_refused(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_text("")

    def main(_: object) -> None:
        Block(tmp_path / "conf", "one")
        Block(tmp_path / "conf", "one")
        Block(tmp_path / "conf", "two", title="second")
        Block(tmp_path / "conf", "two")

    for mode in ("check", "apply"):
        failure = evaluate(main, mode).failure
        assert "another block with the marks of 'opsmop'" in failure.message
        assert "title=" in failure.remedy


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no block is given"),
        ({"block": "x", "absent": True}, "only one of"),
        ({"block": "x", "marker": "# opsmop"}, "one line with {mark}"),
        ({"block": "a\n # END opsmop\nb"}, "holds its own mark"),
        ({"block": "a", "indent": "--"}, "is no blank space"),
    ],
)
def test_a_block_that_could_not_be_found_again_is_refused(given: dict[str, Any], said: str, evaluate: Evaluate) -> None:
    assert said in evaluate(lambda _: Block("/conf", **given) and None).failure.message


# Replace


@pytest.mark.parametrize(
    ("args", "given", "expected"),
    [
        (("old", "new"), {}, "[a]\nhost = new\n[b]\nhost = new\n"),
        ((r"^host = \w+$", "host = x"), {}, "[a]\nhost = x\n[b]\nhost = x\n"),
        (("old", "new"), {"after": r"\[b\]"}, "[a]\nhost = old\n[b]\nhost = new\n"),
        (("old", "new"), {"before": r"\[b\]"}, "[a]\nhost = new\n[b]\nhost = old\n"),
        (("old", "new"), {"after": "nowhere"}, "[a]\nhost = old\n[b]\nhost = old\n"),
        (("nowhere", "new"), {}, "[a]\nhost = old\n[b]\nhost = old\n"),
        ((r"(host) = (?P<what>old)", r"\1 = \3"), {}, None),
        ((r"(host) = (?P<what>old)$", r"\1 = '\g<what>'"), {}, "[a]\nhost = 'old'\n[b]\nhost = 'old'\n"),
        (("\n\\[b\\]\n", "\n[c]\n"), {}, "[a]\nhost = old\n[c]\nhost = old\n"),
    ],
)
def test_all_that_matches_is_replaced(
    args: tuple[str, str], given: dict[str, Any], expected: str | None, edit: Callable[..., str],
    tmp_path: Path, evaluate: Evaluate,
) -> None:  # fmt: skip
    text = "[a]\nhost = old\n[b]\nhost = old\n"
    if expected is None:
        (tmp_path / "conf").write_text(text)
        assert "the replacement cannot be made" in refused(evaluate, tmp_path / "conf", Replace, *args)
        return
    assert edit(text, Replace, *args, **given) == expected


@pytest.mark.parametrize(
    ("regexp", "replacement"), [("old", "older"), ("o", "oo"), (r"^(.*)$", r"# \1"), ("old", "cold")]
)
def test_what_would_match_in_its_own_result_is_refused(
    regexp: str, replacement: str, tmp_path: Path, evaluate: Evaluate
) -> None:
    (tmp_path / "conf").write_text("host = old\n")
    assert "again at every run" in refused(evaluate, tmp_path / "conf", Replace, regexp, replacement)


def test_the_difference_is_shown(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_text("a\nold\n")
    diff = evaluate(lambda _: Replace(tmp_path / "conf", "old", "new") and None, "check").last.changes[0].diff
    assert "-old" in diff
    assert "+new" in diff


@pytest.mark.parametrize(
    ("expression", "new", "made"),
    [
        ("^a = 1$", "a = 2", b"a = 2\r\nb\r\n"),
        (r"a = 1\r$", "a = 2\r", b"a = 2\r\nb\r\n"),
        ("= 1$", "= 2\n# more", b"a = 2\r\n# more\r\nb\r\n"),
    ],
)
def test_ends_of_lines_of_windows_are_ends_of_lines(
    expression: str, new: str, made: bytes, tmp_path: Path, evaluate: Evaluate
) -> None:
    conf = tmp_path / "conf"
    conf.write_bytes(b"a = 1\r\nb\r\n")
    main = lambda _: Replace(conf, expression, new) and None  # noqa: E731
    assert len(evaluate(main).changes()) == 1
    assert conf.read_bytes() == made
    assert evaluate(main).changes() == []
