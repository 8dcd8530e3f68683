"""Files: what is written, and what is refused."""

from __future__ import annotations

import hashlib
import http.server
import os
import stat
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opsmop import Directory, File, Secret, Shell, T
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
        (440, "is a decimal number, 0o670"),
        (444, "decimal"),
        (1777, "decimal"),
        (2755, "decimal"),
        (4755, "decimal"),
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


@pytest.mark.parametrize(("mode", "other"), [(0o620, "0400"), (0o764, "0500")])
def test_a_mode_that_may_be_a_slip_is_warned_of(mode: int, other: str, tmp_path: Path, evaluate: Evaluate) -> None:
    done = evaluate(lambda _: File(tmp_path / "conf", mode=mode) and None)
    assert f'"{mode:04o}" or "{other}" as a text says which is meant' in done.warnings[0]
    assert mode_of(tmp_path / "conf") == mode
    assert evaluate(lambda _: File(tmp_path / "conf", mode=f"{mode:o}") and None).warnings == []


@pytest.mark.parametrize(
    "mode",
    [
        0o400, 0o440, 0o444, 0o500, 0o550, 0o555, 0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o710, 0o711, 0o750,
        0o751, 0o755, 0o770, 0o775, 0o777, 0o1700, 0o1733, 0o1770, 0o1775, 0o1777, 0o2640, 0o2700, 0o2710, 0o2711,
        0o2750, 0o2755, 0o2770, 0o2775, 0o3770, 0o3775, 0o4111, 0o4711, 0o4750, 0o4755, 0o6711, 0o6755,
    ],
)  # fmt: skip
def test_a_usual_mode_is_no_slip(mode: int, tmp_path: Path, evaluate: Evaluate) -> None:
    done = evaluate(lambda _: File(tmp_path / "conf", mode=mode) and None)
    assert done.warnings == []
    assert mode_of(tmp_path / "conf") == mode


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


