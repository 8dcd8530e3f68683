"""A directory of the control machine, copied with all in it: what differs on the target, and what makes it the same."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Machine, Status
from opsmop.language.provider import Change
from opsmop.language.trees import Tree, TreeEntry, matched
from opsmop.resources.modes import octal
from opsmop.resources.permissions import Labelled, group_name, label_of, owner_name
from opsmop.wire.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeVar

    from opsmop.language.provider import Sources
    from opsmop.resources.directory import Directory
    from opsmop.resources.modes import Mode

    Value = TypeVar("Value")

_READ, _FROM_READ_TO_EXECUTE = 0o444, 2
_OWNER_ALL = 0o700  # what the owner needs of a directory to fill it


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be.

    :param kind: ``added``, ``updated`` or ``removed``
    :param path: where it is, relative to the directory
    :param number: its number among the entries of the tree; -1 if it is to go
    :param before: what is there, in a few words; empty if nothing
    :param after: what is to be there
    :param filled: whether its content has to come
    """

    kind: str
    path: str
    number: int = -1
    before: str = ""
    after: str = ""
    filled: bool = False


@dataclass(frozen=True)
class Manner:
    """How a tree is copied.

    :param owners: whom what matches a pattern is to belong to, the last one that it matches; None for whoever copies
    :param groups: likewise
    :param delete: whether what the tree does not have goes
    :param excludes: patterns of what is left alone
    :param labelled: says the label of all of it
    """

    owners: Mapping[str, str | None]
    groups: Mapping[str, str | None]
    delete: bool
    excludes: Sequence[str]
    labelled: Labelled


class Copy:
    """A tree to be copied to a directory.

    :param base: the directory on the target
    """

    def __init__(self, machine: Machine, base: str, tree: Tree, manner: Manner) -> None:
        self._machine, self._base, self._tree = machine, base.rstrip("/"), tree
        self._owners, self._groups, self._labels = manner.owners, manner.groups, manner.labelled
        self._delete, self._excludes = manner.delete, manner.excludes

    def change(self) -> Iterator[Change]:
        """One change for all that differs."""
        differing = [*self._unwanted(), *self._missing()]
        if not differing:
            return
        counts = [(kind, sum(one.kind == kind for one in differing)) for kind in ("added", "updated", "removed")]
        yield Change(
            "tree",
            lambda: self._make(differing),
            after=", ".join(f"{count} {kind}" for kind, count in counts if count),
            contents=(_listing(differing, "before"), _listing(differing, "after")),
        )

    # Looks

    def _missing(self) -> Iterator[Difference]:
        for number, entry in enumerate(self._tree.entries):
            status = self._machine.status(self._at(entry.path))
            if status is None:
                yield Difference("added", entry.path, number, "", _told(entry), entry.kind == "file")
            elif status.kind != entry.kind:
                yield self._replaced(number, entry, status)
            else:
                yield from self._differing(number, entry, status)

    def _replaced(self, number: int, entry: TreeEntry, status: Status) -> Difference:
        if not self._delete:
            raise ProviderError(
                f"{self._at(entry.path)} is a {status.kind}, and a {entry.kind} in the directory that is copied",
                remedy="delete=True replaces it.",
            )
        self._refuse_mounts(entry.path)
        return Difference("updated", entry.path, number, status.kind, _told(entry), entry.kind == "file")

    def _differing(self, number: int, entry: TreeEntry, status: Status) -> Iterator[Difference]:
        filled = entry.kind == "file" and not self._same_content(entry, status)
        wanted = self._belonging(entry.path)
        owner, group = wanted[0] or status.owner, wanted[1] or status.group
        attributes = (status.owner, status.group) != (owner, group)
        if entry.kind == "link":
            attributes = attributes or status.target != entry.target
        else:
            attributes = attributes or status.mode != entry.mode
        label = label_of(self._labels, self._machine, self._at(entry.path))
        if filled or attributes or label:
            before = " ".join((_told_status(status, filled=filled), status.owner, status.group))
            after = " ".join((_told(entry, filled=filled), owner, group, *filter(None, [label])))
            yield Difference("updated", entry.path, number, before, after, filled)

    def _same_content(self, entry: TreeEntry, status: Status) -> bool:
        return status.size == entry.size and self._machine.digest(self._at(entry.path)) == entry.digest

    def _unwanted(self) -> Iterator[Difference]:
        """What is there and not in the tree; a directory counts as one, with all in it."""
        if not self._delete or self._machine.status(self._base) is None:
            return
        wanted = {entry.path: entry.kind for entry in self._tree.entries}
        waiting = [""]
        while waiting:
            above = waiting.pop()
            for name in self._machine.listing(self._at(above) if above else self._base):
                path = f"{above}/{name}" if above else name
                if matched(path, self._excludes):
                    continue
                status = self._machine.status(self._at(path))
                if path not in wanted and status is not None:
                    self._refuse_mounts(path)
                    yield Difference("removed", path, before=_told_status(status, filled=True))
                elif status is not None and status.kind == wanted[path] == "directory":
                    waiting.append(path)

    def _refuse_mounts(self, path: str) -> None:
        mounted = self._machine.mount_points(self._at(path))
        if mounted:
            raise ProviderError(
                f"{self._at(path)} is not removed: {mounted[0]} is a mount point",
                remedy="Unmount it first, or name it in excludes.",
            )

    # Effects

    def _make(self, differing: Sequence[Difference]) -> None:
        for one in differing:
            if one.kind == "removed" or (one.before and self._kind_differs(one)):
                self._remove(self._at(one.path))
        numbers = [one.number for one in differing if one.filled]
        in_order = map(self._tree.content, numbers) if self._machine.simulated else self._tree.contents(numbers)
        for one in differing:
            if one.number < 0:
                continue
            entry, (owner, group) = self._tree.entries[one.number], self._belonging(one.path)
            if one.filled:
                content = next(in_order)
                self._machine.write(self._at(one.path), content, mode=entry.mode, owner=owner, group=group)
            else:
                self._make_entry(self._at(one.path), entry, owner, group)
            self._label(self._at(one.path))
        self._close_directories(differing)

    def _label(self, path: str) -> None:
        if label := label_of(self._labels, self._machine, path):
            self._machine.set_label(path, label)

    def _kind_differs(self, one: Difference) -> bool:
        status = self._machine.status(self._at(one.path))
        return status is not None and one.number >= 0 and status.kind != self._tree.entries[one.number].kind

    def _remove(self, path: str) -> None:
        status = self._machine.status(path)
        if status is not None and status.kind == "directory":
            self._machine.remove_tree(path)
        elif status is not None:
            self._machine.remove(path)

    def _make_entry(self, path: str, entry: TreeEntry, owner: str | None, group: str | None) -> None:
        status = self._machine.status(path)
        if entry.kind == "link" and (status is None or status.target != entry.target):
            self._machine.make_link(path, entry.target)
        elif status is None:
            self._machine.make_directory(path, mode=entry.mode | _OWNER_ALL)
        elif entry.kind != "link":
            self._machine.set_mode(path, entry.mode | (_OWNER_ALL if entry.kind == "directory" else 0))
        if owner is not None or group is not None:
            self._machine.set_owner(path, owner, group)

    def _close_directories(self, differing: Sequence[Difference]) -> None:
        """Give directories that their owner may not write to the mode that they are to have, once they are full."""
        for one in reversed(differing):
            if one.number < 0:
                continue
            entry = self._tree.entries[one.number]
            if entry.kind == "directory" and entry.mode | _OWNER_ALL != entry.mode:
                self._machine.set_mode(self._at(one.path), entry.mode)

    def _belonging(self, path: str) -> tuple[str | None, str | None]:
        """Whose what stands at `path` is to be, owner and group."""
        return _last_of(self._owners, path), _last_of(self._groups, path)

    def _at(self, path: str) -> str:
        return f"{self._base}/{path}"


