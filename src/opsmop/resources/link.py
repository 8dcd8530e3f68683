"""Links."""

from __future__ import annotations

import posixpath

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Machine, Status
from opsmop.language.provider import Change, Provider
from opsmop.resources.permissions import (
    Labelled,
    absolute,
    group_name,
    label_changes,
    label_of,
    owner_name,
    ownership_changes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable, ClassVar

_MOST_LINKS = 40  # as many as the kernel follows: path_resolution(7)


class Link(Labelled):
    """A link to a file or directory; or none. One that leads elsewhere is replaced at once; nobody finds it missing."""

    name: str = field(kw_only=False, doc="where the link stands on the target")
    to: str | None = field(
        default=None,
        doc="what it leads to, as it is to stand in the link; a symbolic link may lead to what is not there",
    )
    hard: bool = field(default=False, doc="a further name of the file `to` instead of a symbolic link")
    relative: bool = field(default=False, doc="let the link say the way from its own directory to `to`")
    force: bool = field(default=False, doc="replace a file or an empty directory that stands there")
    owner: str | int | None = field(default=None, doc="the symbolic link's own owner; stays if not given")
    group: str | int | None = field(default=None, doc="the symbolic link's own group; stays if not given")
    absent: bool = field(default=False, doc="there is to be no such link; what it leads to stays")

    elsewhere: ClassVar[dict[str, str]] = dict.fromkeys(("src", "target"), "Where it leads is called to=.")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        absolute(self, self.name)
        if isinstance(self.name, str) and not self.name.strip("/"):
            raise FieldError("Link cannot stand in the place of /", place=self.place)
        self.exclusive("to", "absent")
        self.exclusive("hard", "relative")
        self.check_label()
        if self.hard and self.labelled:
            raise FieldError(
                f"{self}: a hard link has the label of its file", place=self.place, remedy="File(...) sets that."
            )
        if not self.to and not self.absent:
            raise FieldError(f"{self}: nothing says where it leads", place=self.place, remedy="Give to=.")
        if (self.hard or self.relative) and self.to:
            absolute(self, self.to)


class MakeLink(Provider, provides=Link):
    """Through the file system."""

    def plan(self) -> Iterator[Change]:
        """Create, replace or remove it."""
        link = self.resource
        path = link.name.rstrip("/")
        status = self.machine.status(path)
        if link.absent:
            yield from self._removal(path, status)
        elif link.hard:
            yield from self._hard(path, status)
        else:
            yield from self._symbolic(path, status)

    def _removal(self, path: str, status: Status | None) -> Iterator[Change]:
        if status is None:
            return
        if status.kind != "link" and not (self.resource.hard and status.kind == "file"):
            raise ProviderError(
                f"{path} is a {status.kind}, not a link",
                remedy="File(..., absent=True) or Directory(..., absent=True) removes it.",
            )
        yield Change("remove", lambda: self.machine.remove(path), before=status.target)

    def _symbolic(self, path: str, status: Status | None) -> Iterator[Change]:
        link, machine = self.resource, self.machine
        target = posixpath.relpath(link.to, _followed(machine, posixpath.dirname(path))) if link.relative else link.to
        owner, group = owner_name(link.owner, machine), group_name(link.group, machine)
        if status is not None and status.kind == "link" and status.target == target:
            yield from ownership_changes(path, status, machine, owner, group, None)
            yield from label_changes(link, machine, path)
            return
        label = label_of(link, machine, path)

        def make() -> None:
            self._clear(path)
            machine.make_link(path, target)
            if owner is not None or group is not None:
                machine.set_owner(path, owner, group)
            if label:
                machine.set_label(path, label)

        yield self._placing(path, status, target, make)

    def _hard(self, path: str, status: Status | None) -> Iterator[Change]:
        to, machine = self.resource.to, self.machine
        wanted = machine.status(to)
        if wanted is None or wanted.kind == "directory":
            what = "does not exist" if wanted is None else "is a directory"
            raise ProviderError(f"{path} cannot be a hard link to {to}, which {what}")
        if machine.same_file(path, to):
            return

        def make() -> None:
            self._clear(path)
            machine.make_hard_link(path, to)

        yield self._placing(path, status, to, make)

    def _placing(self, path: str, status: Status | None, target: str, make: Callable[[], None]) -> Change:
        """The change that puts the link there, if what stands there may be replaced."""
        if status is None:
            return Change("create", make, after=target)
        if status.kind == "link":
            return Change("redirect", make, before=status.target, after=target)
        if not self.resource.force:
            raise ProviderError(f"{path} is a {status.kind}, not a link", remedy="force=True replaces it.")
        if status.kind == "directory" and self.machine.listing(path):
            raise ProviderError(
                f"{path} is a directory that is not empty",
                remedy="Directory(..., absent=True, recursive=True) before this removes it.",
            )
        return Change("replace", make, before=f"a {status.kind}", after=target)

    def _clear(self, path: str) -> None:
        """Nothing can take the place of a directory at once."""
        status = self.machine.status(path)
        if status is not None and status.kind == "directory":
            self.machine.remove_directory(path)


def _followed(machine: Machine, path: str) -> str:
    """A directory without links on its way: the kernel goes up from where they lead (path_resolution(7))."""
    found, left, links = "/", path.split("/")[::-1], 0
    while left:
        part = left.pop()
        if part == "..":
            found = posixpath.dirname(found)
        if part in ("", ".", ".."):
            continue
        there = posixpath.join(found, part)
        status = machine.status(there)
        if status is None or status.kind != "link":
            found = there
            continue
        links += 1
        if links > _MOST_LINKS:
            raise ProviderError(f"{path} leads through more than {_MOST_LINKS} links")
        found = "/" if status.target.startswith("/") else found
        left += status.target.split("/")[::-1]
    return found
