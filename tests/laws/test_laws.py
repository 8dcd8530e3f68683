"""The laws that hold for every resource, whatever its type."""

from __future__ import annotations

import base64
import getpass
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opsmop import (
    AuthorizedKey,
    Block,
    Command,
    Directory,
    Echo,
    File,
    Git,
    Line,
    Link,
    Replace,
    Secret,
    Shell,
    Sysctl,
    T,
    Unarchive,
    WaitFor,
)

Evaluate = Callable[..., Any]
Main = Callable[..., object]
Tree = dict[str, tuple[object, ...]]


def nothing(place: Path) -> None:
    """A fresh place needs no preparation."""


@dataclass(frozen=True)
class Example:
    """Resources in a fresh place.

    :param wanted: gives the role's main for a place
    :param undone: gives the main that undoes it; None for what cannot be undone
    :param prepare: what stands in the place before
    :param acts: whether it is done anew each time
    """

    wanted: Callable[[Path], Main]
    undone: Callable[[Path], Main] | None = None
    prepare: Callable[[Path], object] = nothing
    acts: bool = False


def old_file(place: Path) -> None:
    (place / "conf").write_text("old\n")
    (place / "conf").chmod(0o600)


def old_tree(place: Path) -> None:
    (place / "tree" / "bin").mkdir(parents=True)
    (place / "tree" / "bin" / "tool").write_text("#!/bin/sh\n")
    (place / "tree" / "bin" / "tool").chmod(0o744)
    (place / "tree" / "data").write_text("data\n")
    (place / "tree" / "link").symlink_to("/etc/passwd")


ME = getpass.getuser()
KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()

