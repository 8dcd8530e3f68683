"""Files that are put on a target while others are at work there: no planted link is followed, no name can be guessed, no
moment comes in which a secret can be read, and what is there is whole at any moment.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import evaluate_role

from opsmop import Block, Directory, File, Line, Link, Secret

OLD, NEW = "old\n" * 20_000, "new and longer\n" * 20_000
SOMEBODY = 65534

Watcher = Callable[[str, tuple[Any, ...]], None]
Main = Callable[[Any], Any]


def doing(make: Main) -> Main:
    """A `main` that makes a resource, and returns nothing."""

    def main(self: Any) -> None:
        make(self)

    return main


def in_a_child(
    main: Main,
    watcher: Watcher,
    answer: Callable[[], Any] = lambda: None,
    mode: str = "apply",
    before: Callable[[], Any] = lambda: None,
) -> Any:
    """Evaluate a role in a process of its own, with `watcher` called just before each use of the file system.

    A hook cannot be taken away again; the process ends with it.

    :param before: is called there first: what it imports is not imported under the watcher's eyes
    :returns: what `answer` says at the end, and the failure's message; None if the process ended before
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        before()
        sys.addaudithook(lambda event, words: watcher(event, words) if is_use(event, words) else None)
        evaluated = evaluate_role(doing(main), mode)
        failure = evaluated.ending.failure
        os.write(writing, pickle.dumps((answer(), failure.message if failure is not None else "")))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        content = said.read()
    os.waitpid(child, 0)
    return pickle.loads(content) if content else None


def is_use(event: str, words: tuple[Any, ...]) -> bool:
    """Whether it is one of the file system; not so the steps of a way, which are opened neither to read nor to write."""
    return event.startswith("os.") or (event == "open" and not words[2] & os.O_PATH)


def named(path: str) -> str:
    """A path by the names that its directories have."""
    return str(Path(path).parent.resolve() / Path(path).name)


def ends_at(number: int) -> Watcher:
    """Ends the process at its so-manieth use of the file system, as a power cut would."""
    left = [number]

    def watch(event: str, words: tuple[Any, ...]) -> None:
        left[0] -= 1
        if not left[0]:
            os._exit(9)

    return watch


WRITERS: dict[str, Callable[[Path], Main]] = {
    "File": lambda path: lambda self: File(str(path), from_content=NEW, mode=0o640),
    "Line": lambda path: lambda self: Line(str(path), NEW.splitlines()[0]),
    "Block": lambda path: lambda self: Block(str(path), "in a block"),
}


