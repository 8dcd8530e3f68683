"""Directories: what is made, changed beneath, and refused."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Directory, File

Evaluate = Callable[..., Any]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_recursive_mode_makes_only_what_was_executable_executable(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    for name, mode in (("tool", 0o700), ("data", 0o600)):
        (tmp_path / "tree" / "sub" / name).touch(mode)
    evaluate(lambda _: Directory(tmp_path / "tree", mode=0o755, recursive=True) and None)
    modes = {path.name: mode_of(path) for path in tmp_path.rglob("*")}
    assert modes == {"tree": 0o755, "sub": 0o755, "tool": 0o755, "data": 0o644}


def test_links_beneath_are_never_followed(tmp_path: Path, evaluate: Evaluate) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o700)
    (outside / "precious").touch(0o600)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(outside)
    (tmp_path / "tree" / "file").symlink_to(outside / "precious")
    evaluate(lambda _: Directory(tmp_path / "tree", mode=0o777, recursive=True) and None)
    assert (mode_of(outside), mode_of(outside / "precious")) == (0o700, 0o600)
    evaluate(lambda _: Directory(tmp_path / "tree", absent=True, recursive=True) and None)
    assert (outside / "precious").exists()
    assert not (tmp_path / "tree").exists()


def test_all_that_differs_beneath_is_one_change(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "tree").mkdir(0o755)
    for number in range(500):
        (tmp_path / "tree" / str(number)).touch(0o600)
    done = evaluate(lambda _: Directory(tmp_path / "tree", mode=0o755, recursive=True) and None)
    assert [change.name for change in done.last.changes] == ["beneath"]
    assert "500 entries" in done.last.changes[0].after


def test_a_directory_that_is_not_empty_goes_only_with_recursive(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "precious").touch()
    for mode in ("check", "apply"):
        failure = evaluate(lambda _: Directory(tmp_path / "tree", absent=True) and None, mode).failure
        assert "not empty" in failure.message
        assert "recursive=True" in failure.remedy
    assert (tmp_path / "tree" / "precious").exists()


def test_a_directory_that_only_check_filled_is_not_empty_either(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Directory(tmp_path / "tree")
        File(tmp_path / "tree" / "conf")
        Directory(tmp_path / "tree", absent=True)

    assert "not empty" in evaluate(main, "check").failure.message
    assert "not empty" in evaluate(main, "apply").failure.message


def test_a_mount_point_is_not_removed(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Directory("/proc", absent=True, recursive=True) and None, "check").failure
    assert "/proc is a mount point" in failure.message


def test_the_root_directory_is_not_removed(evaluate: Evaluate) -> None:
    for name in ("/", "//"):
        main = lambda _: Directory(name, absent=True, recursive=True) and None  # noqa: B023, E731 - evaluated at once
        assert evaluate(main, "check").failure.message == "/ is not removed"


def test_a_file_where_a_directory_is_wanted_is_an_error(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "thing").touch()
    assert "is a file, not a directory" in evaluate(lambda _: Directory(tmp_path / "thing") and None).failure.message
    inside = evaluate(lambda _: Directory(tmp_path / "thing" / "a") and None).failure.message
    assert f"{tmp_path}/thing is a file, not a directory" in inside


def test_a_link_to_a_directory_is_as_good_as_one_unless_something_is_asked_of_it(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    (tmp_path / "real").mkdir(0o755)
    (tmp_path / "link").symlink_to("real")
    assert evaluate(lambda _: Directory(tmp_path / "link") and None).changes() == []
    assert "symbolic link" in evaluate(lambda _: Directory(tmp_path / "link", mode=0o700) and None).failure.message
    assert mode_of(tmp_path / "real") == 0o755


def test_setgid_is_kept_when_mode_is_not_given_and_goes_when_it_is(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree").chmod(0o2755)
    assert evaluate(lambda _: Directory(tmp_path / "tree") and None).changes() == []
    evaluate(lambda _: Directory(tmp_path / "tree", mode=0o755) and None)
    assert mode_of(tmp_path / "tree") == 0o755


def test_symbols_with_a_capital_x_make_directories_and_programs_executable(tmp_path: Path, evaluate: Evaluate) -> None:
    for name, mode in (("tool", 0o700), ("data", 0o600)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    (tmp_path / "sub").mkdir(mode=0o700)
    evaluate(lambda _: Directory(tmp_path, mode="go=rX", recursive=True) and None)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("tool", "data", "sub")] == [0o755, 0o644, 0o755]


def test_what_only_leaves_out_goes_and_links_are_not_followed(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("")
    conf = tmp_path / "conf.d"
    conf.mkdir()
    (conf / "site.conf").write_text("")
    (conf / "old").mkdir()
    (conf / "old" / "file").write_text("")
    (conf / "link").symlink_to(tmp_path / "outside")
    main = lambda _: Directory(conf, only=["*.conf", "*.d"], mode=0o700, recursive=True) and None  # noqa: E731
    checked, applied = evaluate(main, "check"), evaluate(main)
    assert checked.changes() == applied.changes()
    assert ("remove the rest", "2 entries, such as link") in [change[2:4] for change in applied.changes()]
    assert [path.name for path in conf.iterdir()] == ["site.conf"]
    assert (tmp_path / "outside" / "precious").exists()
    assert evaluate(main).changes() == []


def test_only_with_nothing_empties_it(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "file").write_text("")
    evaluate(lambda _: Directory(tmp_path, only=[]) and None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("given", [{"recursive": True}, {"only": []}])
def test_the_root_is_never_changed_with_all_beneath(given: dict[str, Any], evaluate: Evaluate) -> None:
    for root in ("/", "//"):
        failure = evaluate(lambda _: Directory(root, **given) and None, "check").failure  # noqa: B023 - evaluated at once
        assert failure.error == "FieldError"
        assert "everything beneath /" in failure.message


def test_parents_that_are_made_on_the_way_have_a_mode_of_their_own(tmp_path: Path, evaluate: Evaluate) -> None:
    evaluate(lambda _: Directory(tmp_path / "a" / "b" / "private", mode=0o700) and None)
    assert [mode_of(tmp_path / name) for name in ("a", "a/b", "a/b/private")] == [0o755, 0o755, 0o700]
    evaluate(lambda _: Directory(tmp_path / "a" / "c" / "open", mode=0o777) and None)
    assert [mode_of(tmp_path / name) for name in ("a", "a/c", "a/c/open")] == [0o755, 0o755, 0o777]


def test_a_directory_above_that_somebody_makes_meanwhile_is_no_failure(
    tmp_path: Path, evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    mkdir = os.mkdir

    def made_by_another(path: str, mode: int = 0o777) -> None:
        mkdir(path, mode)
        if path.endswith("/above"):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)

    monkeypatch.setattr(os, "mkdir", made_by_another)
    done = evaluate(lambda _: Directory(tmp_path / "above" / "within") and None)
    assert done.ending.status == "ok"
    assert (tmp_path / "above" / "within").is_dir()