EXAMPLES = {
    "an empty file": Example(
        lambda place: lambda: File(place / "conf"), lambda place: lambda: File(place / "conf", absent=True)
    ),
    "a file of text": Example(
        lambda place: lambda: File(place / "conf", from_content="a = 1\n", mode=0o640),
        lambda place: lambda: File(place / "conf", absent=True),
    ),
    "a file of bytes": Example(
        lambda place: lambda: File(place / "conf", from_content=b"\0\xff\r\n", mode="0400"),
        lambda place: lambda: File(place / "conf", absent=True),
    ),
    "a file beside the policy": Example(
        lambda place: lambda: File(place / "conf", from_file="files/conf"),
        lambda place: lambda: File(place / "conf", absent=True),
    ),
    "a rendered file": Example(
        lambda place: lambda: File(place / "conf", from_template="templates/conf.j2"),
        lambda place: lambda: File(place / "conf", absent=True),
    ),
    "a secret file": Example(
        lambda place: lambda: File(place / "conf", from_content=Secret("hunter22"), mode=0o600),
        lambda place: lambda: File(place / "conf", absent=True),
    ),
    "another content": Example(lambda place: lambda: File(place / "conf", from_content="new\n"), prepare=old_file),
    "another mode": Example(lambda place: lambda: File(place / "conf", mode=0o644), prepare=old_file),
    "another content and mode": Example(
        lambda place: lambda: File(place / "conf", from_content=T("{{ port }}\n"), mode=0o4755), prepare=old_file
    ),
    "a content that is proved": Example(
        lambda place: lambda: File(place / "conf", from_content="new\n", validate="grep -q new %s"), prepare=old_file
    ),
    "another mode by symbols": Example(lambda place: lambda: File(place / "conf", mode="u+X,go=r"), prepare=old_file),
    "a directory that holds only some": Example(
        lambda place: lambda: Directory(place / "tree", only=["b*"], mode="go-rwx", recursive=True), prepare=old_tree
    ),
    "a content that is to stay": Example(
        lambda place: lambda: File(place / "conf", from_content="new\n", overwrite=False), prepare=old_file
    ),
    "a directory": Example(
        lambda place: lambda: Directory(place / "tree", mode=0o750),
        lambda place: lambda: Directory(place / "tree", absent=True),
    ),
    "attributes": Example(
        lambda place: lambda: File(place / "conf", from_content="new\n", mode=0o640, attributes="+d"), prepare=old_file
    ),
    "attributes of what is new": Example(
        lambda place: lambda: Directory(place / "tree", attributes="+d"),
        lambda place: lambda: Directory(place / "tree", absent=True, attributes="-d"),
    ),
    "attributes of all beneath": Example(
        lambda place: lambda: Directory(place / "tree", attributes="+d", recursive=True), prepare=old_tree
    ),
    "parents with a mode of their own": Example(
        lambda place: lambda: Directory(place / "a" / "b" / "c", parents_mode=0o711, mode=0o700),
        lambda place: lambda: Directory(place / "a", absent=True, recursive=True),
    ),
    "a deep directory": Example(
        lambda place: lambda: Directory(place / "a" / "b" / "c"),
        lambda place: lambda: Directory(place / "a", absent=True, recursive=True),
    ),
    "all modes beneath a directory": Example(
        lambda place: lambda: Directory(place / "tree", mode=0o750, recursive=True), prepare=old_tree
    ),
    "a directory that is to go with all in it": Example(
        lambda place: lambda: Directory(place / "tree", absent=True, recursive=True), prepare=old_tree
    ),
    "a link": Example(
        lambda place: lambda: Link(place / "link", to="/no/such/place"),
        lambda place: lambda: Link(place / "link", absent=True),
    ),
    "a link that leads elsewhere": Example(
        lambda place: lambda: Link(place / "link", to=place / "conf", relative=True),
        prepare=lambda place: (place / "link").symlink_to("/tmp"),
    ),
    "a link by force": Example(lambda place: lambda: Link(place / "conf", to="/x", force=True), prepare=old_file),
    "a further name of a file": Example(
        lambda place: lambda: Link(place / "link", to=place / "conf", hard=True),
        lambda place: lambda: Link(place / "link", hard=True, absent=True),
        prepare=old_file,
    ),
    "a line": Example(
        lambda place: lambda: Line(place / "conf", T("port = {{ port }}"), regexp="^port ="),
        lambda place: lambda: Line(place / "conf", regexp="^port =", absent=True),
        prepare=old_file,
    ),
    "a line of a new file": Example(
        lambda place: lambda: Line(place / "conf", Secret("hunter22"), create=True, mode=0o600)
    ),
    "a block": Example(
        lambda place: lambda: Block(place / "conf", "a = 1\nb = 2", title="numbers", before="^old"),
        lambda place: lambda: Block(place / "conf", title="numbers", absent=True),
        prepare=old_file,
    ),
    "a replacement": Example(
        lambda place: lambda: Replace(place / "conf", "^o(.*)$", r"c\1", mode="go+r"),
        lambda place: lambda: Replace(place / "conf", "^c(.*)$", r"o\1", mode="go-r"),
        prepare=old_file,
    ),
    "a wait for what is there": Example(lambda place: lambda: WaitFor(path=place)),
    "a key": Example(
        lambda place: lambda: AuthorizedKey(ME, KEY, path=place / "keys", options="restrict"),
        lambda place: lambda: AuthorizedKey(ME, KEY, path=place / "keys", absent=True),
        prepare=lambda place: (place / "keys").write_text("# none\n"),
    ),
    "a setting of the kernel": Example(
        lambda place: lambda: Sysctl("vm.swappiness", 60, kept_in=place / "90.conf", now=False),
        lambda place: lambda: Sysctl("vm.swappiness", kept_in=place / "90.conf", absent=True),
    ),
    "a guarded program": Example(
        lambda place: lambda: Command(["touch", f"{place}/it's made"], creates=f"{place}/it's made"),
        lambda place: lambda: Command(["rm", f"{place}/it's made"], removes=f"{place}/it's made"),
    ),
    "a guarded command": Example(
        lambda place: lambda: Shell(f"echo made > {place}/made", creates=str(place / "made")),
        lambda place: lambda: Shell(f"rm {place}/made", removes=str(place / "made")),
    ),
    "a command with a looking guard": Example(
        lambda place: lambda: Shell(f"echo made > {place}/made", unless=f"grep -q made {place}/made"),
        lambda place: lambda: Shell(f"rm {place}/made", only_if=f"test -e {place}/made"),
    ),
    "a command": Example(lambda place: lambda: Shell(f"echo ran > {place}/ran"), acts=True),
    "a command that only looks": Example(lambda place: lambda: Shell("id -u", run_in_check=True)),
    "a message": Example(lambda place: lambda: Echo("port {{ port }}")),
}


def in_planned_directory(place: Path) -> Main:
    def main() -> None:
        Directory(place / "a" / "b", mode=0o700)
        File(place / "a" / "b" / "conf", from_content="x\n", mode=0o600)
        Directory(place / "a" / "b", mode=0o700)
        File(place / "a" / "b" / "conf", from_content="x\n")

    return main


def replaced_by_directory(place: Path) -> Main:
    def main() -> None:
        File(place / "thing", absent=True)
        Directory(place / "other")
        File(place / "other" / "conf", from_template="templates/conf.j2")

    return main


EXAMPLES["files in a planned directory"] = Example(
    in_planned_directory, lambda place: lambda: Directory(place / "a", absent=True, recursive=True)
)
EXAMPLES["a file that goes, a directory that comes"] = Example(
    replaced_by_directory, prepare=lambda place: (place / "thing").write_text("x")
)


def old_archive(place: Path) -> None:
    (place / "app").mkdir()
    (place / "bin").mkdir()
    (place / "bin" / "run").write_text("#!/bin/sh\n")
    with tarfile.open(place / "app.tar.gz", "w:gz") as archive:
        archive.add(place / "bin", "bin")


