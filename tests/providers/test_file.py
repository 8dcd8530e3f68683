"""Files and directories: what is asked for and what stands there, to changes and effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsmop import Directory, File, Link
from opsmop.errors import FieldError, ProviderError
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Account, AccountGroup, Completed, Status
from opsmop.resources.directory import MakeDirectory
from opsmop.resources.file import PutFile
from opsmop.resources.link import MakeLink

CONF = Status("file", 0o644, "root", "root", size=3)


@dataclass
class Machine:
    """A machine where /etc/conf, /etc/tool (setuid), the directory /srv and the immutable /etc/fixed stand."""

    did: list[str] = field(default_factory=list)
    there: dict[str, Status] = field(
        default_factory=lambda: {
            "/": Status("directory", 0o755, "root", "root"),
            "/etc/conf": CONF,
            "/etc/tool": Status("file", 0o4755, "root", "root", size=3),
            "/etc": Status("directory", 0o755, "root", "root"),
            "/etc/fixed": CONF,
            "/srv": Status("directory", 0o755, "root", "root"),
        }
    )
    labels: dict[str, str] = field(default_factory=lambda: {"/etc/conf": "u:r:conf_t:s0", "/srv": "u:r:srv_t:s0"})
    letters: dict[str, str] = field(default_factory=lambda: {"/etc/fixed": "di"})

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        return self.there.get(path)

    def read(self, path: str) -> bytes:
        return b"old"

    def account(self, name: str | int) -> Account | None:
        return Account("ana", 1000, "ana", "/", "/bin/sh") if name in ("ana", 1000) else None

    def account_group(self, name: str | int) -> AccountGroup | None:
        return AccountGroup("adm", 4) if name in ("adm", 4) else None

    def write(
        self,
        path: str,
        content: bytes,
        *,
        mode: int,
        owner: str | None,
        group: str | None,
        validate: str = "",
        label: str = "",
    ) -> None:
        self.did.append(f"write {path} {content.decode()} {mode:o} {owner} {group}" + (f" {label}" if label else ""))
        self.letters[path] = ""
        self.there[path] = CONF

    def make_directory(self, path: str, *, mode: int) -> None:
        self.did.append(f"make {path} {mode:o}")

    def set_mode(self, path: str, mode: int) -> None:
        self.did.append(f"mode {path} {mode:o}")

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        self.did.append(f"owner {path} {owner} {group}")

    def remove(self, path: str) -> None:
        self.did.append(f"remove {path}")
        del self.there[path]

    def label(self, path: str) -> str:
        return self.labels.get(path, "")

    def takes_label(self, label: str) -> bool:
        return "odd" not in label

    def set_label(self, path: str, label: str) -> None:
        self.did.append(f"label {path} {label}")

    def which(self, command: str) -> str:
        return f"/sbin/{command}"

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        return real()

    def ask(self, argv: list[str], **_: object) -> Completed:
        return Completed(" ".join(argv), 0, stdout="policy_u:policy_r:policy_t:s0\n")

    def attributes(self, path: str) -> str:
        return self.letters.get(path, "")

    def set_attributes(self, path: str, letters: str) -> None:
        self.did.append(f"attributes {path} {letters}")
        self.letters[path] = letters


class Planning:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def evaluate(self, resource: Any) -> None:
        provider = {File: PutFile, Directory: MakeDirectory, Link: MakeLink}[type(resource)]
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
    "parents of their own": (
        lambda: Directory("/srv/a/b", mode=0o700, parents_mode=0o711, parents_owner="ana", parents_group=4),
        ["make /srv/a 711", "owner /srv/a ana adm", "make /srv/a/b 700"],
    ),
    "a label of which the named parts are there": (lambda: File("/etc/conf", setype="conf_t", selevel="s0"), []),
    "a part of a label, the others as they are": (
        lambda: File("/etc/conf", setype="new_t"),
        ["label /etc/conf u:r:new_t:s0"],
    ),
    "a level with categories": (
        lambda: File("/etc/conf", seuser="x", selevel="s0:c1,c2"),
        ["label /etc/conf x:r:conf_t:s0:c1,c2"],
    ),
    "a label that nothing has yet, the others as the policy has them": (
        lambda: File("/etc/tool", setype="bin_t"),
        ["label /etc/tool policy_u:policy_r:bin_t:s0"],
    ),
    "a new file takes its name with its label": (
        lambda: File("/etc/new", from_content="x", setype="new_t"),
        ["write /etc/new x 644 None None policy_u:policy_r:new_t:s0"],
    ),
    "another content and label": (
        lambda: File("/etc/conf", from_content="new", setype="new_t"),
        ["write /etc/conf new 644 None None u:r:new_t:s0", "label /etc/conf u:r:new_t:s0"],
    ),
    "a labelled directory": (lambda: Directory("/srv", serole="object_r"), ["label /srv u:object_r:srv_t:s0"]),
    "attributes that are there": (lambda: File("/etc/fixed", attributes="+i"), []),
    "attributes come": (lambda: File("/etc/conf", attributes="+ad"), ["attributes /etc/conf ad"]),
    "attributes go": (lambda: File("/etc/fixed", attributes="-i"), ["attributes /etc/fixed d"]),
    "these and no others": (lambda: File("/etc/fixed", attributes="=A"), ["attributes /etc/fixed A"]),
    "a new file with attributes": (
        lambda: File("/etc/new", from_content="x", attributes="+i"),
        ["write /etc/new x 644 None None", "attributes /etc/new i"],
    ),
    "another content of what is immutable": (
        lambda: File("/etc/fixed", from_content="new", attributes="+i"),
        ["attributes /etc/fixed d", "write /etc/fixed new 644 None None", "attributes /etc/fixed di"],
    ),
    "another content of what is immutable and is to be so no more": (
        lambda: File("/etc/fixed", mode=0o600, attributes="-i"),
        ["attributes /etc/fixed d", "mode /etc/fixed 600", "attributes /etc/fixed di", "attributes /etc/fixed d"],
    ),
    "an immutable file that is to go": (
        lambda: File("/etc/fixed", absent=True, attributes="-i"),
        ["attributes /etc/fixed d", "remove /etc/fixed"],
    ),
    "a directory with attributes": (
        lambda: Directory("/srv/a", attributes="+i"),
        ["make /srv/a 755", "attributes /srv/a i"],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_asked_for_and_what_stands_there_make_the_effects(name: str) -> None:
    construct, expected = TABLE[name]
    assert planned(construct).did == expected


def planned(construct: Callable[[], object], machine: Machine | None = None) -> Machine:
    """The machine on which all that was planned has been made."""
    planning = Planning(machine or Machine())
    token = EVALUATION.set(planning)  # type: ignore[arg-type] # as much of one as these tests need
    try:
        construct()
    finally:
        EVALUATION.reset(token)
    return planning.machine


class Unlooked(Machine):
    """One that is asked for no label and no attribute."""

    def label(self, path: str) -> str:
        raise AssertionError(f"the label of {path} was looked at")

    def attributes(self, path: str) -> str:
        raise AssertionError(f"the attributes of {path} were looked at")


def test_nobody_looks_at_labels_and_attributes_that_are_not_named() -> None:
    def all_kinds() -> None:
        File("/etc/conf", from_content="new", mode=0o600, owner="ana")
        File("/etc/new", from_content="x")
        Directory("/srv/a/b", mode=0o700)
        Directory("/srv", mode=0o700)

    assert len(planned(all_kinds, Unlooked()).did) == 7


def test_a_label_that_the_policy_does_not_know_is_refused_before_anything_is_made() -> None:
    with pytest.raises(ProviderError, match="policy does not know the label u:r:odd_t:s0"):
        planned(lambda: File("/etc/conf", from_content="new", setype="odd_t"))


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a whole label for a part": (lambda: File("/x", setype="system_u:object_r:etc_t:s0"), "setype='system_u:object_r"),
    "a label of a hard link": (lambda: Link("/x", to="/y", hard=True, setype="etc_t"), "has the label of its file"),
    "attributes without a sign": (lambda: File("/x", attributes="i"), "does not say whether they come or go"),
    "no attributes": (lambda: Directory("/x", attributes=""), "does not say whether they come or go"),
    "attributes that nobody sets": (lambda: File("/x", attributes="+e"), "has 'e', which nobody can set"),
    "a mode of no parents": (
        lambda: Directory("/x", parents=False, parents_mode=0o700),
        "parents_mode= means nothing with parents=False",
    ),
    "parents of what is to go": (lambda: Directory("/x", absent=True, parents_owner="ana"), "parents_owner= means"),
    "a mode of parents that is none": (lambda: Directory("/x", parents_mode="rwx"), "parents_mode='rwx' is not octal"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused_where_it_is_written(name: str) -> None:
    construct, message = REFUSED[name]
    with pytest.raises(FieldError, match=message):
        planned(construct)


def test_a_directory_whose_parents_have_to_be_there_is_not_made_without_them() -> None:
    with pytest.raises(ProviderError, match="cannot make the directory /srv/a/b/c: /srv/a does not exist"):
        planned(lambda: Directory("/srv/a/b/c", parents=False))
    assert planned(lambda: Directory("/srv/a", parents=False)).did == ["make /srv/a 755"]