def tree_of(directory: Directory, sources: Sources) -> Tree:
    """What it is a copy of, of which what matches a pattern of modes has that mode."""
    tree, modes = sources.tree(str(directory.from_dir), directory.excludes or []), directory.other_bits
    if not modes:
        return tree
    return replace(tree, entries=tuple(_moded(entry, _last_of(modes, entry.path)) for entry in tree.entries))


def manner_of(directory: Directory, machine: Machine, owner: str | None, group: str | None) -> Manner:
    """How it is copied, where what no pattern matches belongs to `owner` and `group`."""
    owners = {pattern: owner_name(name, machine) for pattern, name in (directory.owners or {}).items()}
    groups = {pattern: group_name(name, machine) for pattern, name in (directory.groups or {}).items()}
    excludes = directory.excludes or []
    return Manner({"*": owner, **owners}, {"*": group, **groups}, directory.delete, excludes, directory)


def _moded(entry: TreeEntry, mode: Mode | None) -> TreeEntry:
    if mode is None or entry.kind == "link":
        return entry
    directory = entry.kind == "directory"
    bits = mode.of(entry.mode, directory=directory)
    if directory and mode.bits is not None:
        bits |= (bits & _READ) >> _FROM_READ_TO_EXECUTE
    return replace(entry, mode=bits)


def _last_of(by_pattern: Mapping[str, Value], path: str) -> Value | None:
    """What the last of the patterns that matches `path`, or a part of it, stands for."""
    return next((by_pattern[pattern] for pattern in reversed([*by_pattern]) if matched(path, [pattern])), None)


def _told(entry: TreeEntry, *, filled: bool = True) -> str:
    if entry.kind == "link":
        return f"-> {entry.target}"
    size = f"{entry.size} bytes, sha256 {entry.digest[:16]}, " if entry.kind == "file" and filled else ""
    return f"{size}{octal(entry.mode)}"


def _told_status(status: Status, *, filled: bool) -> str:
    if status.kind == "link":
        return f"-> {status.target}"
    size = f"{status.size} bytes, " if status.kind == "file" and filled else ""
    return f"{size}{octal(status.mode)}"


def _listing(differing: Sequence[Difference], side: str) -> bytes:
    lines = (f"{one.path}: {getattr(one, side)}\n" for one in differing if getattr(one, side))
    return "".join(lines).encode("utf-8", "replace")
