"""Links: what they lead to, and what they may replace."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Directory, File, Link

Evaluate = Callable[..., Any]


def test_a_link_into_a_directory_is_replaced_and_not_made_inside(tmp_path: Path, evaluate: Evaluate) -> None:
    """What `ln -s` does to a link that leads to a directory."""
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
    for version in ("v1", "v2"):
        done = evaluate(lambda _: Link(tmp_path / "current", to=version) and None)  # noqa: B023 - evaluated at once
        assert str((tmp_path / "current").readlink()) == version
        assert list((tmp_path / version).iterdir()) == []
    assert done.changes() == [("Link", str(tmp_path / "current"), "redirect", "v1", "v2")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "v1", "v2"]


def test_a_link_is_never_missing_while_it_is_replaced(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "link").symlink_to("one")
    number = (tmp_path / "link").lstat().st_ino
    held = os.open(tmp_path / "link", os.O_PATH | os.O_NOFOLLOW)
    try:
        evaluate(lambda _: Link(tmp_path / "link", to="two") and None)
        assert (tmp_path / "link").lstat().st_ino != number, "another link took its name: it was not removed first"
    finally:
        os.close(held)


def test_a_link_may_lead_to_what_is_not_there(tmp_path: Path, evaluate: Evaluate) -> None:
    evaluate(lambda _: Link(tmp_path / "link", to="/no/such/place") and None)
    assert str((tmp_path / "link").readlink()) == "/no/such/place"


def test_a_relative_link_says_the_way_from_its_own_directory(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    evaluate(lambda _: Link(tmp_path / "a" / "b" / "link", to=f"{tmp_path}/c/d", relative=True) and None)
    assert str((tmp_path / "a" / "b" / "link").readlink()) == "../../c/d"


def test_a_relative_link_below_a_linked_directory_leads_where_it_should(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "here").symlink_to("way/er")
    (tmp_path / "thing").write_text("x")

    def main(_: object) -> None:
        Link(tmp_path / "way", to=f"{tmp_path}/deep")
        Link(tmp_path / "here" / "link", to=f"{tmp_path}/thing", relative=True)

    planned = evaluate(main, "check").changes()
    assert planned == evaluate(main).changes()
    assert planned[1][2:] == ("create", "", "../../thing")
    assert (tmp_path / "here" / "link").read_text() == "x"
    assert evaluate(main).changes() == []


def test_a_relative_link_below_links_that_lead_nowhere_is_an_error(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "loop").symlink_to("loop")
    failure = evaluate(lambda _: Link(tmp_path / "loop" / "link", to="/x", relative=True) and None).failure
    assert failure.error == "ProviderError"
    assert str(tmp_path / "loop") in failure.message


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_what_is_no_link_is_replaced_by_force_alone(mode: str, tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("x")
    for name in ("file", "empty", "full"):
        failure = evaluate(lambda _: Link(tmp_path / name, to="x") and None, mode).failure  # noqa: B023 - at once
        assert "force=True" in failure.remedy
    failure = evaluate(lambda _: Link(tmp_path / "full", to="x", force=True) and None, mode).failure
    assert "not empty" in failure.message
    for name in ("file", "empty"):
        evaluate(lambda _: Link(tmp_path / name, to="x", force=True) and None, mode)  # noqa: B023 - at once
        assert (tmp_path / name).is_symlink() is (mode == "apply")
    assert (tmp_path / "full" / "precious").exists()


def test_absent_removes_the_link_and_not_what_it_leads_to(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    evaluate(lambda _: Link(f"{tmp_path}/link/", absent=True) and None)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    failure = evaluate(lambda _: Link(tmp_path / "target", absent=True) and None).failure
    assert "is a directory, not a link" in failure.message


def test_a_hard_link_is_the_same_file(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "one").write_text("x")
    (tmp_path / "other").write_text("y")
    main = lambda _: Link(tmp_path / "two", to=tmp_path / "one", hard=True) and None  # noqa: E731
    assert evaluate(main, "check").changes() == evaluate(main).changes() != []
    assert (tmp_path / "one").samefile(tmp_path / "two")
    assert evaluate(main).changes() == []
    assert "force=True" in evaluate(lambda _: Link(tmp_path / "other", to=f"{tmp_path}/one", hard=True)).failure.remedy
    missing = evaluate(lambda _: Link(tmp_path / "three", to=f"{tmp_path}/none", hard=True) and None).failure
    assert "which does not exist" in missing.message


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing says where it leads"),
        ({"to": ""}, "nothing says where it leads"),
        ({"to": "x", "absent": True}, "only one of"),
        ({"to": "x", "hard": True}, "absolute path"),
        ({"to": "x", "relative": True}, "absolute path"),
        ({"to": "/x", "hard": True, "relative": True}, "only one of"),
    ],
)
def test_what_contradicts_itself_is_refused(given: dict[str, Any], said: str, evaluate: Evaluate) -> None:
    assert said in evaluate(lambda _: Link("/link", **given) and None).failure.message


@pytest.mark.parametrize("root", ["/", "//"])
def test_the_root_is_no_link(root: str, evaluate: Evaluate) -> None:
    assert "place of /" in evaluate(lambda _: Link(root, to="/x", force=True) and None, "check").failure.message


def test_in_check_files_are_looked_for_behind_a_planned_link(tmp_path: Path, evaluate: Evaluate) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "conf").write_text("x")

    def main(_: object) -> None:
        Directory(tmp_path / "v2")
        File(tmp_path / "v2" / "conf", from_content="y")
        Link(tmp_path / "current", to="v1")
        File(tmp_path / "current" / "conf", from_content="x")
        Link(tmp_path / "current", to="v2")
        File(tmp_path / "current" / "conf", from_content="y")
        File(tmp_path / "current" / "new", from_content="z")
        Directory(tmp_path / "v2", only=["conf"])
        Link(tmp_path / "again", to=f"{tmp_path}/v2/conf", hard=True)
        File(tmp_path / "again", from_content="y")

    check = evaluate(main, "check")
    assert check.changes(assumed=True) == []
    assert check.changes() == evaluate(main).changes()
    assert [change[2] for change in check.changes()] == [
        *["create"] * 3,
        "redirect",
        "create",
        "remove the rest",
        "create",
    ]