@pytest.mark.parametrize(
    ("before", "mode", "after"),
    [
        (0o640, "u+x", 0o740),
        (0o640, "a+X", 0o640),
        (0o740, "a+X", 0o751),
        (0o777, "go-w", 0o755),
        (0o777, "u=rw,go=", 0o600),
        (0o640, "o=g", 0o644),
        (0o600, "+r", 0o644),
        (0o600, "+w", 0o600),
        (0o644, "u+s,g+s", 0o6644),
        (0o6755, "ug-s", 0o755),
        (0o644, "+t", 0o1644),
        (0o644, "u+x-w", 0o544),
        (0o644, "u=rwx,go=rx", 0o755),
    ],
)
def test_a_mode_in_symbols_means_what_chmod_means(
    before: int, mode: str, after: int, tmp_path: Path, evaluate: Evaluate
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for path in (ours, theirs):
        path.write_text("")
        path.chmod(before)
    subprocess.run(["/bin/sh", "-c", f"umask 022; chmod {mode} {theirs}"], check=True)
    evaluate(lambda _: File(ours, mode=mode) and None)
    assert mode_of(ours) == mode_of(theirs) == after
    assert evaluate(lambda _: File(ours, mode=mode) and None).changes() == []


@pytest.mark.parametrize("mode", ["u", "u+", "z+r", "u+rw;", "u*x", "rwx", "u+r,", "+ug"])
def test_symbols_that_chmod_would_not_take_are_refused_or_change_nothing(
    mode: str, tmp_path: Path, evaluate: Evaluate
) -> None:
    done = evaluate(lambda _: File(tmp_path / "conf", mode=mode) and None)
    if mode == "u+":  # chmod takes it, and it says nothing
        assert mode_of(tmp_path / "conf") == 0o644
        return
    assert "octal digits, nor symbols" in done.failure.message


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_a_content_that_its_check_refuses_never_takes_the_name(mode: str, tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"
    conf.write_text("good\n")
    main = lambda _: File(conf, from_content="bad\n", validate="grep -q good %s || { echo why; exit 3; }", backup=True)  # noqa: E731
    failure = evaluate(lambda _: main(_) and None, mode).failure
    assert "validate=" in failure.message
    assert (failure.rc, failure.output) == (3, "why\n")
    assert conf.read_text() == "good\n"
    assert list(tmp_path.iterdir()) == [conf]


def test_the_check_sees_the_whole_new_content_beside_the_old_file(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "my conf"
    check = f"test $(cat %s) = new && dirname %s > {tmp_path}/where"
    evaluate(lambda _: File(conf, from_content="new", validate=check) and None)
    assert conf.read_text() == "new"
    assert (tmp_path / "where").read_text() == f"{tmp_path}\n"


def test_a_check_that_looks_at_nothing_is_refused(tmp_path: Path, evaluate: Evaluate) -> None:
    assert "has no %s" in evaluate(lambda _: File(tmp_path / "conf", validate="visudo -c") and None).failure.message


def test_what_a_planned_package_may_bring_can_make_a_check_pass_later(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell("install the checker")
        File(tmp_path / "conf", from_content="x", validate="no-such-checker %s")

    assert evaluate(main, "check").changes(assumed=True)[-1][2] == "cannot be predicted"


def test_a_backup_is_the_very_file_that_was_replaced(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "conf"
    conf.write_text("old")
    conf.chmod(0o640)
    os.setxattr(conf, "user.note", b"kept")
    main = lambda _: File(conf, from_content="new", backup=True) and None  # noqa: E731
    evaluate(main, "check")
    assert list(tmp_path.iterdir()) == [conf]
    evaluate(main)
    (backup,) = set(tmp_path.iterdir()) - {conf}
    assert (backup.read_text(), mode_of(backup), os.getxattr(backup, "user.note")) == ("old", 0o640, b"kept")
    assert backup.name.startswith("conf.2")
    assert backup.name.endswith("Z~")
    evaluate(main)
    assert len(list(tmp_path.iterdir())) == 2, "nothing changed, nothing is kept"
    for content in ("a", "b"):
        evaluate(lambda _: File(conf, from_content=content, backup=True) and None)  # noqa: B023 - evaluated at once
    evaluate(lambda _: File(conf, absent=True, backup=True) and None)
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["a", "b", "new", "old"]


def test_touch_is_done_each_time_and_changes_no_content(tmp_path: Path, evaluate: Evaluate) -> None:
    conf = tmp_path / "restart"
    main = lambda _: File(conf, touch=True) and None  # noqa: E731
    assert [change[2] for change in evaluate(main).changes()] == ["create"]
    conf.write_text("kept")
    os.utime(conf, (0, 0))
    assert [change[2] for change in evaluate(main).changes()] == ["touch"]
    assert conf.read_text() == "kept"
    assert conf.stat().st_mtime > 1_000_000_000


def test_an_access_list_stays_and_the_mode_is_the_one_asked_for(tmp_path: Path, evaluate: Evaluate) -> None:
    entries = [(1, 6, -1), (2, 4, 1000), (4, 4, -1), (16, 6, -1), (32, 0, -1)]  # user, a named one, group, mask, others
    listed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    conf = tmp_path / "conf"
    conf.write_text("old")
    os.setxattr(conf, "system.posix_acl_access", listed)
    evaluate(lambda _: File(conf, from_content="new", mode=0o640) and None)
    assert mode_of(conf) == 0o640
    assert struct.pack("<HHi", 2, 4, 1000) in os.getxattr(conf, "system.posix_acl_access")
    assert evaluate(lambda _: File(conf, from_content="new", mode=0o640) and None).changes() == []


def test_the_difference_of_what_is_no_text_is_sizes_and_digests(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_bytes(b"\0old")
    diff = evaluate(lambda _: File(tmp_path / "conf", from_content=b"\0new!") and None, "check").last.changes[0].diff
    assert diff.startswith("4 bytes, sha256 ")
    assert " -> 5 bytes, sha256 " in diff


def test_a_missing_newline_at_the_end_is_a_difference_and_comes_through(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "conf").write_text("a\n")
    diff = evaluate(lambda _: File(tmp_path / "conf", from_content="a") and None).last.changes[0].diff
    assert "No newline at end of file" in diff
    assert (tmp_path / "conf").read_text() == "a"


def served(content: bytes) -> Iterator[str]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"http://127.0.0.1:{server.server_port}/thing"
        server.shutdown()


def test_a_file_from_the_web_that_is_there_may_be_left_alone(url: str, tmp_path: Path, evaluate: Evaluate) -> None:
    main = lambda _: File(tmp_path / "a", from_url=url, overwrite=False, mode=0o600) and None  # noqa: E731
    assert [name for _, _, name, *_ in evaluate(main).changes()] == ["download"]
    (tmp_path / "a").write_text("grown here")
    (tmp_path / "a").chmod(0o644)
    assert [name for _, _, name, *_ in evaluate(main).changes()] == ["mode"]
    assert (tmp_path / "a").read_text() == "grown here"


@pytest.fixture
def url() -> Iterator[str]:
    yield from served(b"from the web")


def test_a_file_may_come_from_the_web(url: str, tmp_path: Path, evaluate: Evaluate) -> None:
    digest = hashlib.sha256(b"from the web").hexdigest()
    (tmp_path / "link").symlink_to("thing")
    main = lambda _: File(  # noqa: E731
        tmp_path / "link", from_url=url, checksum=f"sha256:{digest}", mode="u=rw,go=", follow=True
    ) and None  # fmt: skip
    checked, applied = evaluate(main, "check"), evaluate(main)
    assert checked.changes() == applied.changes() == [("File", str(tmp_path / "link"), "download", "", url)]
    assert (tmp_path / "thing").read_bytes() == b"from the web"
    assert mode_of(tmp_path / "thing") == 0o600
    assert evaluate(main).changes() == []
    (tmp_path / "thing").write_text("other")
    assert len(evaluate(main).changes()) == 1
    wrong = evaluate(lambda _: File(tmp_path / "new", from_url=url, checksum="sha256:" + "0" * 64) and None)
    assert wrong.ending.status == "failed"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"from_url": "ftp://x"}, "neither http:// nor https://"),
        ({"from_url": "http://x", "checksum": "sha256:1"}, "is not one"),
        ({"from_url": "http://x", "from_content": "y"}, "only one of"),
        ({"from_url": "http://x", "touch": True}, "only one of from_url, touch"),
        ({"from_url": "http://x", "validate": "true"}, "has no %s"),
        ({"checksum": "sha256:1"}, "goes with from_url="),
    ],
)
def test_what_cannot_come_from_the_web_is_refused(given: dict[str, Any], said: str, evaluate: Evaluate) -> None:
    assert said in evaluate(lambda _: File("/conf", **given) and None).failure.message


def test_a_path_with_a_nul_in_it_is_refused(evaluate: Evaluate) -> None:
    assert "no path has a NUL in it" in evaluate(lambda _: File("/x\0y", from_content="x") and None).failure.message