def old_repository(place: Path) -> None:
    author = {"GIT_CONFIG_NOSYSTEM": "1", "HOME": str(place), "PATH": os.environ["PATH"]}
    (place / "origin").mkdir()
    for words in ("init -q", "-c user.name=A -c user.email=a@test commit -q --allow-empty -m one"):
        subprocess.run(["git", *words.split()], cwd=place / "origin", env=author, check=True)


EXAMPLES["an archive, unpacked"] = Example(
    lambda place: lambda: Unarchive(place / "app", archive=str(place / "app.tar.gz")), prepare=old_archive
)
EXAMPLES["an archive, unpacked with times and a mode"] = Example(
    lambda place: lambda: Unarchive(place / "app", archive=str(place / "app.tar.gz"), mode="go=", keep_newer=True),
    prepare=old_archive,
)
EXAMPLES["a checkout of git"] = Example(
    lambda place: lambda: Git(place / "checkout", repository=str(place / "origin")), prepare=old_repository
)
EXAMPLES["a bare repository"] = Example(
    lambda place: lambda: Git(place / "bare.git", repository=str(place / "origin"), bare=True), prepare=old_repository
)

FILES = {"files/conf": b"beside\r\n", "templates/conf.j2": b"port = {{ port }}\n"}
KNOWN = {"files": FILES, "layers": [("policy", {"port": 8080})]}


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    return EXAMPLES[request.param]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A fresh place, with the usual umask whoever runs the tests."""
    old = os.umask(0o022)
    yield tmp_path
    os.umask(old)


def main_of(declared: Callable[[Path], Main], place: Path) -> Main:
    def main(_: object) -> None:
        declared(place)()

    return main


def tree(place: Path, *, times: bool = True) -> Tree:
    """Everything in a place, byte for byte."""
    found: Tree = {}
    for path in [place, *sorted(place.rglob("*"))]:
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        content = path.read_bytes() if kind == stat.S_IFREG else str(path.readlink()) if kind == stat.S_IFLNK else None
        entry = (kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, content)
        found[str(path)] = (*entry, status.st_mtime_ns, status.st_ino) if times else entry
    return found


def test_check_touches_nothing(example: Example, place: Path, evaluate: Evaluate) -> None:
    example.prepare(place)
    before = tree(place)
    assert evaluate(main_of(example.wanted, place), "check", **KNOWN).ending.status == "ok"
    assert tree(place) == before


def test_what_check_is_certain_of_is_what_apply_changes(example: Example, place: Path, evaluate: Evaluate) -> None:
    example.prepare(place)
    check = evaluate(main_of(example.wanted, place), "check", **KNOWN)
    apply = evaluate(main_of(example.wanted, place), "apply", **KNOWN)
    assert check.changes(assumed=True) == []
    assert check.changes() == apply.changes()
    assert [event.status for event in check.finished] == [event.status for event in apply.finished]


def test_check_and_apply_show_the_same_differences(example: Example, place: Path, evaluate: Evaluate) -> None:
    example.prepare(place)
    check = evaluate(main_of(example.wanted, place), "check", **KNOWN)
    apply = evaluate(main_of(example.wanted, place), "apply", **KNOWN)
    shown = [[change.diff for event in each.finished for change in event.changes] for each in (check, apply)]
    assert shown[0] == shown[1]


def test_a_second_apply_changes_and_writes_nothing(example: Example, place: Path, evaluate: Evaluate) -> None:
    example.prepare(place)
    first = evaluate(main_of(example.wanted, place), "apply", **KNOWN)
    before = tree(place)
    second = evaluate(main_of(example.wanted, place), "apply", **KNOWN)
    if example.acts:
        assert second.changes() == first.changes()
        return
    assert second.changes() == []
    assert tree(place) == before


def test_a_check_after_an_apply_plans_nothing(example: Example, place: Path, evaluate: Evaluate) -> None:
    example.prepare(place)
    evaluate(main_of(example.wanted, place), "apply", **KNOWN)
    check = evaluate(main_of(example.wanted, place), "check", **KNOWN)
    assert example.acts or check.changes() == []


def test_every_start_has_one_ending(example: Example, place: Path, evaluate: Evaluate) -> None:
    example.prepare(place)
    assert evaluate(main_of(example.wanted, place), "check", **KNOWN).pairs()
    assert evaluate(main_of(example.wanted, place), "apply", **KNOWN).pairs()


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if example.undone])
def test_absent_undoes(name: str, place: Path, evaluate: Evaluate) -> None:
    example = EXAMPLES[name]
    assert example.undone is not None
    example.prepare(place)
    before = tree(place, times=False)
    evaluate(main_of(example.wanted, place), "apply", **KNOWN)
    assert tree(place, times=False) != before
    check = evaluate(main_of(example.undone, place), "check", **KNOWN)
    undone = evaluate(main_of(example.undone, place), "apply", **KNOWN)
    assert check.changes() == undone.changes() != []
    assert tree(place, times=False) == before
    assert evaluate(main_of(example.undone, place), "apply", **KNOWN).changes() == []
