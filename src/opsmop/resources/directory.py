"""Directories."""

from __future__ import annotations

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Status
from opsmop.language.provider import Change, Provider
from opsmop.resources.modes import Mode, mode_of, octal
from opsmop.resources.permissions import (
    ATTRIBUTES,
    Labelled,
    absolute,
    flags_of,
    group_name,
    label_changes,
    label_of,
    owner_name,
    ownership_changes,
    while_free,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_MODE = 0o755  # what a directory gets when nothing says its mode: umask 022
_OF_COPIES = ("delete", "excludes", "owners", "groups", "modes")
_OF_PARENTS = ("parents_mode", "parents_owner", "parents_group")


class Directory(Labelled):
    """A directory with its owner, group and mode; or none. Missing parents are made with mode 0755, or as is said."""

    name: str = field(kw_only=False, doc="where it stands on the target")
    owner: str | int | None = field(default=None, doc="the owner's name or number; stays if not given")
    group: str | int | None = field(default=None, doc="the group's name or number; stays if not given")
    mode: int | str | None = field(
        default=None, doc='permission bits, 0o755, "0755" or "u=rwX,go=rX"; stay if not given'
    )
    attributes: str | None = field(default=None, doc=ATTRIBUTES)
    parents: bool = field(default=True, doc="False: the directory above has to be there")
    parents_mode: int | str | None = field(
        default=None, doc="the mode of those above that have to be made; 0755 if none"
    )
    parents_owner: str | int | None = field(default=None, doc="their owner; who makes them if not given")
    parents_group: str | int | None = field(default=None, doc="their group; likewise")
    absent: bool = field(default=False, doc="there is to be no such directory")
    recursive: bool = field(
        default=False,
        doc="owner, group, mode, label and attributes of all beneath too (files are executable only if they were);"
        " with absent: all beneath goes",
    )
    only: list[str] | None = field(
        default=None, doc="names, and patterns such as '*.conf': all else directly in it is removed, whatever it is"
    )
    from_dir: str | None = field(
        default=None,
        doc="a directory beside the policy, copied with all in it and its modes; owner, group and label are those of all of it",
    )
    owners: dict[str, str | int] | None = field(
        default=None,
        doc="with from_dir: other owners, by pattern; the last one counts that matches a path or what it is in",
    )
    groups: dict[str, str | int] | None = field(default=None, doc="with from_dir: other groups, likewise")
    modes: dict[str, int | str] | None = field(
        default=None,
        doc='with from_dir: other modes, likewise, {"*.sh": 0o755, "etc": 0o640}; numbers give directories x with each r',
    )
    delete: bool = field(default=False, doc="with from_dir: what that directory does not have goes")
    excludes: list[str] | None = field(
        default=None, doc="with from_dir: names, and patterns such as '*.swp', that are neither copied nor removed"
    )

    def check(self) -> None:
        """Refuse what contradicts itself."""
        absolute(self, self.name)
        self.exclusive("absent", "only", "from_dir")
        self.exclusive("recursive", "from_dir")
        self._check_copy()
        with_all = self.only is not None or (self.recursive and not self.absent)
        if with_all and isinstance(self.name, str) and not self.name.strip("/"):
            raise FieldError(f"{self}: everything beneath / is more than any role means", place=self.place)
        self.bits = mode_of(self.mode, self)
        self.check_label()
        self.flags = flags_of(self.attributes, self)
        self._check_parents()

    def _check_parents(self) -> None:
        self.parents_bits = mode_of(self.parents_mode, self, "parents_mode")
        given = [name for name in _OF_PARENTS if getattr(self, name) is not None]
        if given and (self.absent or not self.parents):
            without = "absent" if self.absent else "parents=False"
            raise FieldError(f"{self}: {given[0]}= means nothing with {without}", place=self.place)

    def _check_copy(self) -> None:
        given = [name for name in _OF_COPIES if getattr(self, name)]
        if self.from_dir is None and given:
            raise FieldError(f"{self}: {given[0]}= means nothing without from_dir=", place=self.place)
        modes = self.modes or {}
        self.other_bits = {pattern: mode_of(mode, self, f"modes[{pattern!r}]") for pattern, mode in modes.items()}
        if self.delete and isinstance(self.name, str) and not self.name.strip("/"):
            raise FieldError(f"{self}: everything beneath / is more than any role means", place=self.place)


class MakeDirectory(Provider, provides=Directory):
    """Through the file system."""

    def plan(self) -> Iterator[Change]:
        """Create or remove it, or change what differs."""
        directory = self.resource
        path = directory.name.rstrip("/") or "/"
        yield from while_free(self.machine, path, directory, self._changes(path, self.machine.status(path)))

    def _changes(self, path: str, status: Status | None) -> Iterator[Change]:
        directory = self.resource
        if directory.absent:
            yield from self._removal(path, status)
            return
        owner, group = owner_name(directory.owner, self.machine), group_name(directory.group, self.machine)
        if status is None:
            yield self._creation(path, owner, group)
            yield from self._copied(path, owner, group)
            return
        if status.kind == "link" and self._plain_link(path):
            return
        if status.kind != "directory":
            raise ProviderError(f"{path} is a {status.kind}, not a directory")
        bits = directory.bits.of(status.mode, directory=True) if directory.bits else None
        yield from ownership_changes(path, status, self.machine, owner, group, bits)
        yield from label_changes(directory, self.machine, path)
        yield from self._rest(path)
        yield from self._copied(path, owner, group)
        if directory.recursive:
            yield from self._beneath(path, owner, group)

    def _copied(self, path: str, owner: str | None, group: str | None) -> Iterator[Change]:
        if self.resource.from_dir is not None:
            from opsmop.resources.trees import Copy, manner_of, tree_of  # only where something is copied

            manner = manner_of(self.resource, self.machine, owner, group)
            yield from Copy(self.machine, path, tree_of(self.resource, self.sources), manner).change()

    def _plain_link(self, path: str) -> bool:
        """Whether a link to a directory is as good: only if nothing is asked of it (``/var/run`` is such a link)."""
        directory = self.resource
        found = self.machine.status(path, follow=True)
        if found is None or found.kind != "directory":
            return False
        asked = (directory.owner, directory.group, directory.mode, directory.only, directory.from_dir, directory.flags)
        if all(one is None for one in asked) and not directory.labelled:
            return True
        raise ProviderError(f"{path} is a symbolic link to a directory", remedy="Name the directory itself.")

    def _creation(self, path: str, owner: str | None, group: str | None) -> Change:
        missing = self._missing_parents(path)
        mode, label = _new_mode(self.resource.bits), label_of(self.resource, self.machine, path)

        def make() -> None:
            for parent in missing:
                self._make_parent(parent)
            self.machine.make_directory(path, mode=mode)
            if owner is not None or group is not None:
                self.machine.set_owner(path, owner, group)
            if label:
                self.machine.set_label(path, label)

        after = octal(mode) + (f", {label}" if label else "") + (f", and {len(missing)} above it" if missing else "")
        return Change("create", make, after=after)

    def _make_parent(self, path: str) -> None:
        directory, machine = self.resource, self.machine
        owner, group = owner_name(directory.parents_owner, machine), group_name(directory.parents_group, machine)
        try:
            self.machine.make_directory(path, mode=_new_mode(directory.parents_bits))
            if owner is not None or group is not None:
                machine.set_owner(path, owner, group)
        except ProviderError:
            found = self.machine.status(path)
            if found is None or found.kind != "directory":
                raise
            # Somebody made it in between, as other hosts do that are the same machine.

    def _missing_parents(self, path: str) -> list[str]:
        missing: list[str] = []
        parent = path.rpartition("/")[0] or "/"
        while (found := self.machine.status(parent, follow=True)) is None:
            missing.append(parent)
            parent = parent.rpartition("/")[0] or "/"
        if found.kind != "directory":
            raise ProviderError(f"cannot make the directory {path}: {parent} is a {found.kind}, not a directory")
        if missing and not self.resource.parents:
            raise ProviderError(
                f"cannot make the directory {path}: {missing[-1]} does not exist",
                remedy="Manage it with Directory first; parents=True makes what is missing above.",
            )
        return missing[::-1]

    def _removal(self, path: str, status: Status | None) -> Iterator[Change]:
        if status is None:
            return
        if status.kind != "directory":
            raise ProviderError(
                f"{path} is a {status.kind}, not a directory", remedy="File(..., absent=True) removes it."
            )
        entries = self.machine.listing(path)
        if entries and not self.resource.recursive:
            raise ProviderError(
                f"{path} is not empty: {len(entries)} entries, such as {entries[0]}",
                remedy="recursive=True removes them too.",
            )
        if path == "/":
            raise ProviderError("/ is not removed")
        mounted = self.machine.mount_points(path)
        if mounted:
            raise ProviderError(f"{path} is not removed: {mounted[0]} is a mount point", remedy="Unmount it first.")
        yield Change("remove", lambda: self._remove_tree(path), before=f"{len(entries)} entries")

    def _remove_tree(self, path: str) -> None:
        if self.resource.flags is not None:
            from opsmop.resources.attributes import free  # only where attributes are named

            for entry, status in [*self._walk(path, frozenset(), frozenset())]:
                if status.kind in ("file", "directory"):
                    free(self.machine, entry)
        self.machine.remove_tree(path)

    def _unwanted(self, path: str) -> list[str]:
        """What stands directly in it and may not."""
        only = self.resource.only
        if only is None:
            return []
        from fnmatch import fnmatchcase  # only where something is to go

        return [name for name in self.machine.listing(path) if not any(fnmatchcase(name, each) for each in only)]

    def _rest(self, path: str) -> Iterator[Change]:
        """One change that removes what may not be in it."""
        unwanted = self._unwanted(path)
        for name in unwanted:
            mounted = self.machine.mount_points(f"{path}/{name}")
            if mounted:
                raise ProviderError(
                    f"{path}/{name} is not removed: {mounted[0]} is a mount point", remedy="Unmount it first."
                )

        def make() -> None:
            for name in unwanted:
                status = self.machine.status(f"{path}/{name}")
                remove = self.machine.remove_tree if status and status.kind == "directory" else self.machine.remove
                remove(f"{path}/{name}")

        if unwanted:
            yield Change("remove the rest", make, before=f"{len(unwanted)} entries, such as {unwanted[0]}")

    def _beneath(self, path: str, owner: str | None, group: str | None) -> Iterator[Change]:
        """One change for all that differs beneath, whatever its number."""
        left_alone = frozenset(self.machine.mount_points(path))
        going = frozenset(f"{path}/{name}" for name in self._unwanted(path))
        differing = [
            (entry, change)
            for entry, status in self._walk(path, left_alone, going)
            for change in self._changes_beneath(entry, status, owner, group)
        ]
        if not differing:
            return

        def make() -> None:
            for _, change in differing:
                change.make()

        count = len({entry for entry, _ in differing})
        yield Change("beneath", make, after=f"{count} entries, such as {differing[0][0]}")

    def _changes_beneath(self, entry: str, status: Status, owner: str | None, group: str | None) -> Iterator[Change]:
        changes = [*ownership_changes(entry, status, self.machine, owner, group, self._bits_beneath(status))]
        changes += label_changes(self.resource, self.machine, entry)
        plain = status.kind in ("file", "directory")  # nothing else has attributes
        yield from while_free(self.machine, entry, self.resource, changes) if plain else changes

    def _bits_beneath(self, status: Status) -> int | None:
        bits: Mode | None = self.resource.bits
        if bits is None or status.kind == "link":
            return None
        return bits.beneath(status.mode, directory=status.kind == "directory")

    def _walk(self, path: str, mounted: frozenset[str], going: frozenset[str]) -> Iterator[tuple[str, Status]]:
        """All beneath a directory, but not what is on other file systems, nor what is going."""
        for name in self.machine.listing(path):
            entry = f"{path.rstrip('/')}/{name}"
            status = self.machine.status(entry) if entry not in going else None
            if status is None:
                continue
            yield entry, status
            if status.kind == "directory" and entry not in mounted:
                yield from self._walk(entry, mounted, going)


def _new_mode(bits: Mode | None) -> int:
    return bits.of(_NEW_MODE, directory=True) if bits else _NEW_MODE