# Looked at; made anew under another name; given the old one's labels, and its mode; and only then the name.
WRITING = ["open", "open", "os.listxattr", "os.chmod", "os.rename"]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_is_old_or_new_wherever_its_writing_ends(writer: str, tmp_path: Path) -> None:
    paths = [tmp_path / name / "file" for name in ("there", "elsewhere")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(OLD)
    main, rehearsal = (WRITERS[writer](path) for path in paths)

    def rehearsed() -> None:
        evaluate_role(doing(rehearsal))

    uses: list[str] = []
    used, failed = in_a_child(main, lambda event, _: uses.append(event), lambda: uses, before=rehearsed)
    new = paths[0].read_text()
    assert (used[: len(WRITING)], failed) == (WRITING, "")
    assert new != OLD
    for number in range(1, len(used) + 1):
        for path in paths:
            path.write_text(OLD)
            path.chmod(0o644)
        assert in_a_child(main, ends_at(number), before=rehearsed) is None
        assert paths[0].read_text() == (OLD if number <= len(WRITING) else new)


SECRET = "not for others"
HIDING: dict[str, Callable[[Path], Main]] = {
    "a new file": lambda path: lambda self: File(f"{path}/new", from_content=Secret(SECRET), mode=0o600),
    "one that everybody could read": lambda path: (
        lambda self: File(f"{path}/open", from_content=Secret(SECRET), mode="0600")
    ),
    "a file that is private": lambda path: lambda self: File(f"{path}/private", from_content=Secret(SECRET)),
    "a line of one": lambda path: lambda self: Line(f"{path}/private", SECRET),
    "one whose owner changes": lambda path: (
        lambda self: File(f"{path}/open", from_content=Secret(SECRET), mode=0o600, owner="nobody")
    ),
}


@pytest.mark.parametrize("case", HIDING)
def test_no_moment_comes_in_which_others_can_read_a_secret(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "open").write_text("public")
    (folder / "open").chmod(0o644)
    (folder / "private").write_text("was private\n")
    (folder / "private").chmod(0o600)
    readable: list[str] = []
    busy: list[bool] = []

    def watch(event: str, words: tuple[Any, ...]) -> None:
        if busy:
            return
        busy.append(True)
        readable.extend(
            f"{event}: {path.name}"
            for path in folder.iterdir()
            if path.stat().st_mode & 0o077 and SECRET.encode() in path.read_bytes()
        )
        busy.clear()

    assert in_a_child(HIDING[case](folder), watch, lambda: readable) == ([], "")
    assert [path.name for path in folder.iterdir() if SECRET in path.read_text()]


def test_names_of_temporary_files_cannot_be_guessed_and_are_made_new(tmp_path: Path) -> None:
    opened: list[tuple[str, int]] = []
    folder = str(tmp_path / "there")
    Path(folder).mkdir()

    def watch(event: str, words: tuple[Any, ...]) -> None:
        if event == "open" and words[2] & os.O_CREAT and named(str(words[0])).startswith(f"{folder}/"):
            opened.append((named(words[0]), words[2]))

    for number in range(3):
        content = f"{number}"
        made, _ = in_a_child(
            lambda self, content=content: File(f"{folder}/file", from_content=content), watch, lambda: opened
        )
        (name, flags) = made[-1]
        opened.append((name, flags))
        assert flags & os.O_EXCL
        assert flags & os.O_NOFOLLOW
        assert len(name.rpartition(".")[2]) >= 16
    assert len({name for name, _ in opened}) == 3


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    """A directory in which anybody may write, beside one of root's that nobody else may touch."""
    folder, victim = tmp_path / "open", tmp_path / "victim"
    folder.mkdir()
    folder.chmod(0o777)
    victim.mkdir()
    (victim / "file").write_text("of root")
    (victim / "file").chmod(0o600)
    return folder


def planted(folder: Path, name: str, target: str) -> None:
    (folder / name).symlink_to(folder.parent / "victim" / target)
    os.lchown(folder / name, SOMEBODY, SOMEBODY)


def of_victim(folder: Path) -> list[tuple[str, str, int, int]]:
    victim = folder.parent / "victim"
    return [
        (path.name, path.read_text() if path.is_file() else "", path.stat().st_mode, path.stat().st_uid)
        for path in sorted([victim, *victim.iterdir()])
    ]


@pytest.mark.parametrize("mode", ["check", "apply"])
@pytest.mark.parametrize(
    ("link", "main"),
    [
        ("file", lambda at: File(f"{at}/planted", from_content="x")),
        ("file", lambda at: File(f"{at}/planted", mode=0o666)),
        ("file", lambda at: File(f"{at}/planted", owner="nobody")),
        ("file", lambda at: Line(f"{at}/planted", "a line")),
        ("", lambda at: Directory(f"{at}/planted", mode=0o777)),
        ("", lambda at: Directory(f"{at}/planted", owner="nobody", recursive=True)),
        ("", lambda at: File(f"{at}/planted/new", from_content="x")),
        ("", lambda at: File(f"{at}/planted/file", absent=True)),
        ("", lambda at: File(f"{at}/planted/file", mode=0o666)),
        ("", lambda at: Directory(f"{at}/planted/new")),
    ],
)
def test_a_planted_link_is_refused_and_nothing_behind_it_is_touched(
    open_to_all: Path, link: str, main: Callable[[Path], Any], mode: str
) -> None:
    planted(open_to_all, "planted", link)
    before = of_victim(open_to_all)
    evaluated = evaluate_role(doing(lambda self: main(open_to_all)), mode)
    assert "link" in evaluated.failure.message
    assert of_victim(open_to_all) == before


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_a_link_that_is_only_planned_to_be_another_users_is_refused_as_well(open_to_all: Path, mode: str) -> None:
    before = of_victim(open_to_all)

    def main(self: object) -> None:
        Directory(f"{open_to_all}/new")
        Link(f"{open_to_all}/new/link", to=open_to_all.parent / "victim", owner=SOMEBODY)
        File(f"{open_to_all}/new/link/file", from_content="x")

    failure = evaluate_role(doing(main), mode).failure
    assert f"{open_to_all}/new/link is a link that another user made" in failure.message
    assert f"If {open_to_all.parent}/victim is meant" in failure.remedy
    assert of_victim(open_to_all) == before


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_a_planted_link_that_is_replaced_before_is_no_obstacle(open_to_all: Path, mode: str) -> None:
    planted(open_to_all, "planted", "")

    def main(self: object) -> None:
        File(f"{open_to_all}/planted", absent=True)
        Directory(f"{open_to_all}/planted")
        File(f"{open_to_all}/planted/file", from_content="x")

    assert evaluate_role(doing(main), mode).ending.status == "ok"
    assert (open_to_all.parent / "victim" / "file").read_text() == "of root"


def test_a_planted_link_that_is_to_go_goes_and_what_it_points_at_stays(open_to_all: Path) -> None:
    planted(open_to_all, "planted", "file")
    before = of_victim(open_to_all)
    assert evaluate_role(doing(lambda self: File(f"{open_to_all}/planted", absent=True))).ending.status == "ok"
    assert of_victim(open_to_all) == before
    assert not (open_to_all / "planted").is_symlink()


def test_links_beneath_a_directory_are_changed_as_links(open_to_all: Path) -> None:
    (open_to_all / "within").mkdir()
    planted(open_to_all / "within", "planted", "../../victim/file")
    before = of_victim(open_to_all)
    main = doing(lambda self: Directory(f"{open_to_all}/within", owner="nobody", recursive=True))
    assert evaluate_role(main).ending.status == "ok"
    assert of_victim(open_to_all) == before


def test_a_link_of_roots_own_is_followed(open_to_all: Path) -> None:
    (open_to_all / "mine").symlink_to(open_to_all.parent / "victim")
    assert evaluate_role(doing(lambda self: File(f"{open_to_all}/mine/new", from_content="x"))).ending.status == "ok"
    assert (open_to_all.parent / "victim" / "new").read_text() == "x"
