"""The attributes that file systems of Linux know of files, as chattr(1) writes them."""

from __future__ import annotations

import posixpath

from opsmop.errors import FieldError
from opsmop.language.machine import Completed, Machine
from opsmop.language.provider import NOT_NEEDED, Change
from opsmop.language.resource import Resource
from opsmop.wire.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Those that can be set and taken away, by chattr(1)'s letters: linux/fs.h, FS_*_FL.
BITS = {
    "s": 0x1, "u": 0x2, "c": 0x4, "S": 0x8, "i": 0x10, "a": 0x20, "d": 0x40, "A": 0x80, "m": 0x400, "j": 0x4000,
    "t": 0x8000, "D": 0x10000, "T": 0x20000, "C": 0x800000, "x": 0x2000000, "P": 0x20000000, "F": 0x40000000,
}  # fmt: skip
_HINDERING = "ai"  # nothing else can be changed of what has one of them


@dataclass(frozen=True)
class Attributes:
    """What is to change: ``+``, ``-`` or ``=`` and which, in order."""

    changes: tuple[tuple[str, str], ...]

    def of(self, letters: str) -> str:
        """What something is to have that has `letters`."""
        found = set(letters)
        for operator, which in self.changes:
            named = set(which)
            found = found | named if operator == "+" else found - named if operator == "-" else named
        return "".join(sorted(found))


def attributes_of(text: str | None, resource: Resource) -> Attributes | None:
    """What ``attributes=`` says: ``"+i"``, ``"-a+d"``, or ``"=i"`` for these and no others.

    :raises FieldError: if it says nothing
    """
    if text is None:
        return None
    changes: list[tuple[str, str]] = []
    for letter in text.replace(",", ""):
        if letter in "+-=":
            changes.append((letter, ""))
        elif letter not in BITS or not changes:
            raise _refused(text, letter, resource)
        else:
            changes[-1] = (changes[-1][0], changes[-1][1] + letter)
    if not changes:
        raise _refused(text, "", resource)
    return Attributes(tuple(changes))


def _refused(text: str, letter: str, resource: Resource) -> FieldError:
    known = not letter or letter in BITS
    why = "does not say whether they come or go" if known else f"has {letter!r}, which nobody can set"
    return FieldError(
        f"{resource}: attributes={text!r} {why}",
        place=resource.place,
        remedy=f'Write "+i", "-i", or "=i" for no others; {"".join(sorted(BITS))} can be set (chattr(1)).',
    )


def with_attributes(
    machine: Machine, path: str, wanted: Attributes, changes: Iterable[Change], *, absent: bool = False
) -> Iterator[Change]:
    """Other changes of what stands at `path`, made while nothing hinders them, and then that of its attributes.

    :raises ProviderError: if the file system knows no attributes
    """
    status = machine.status(path)
    has = machine.attributes(path) if status is not None and status.kind in ("file", "directory") else ""
    for change in changes:
        yield _unhindered(machine, path, has, change)
    if absent:
        return
    goal, inherited = wanted.of(has), has
    if status is None and machine.status(posixpath.dirname(path)) is not None:
        inherited = machine.attributes(posixpath.dirname(path))  # of which a new file may get some

    def settle() -> Completed | None:
        found = machine.attributes(path)
        if wanted.of(found) == found:
            return NOT_NEEDED
        machine.set_attributes(path, wanted.of(found))
        return None

    if goal != has or wanted.of(inherited) != inherited:
        yield Change("attributes", settle, before=has, after=goal or "none", assumed=goal == has)


def free(machine: Machine, path: str) -> None:
    """Take away what hinders changes of what stands at `path`."""
    has = machine.attributes(path)
    if set(has) & set(_HINDERING):
        machine.set_attributes(path, "".join(letter for letter in has if letter not in _HINDERING))


def _unhindered(machine: Machine, path: str, has: str, change: Change) -> Change:
    """The change, with what hinders it taken away meanwhile; what stands there afterwards has `has` again."""

    def make() -> Completed | None:
        if has:
            free(machine, path)
        try:
            return change.make()
        finally:
            if has and machine.status(path) is not None and machine.attributes(path) != has:
                machine.set_attributes(path, has)

    return replace(change, make=make)
