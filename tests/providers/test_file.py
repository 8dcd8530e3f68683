"""Files and directories: what is asked for and what stands there, to changes and effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsmop import Directory, File
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Account, AccountGroup, Status
from opsmop.resources.directory import MakeDirectory
from opsmop.resources.file import PutFile

CONF = Status("file", 0o644, "root", "root", size=3)


@dataclass
class Machine:
    """A machine where /etc/conf, /etc/tool (setuid) and the directory /srv stand."""

    did: list[str] = field(default_factory=list)
    there: dict[str, Status] = field(
        default_factory=lambda: {
            "/": Status("directory", 0o755, "root", "root"),
            "/etc/conf": CONF,
            "/etc/tool": Status("file", 0o4755, "root", "root", size=3),
            "/srv": Status("directory", 0o755, "root", "root"),
        }
    )

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        return self.there.get(path)

    def read(self, path: str) -> bytes:
        return b"old"

    def account(self, name: str | int) -> Account | None:
        return Account("ana", 1000, "ana", "/", "/bin/sh") if name in ("ana", 1000) else None

    def account_group(self, name: str | int) -> AccountGroup | None:
        return AccountGroup("adm", 4) if name in ("adm", 4) else None

    def write(
        self, path: str, content: bytes, *, mode: int, owner: str | None, group: str | None, validate: str = ""
    ) -> None:
        self.did.append(f"write {path} {content.decode()} {mode:o} {owner} {group}")

    def make_directory(self, path: str, *, mode: int) -> None:
        self.did.append(f"make {path} {mode:o}")

    def set_mode(self, path: str, mode: int) -> None:
        self.did.append(f"mode {path} {mode:o}")

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        self.did.append(f"owner {path} {owner} {group}")

    def remove(self, path: str) -> None:
        self.did.append(f"remove {path}")


class Planning:
    def __init__(self) -> None:
        self.machine = Machine()

    def evaluate(self, resource: Any) -> None:
        provider = PutFile if isinstance(resource, File) else MakeDirectory
        for change in list(provider(resource, self.machine, None).plan()):
            change.make()


TABLE: dict[str, tuple[Callable[[], object], list[str]]] = {
    "the same": (lambda: File("/etc/conf", from_content="old", mode=0o644, owner="root", group="root"), []),
    "a new one": (lambda: File("/etc/new", from_content="x"), ["write /etc/new x 644 None None"]),
    "a new one with all": (
        lambda: File("/etc/new", from_content="x", mode=0o600, owner="ana", group="adm"),
        ["write /etc/new x 600 ana adm"],
    ),
    "numbers for names": (
        lambda: File("/etc/new", from_content="x", owner=1000, group=4),
        ["write /etc/new x 644 ana adm"],
    ),
    "numbers that nobody has": (
        lambda: File("/etc/new", from_content="x", owner=777),
        ["write /etc/new x 644 777 None"],
    ),
    "another content": (lambda: File("/etc/conf", from_content="new"), ["write /etc/conf new 644 None None"]),
    "another content of a setuid file": (
        lambda: File("/etc/tool", from_content="new"),
        ["write /etc/tool new 4755 None None"],
    ),
    "all at once, never with the old owner or mode": (
        lambda: File("/etc/conf", from_content="new", mode=0o600, owner="ana", group="adm"),
        [
            "write /etc/conf new 600 ana adm",
            "owner /etc/conf ana None",
            "owner /etc/conf None adm",
            "mode /etc/conf 600",
        ],
    ),
    "owner before mode, which it would drop": (
        lambda: File("/etc/conf", mode=0o4755, owner="ana"),
        ["owner /etc/conf ana None", "mode /etc/conf 4755"],
    ),
    "a content that may stay": (lambda: File("/etc/conf", from_content="new", overwrite=False), []),
    "gone": (lambda: File("/etc/conf", absent=True), ["remove /etc/conf"]),
    "gone already": (lambda: File("/etc/new", absent=True), []),
    "a directory": (lambda: Directory("/srv/a", mode=0o700), ["make /srv/a 700"]),
    "a directory with its parents": (
        lambda: Directory("/srv/a/b/", mode="0700", owner="ana"),
        ["make /srv/a 755", "make /srv/a/b 700", "owner /srv/a/b ana None"],
    ),
    "symbols change what is there": (lambda: File("/etc/tool", mode="u-s,g+w,o="), ["mode /etc/tool 770"]),
    "symbols change what a new file would have": (
        lambda: File("/etc/new", from_content="x", mode="go-r,u+x"),
        ["write /etc/new x 700 None None"],
    ),
    "a directory by symbols": (lambda: Directory("/srv", mode="a+rX,g+s"), ["mode /srv 2755"]),
    "a directory as it is": (lambda: Directory("/srv/", mode=0o755, owner="root"), []),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_asked_for_and_what_stands_there_make_the_effects(name: str) -> None:
    construct, expected = TABLE[name]
    planning = Planning()
    token = EVALUATION.set(planning)  # type: ignore[arg-type] # as much of one as these tests need
    try:
        construct()
    finally:
        EVALUATION.reset(token)
    assert planning.machine.did == expected
