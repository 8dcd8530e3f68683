"""Files: what is written, and what is refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Directory, File, Secret, T
from opsmop.language.lookups import Eval

Evaluate = Callable[..., Any]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_is_replaced_and_never_half_written(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"
    conf.write_text("old")
    with conf.open() as reader:
        evaluate(lambda _: File(conf, from_content="new") and None)
        assert reader.read() == "old", "who reads the old file reads all of it"
    assert conf.read_text() == "new"
    assert list(tmp_path.iterdir()) == [conf], "no temporary file is left"


def test_a_new_file_has_mode_0644_and_keeps_none_of_the_umask(tmp_path: Path, evaluate: Evaluate) -> None:
    old = os.umask(0o077)
    try:
        evaluate(lambda _: File(tmp_path / "conf", from_content="x") and None)
        evaluate(lambda _: Directory(tmp_path / "tree" / "deep") and None)
    finally:
        os.umask(old)
    assert mode_of(tmp_path / "conf") == 0o644
    assert mode_of(tmp_path / "tree") == mode_of(tmp_path / "tree" / "deep") == 0o755


def test_a_file_keeps_its_mode_when_its_content_changes(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"
    conf.write_text("old")
    conf.chmod(0o4751)
    assert [change[2] for change in evaluate(lambda _: File(conf, from_content="new") and None).changes()] == [
        "content"
    ]
    assert mode_of(conf) == 0o4751


def test_new_content_takes_its_name_with_the_new_mode(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"
    conf.write_text("old")
    conf.chmod(0o644)
    evaluate(lambda _: File(conf, from_content="secret", mode=0o600) and None)
    assert (conf.read_text(), mode_of(conf)) == ("secret", 0o600)


def test_extended_attributes_stay(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"
    conf.write_text("old")
    os.setxattr(conf, "user.note", b"kept")
    evaluate(lambda _: File(conf, from_content="new") and None)
    assert os.getxattr(conf, "user.note") == b"kept"


def test_a_symbolic_link_is_refused_and_its_target_untouched(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to("target")
    for mode in ("check", "apply"):
        failure = evaluate(lambda _: File(tmp_path / "link", from_content="x") and None, mode).failure
        assert failure.message == f"{tmp_path}/link is a symbolic link to target"
        assert "follow=True" in failure.remedy
    assert (tmp_path / "target").read_text() == "precious"


def test_follow_manages_what_a_link_points_at(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("second")
    (tmp_path / "second").symlink_to(tmp_path / "target")
    evaluate(lambda _: File(tmp_path / "link", from_content="new", mode=0o600, follow=True) and None)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"
    assert mode_of(tmp_path / "target") == 0o600


def test_a_link_to_nothing_is_followed_by_making_it(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "link").symlink_to("target")
    evaluate(lambda _: File(tmp_path / "link", from_content="new", follow=True) and None)
    assert (tmp_path / "target").read_text() == "new"


def test_a_link_that_leads_to_itself_is_an_error(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    failure = evaluate(lambda _: File(tmp_path / "one", from_content="x", follow=True) and None).failure
    assert "never ends" in failure.message


def test_absent_removes_a_link_and_not_its_target(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to("target")
    evaluate(lambda _: File(tmp_path / "link", absent=True) and None)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_directory_is_no_file(tmp_path: Path, evaluate: Evaluate) -> None:
    assert evaluate(lambda _: File(tmp_path, from_content="x") and None).failure.message.endswith(
        "is a directory, not a file"
    )
    assert "Directory(..., absent=True)" in evaluate(lambda _: File(tmp_path, absent=True) and None).failure.remedy


def test_a_missing_directory_on_the_way_is_named_with_the_remedy(tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: File(tmp_path / "missing" / "conf") and None).failure
    assert "Directory" in failure.remedy


@pytest.mark.parametrize(
    ("mode", "bits"), [(0o644, 0o644), ("0644", 0o644), ("644", 0o644), ("0o4755", 0o4755), (0, 0), (Eval("0o600"), 0o600)]
)  # fmt: skip
def test_a_mode_is_an_octal_number_or_octal_digits(mode: Any, bits: int, tmp_path: Path, evaluate: Evaluate) -> None:
    evaluate(lambda _: File(tmp_path / "conf", mode=mode) and None)
    assert mode_of(tmp_path / "conf") == bits


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (644, "decimal"),
        (755, "decimal"),
        ("rw-r--r--", "octal digits"),
        ("0999", "octal digits"),
        ("", "octal digits"),
        (0o10000, "not between"),
        (-1, "not between"),
        (True, "int | str | None"),
        (Eval("644"), "decimal"),
    ],
)
def test_a_mode_that_is_a_slip_is_refused(mode: Any, said: str, tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: File(tmp_path / "conf", mode=mode) and None).failure
    assert failure.error == "FieldError"
    assert said in failure.message
    assert not (tmp_path / "conf").exists()


def test_a_hexadecimal_mode_is_warned_of_and_meant_as_written(tmp_path: Path, evaluate: Evaluate) -> None:
    done = evaluate(lambda _: File(tmp_path / "conf", mode=0x755) and None)
    assert "0o755 is probably meant" in done.warnings[0]
    assert mode_of(tmp_path / "conf") == 0x755


def test_a_relative_path_is_refused_however_it_is_given(evaluate: Evaluate) -> None:
    for name in ("conf", T("{{ 'co' + 'nf' }}"), Path("conf")):
        failure = evaluate(lambda _: File(name, from_content="x") and None).failure  # noqa: B023 - evaluated at once
        assert "absolute path, not 'conf'" in failure.message


def test_one_source_of_content_at_a_time(tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: File(tmp_path / "conf", from_content="x", from_file="y") and None).failure
    assert "only one of" in failure.message


def test_content_is_shown_as_a_difference_only_when_asked(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_text("a\nb\n")
    main = lambda _: File(tmp_path / "conf", from_content="a\nc\n") and None  # noqa: E731 - shorter than a function
    diff = evaluate(main, "check").last.changes[0].diff
    assert "-b" in diff
    assert "+c" in diff
    assert evaluate(main, "check", diff=False).last.changes[0].diff == ""


@pytest.mark.parametrize("given", [{"from_content": Secret("c\n")}, {"from_content": "c\n", "sensitive": True}])
def test_secret_content_is_never_shown(given: dict[str, Any], tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_text("a\n")
    assert evaluate(lambda _: File(tmp_path / "conf", **given) and None).last.changes[0].diff == ""
    assert (tmp_path / "conf").read_text() == "c\n"


def test_a_large_file_of_the_same_size_is_compared_whole(tmp_path: Path, evaluate: Evaluate) -> None:
    size = 3 * 1024 * 1024
    (tmp_path / "conf").write_bytes(b"a" * size)
    wanted = b"a" * (size - 1) + b"b"
    assert len(evaluate(lambda _: File(tmp_path / "conf", from_content=wanted) and None).changes()) == 1
    assert (tmp_path / "conf").read_bytes() == wanted


def test_two_names_of_one_path_are_one_file_in_check(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")

    def main(_: object) -> None:
        File(tmp_path / "real" / "conf", from_content="x")
        File(f"{tmp_path}/alias/./conf", from_content="x")

    assert len(evaluate(main, "check").changes()) == 1
