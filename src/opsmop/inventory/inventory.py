"""The inventory: the hosts there are, and parts of it."""

from __future__ import annotations

from opsmop.errors import InventoryError
from opsmop.inventory.host import STAYS_HOME, Group, Host
from opsmop.inventory.tree import Tree, close, names_matching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Inventory:
    """Hosts and groups, read when they are first asked for.

    A subclass implements `load`, which calls `accumulate` with what it found, once or several times. A subclass that
    defines ``__init__`` need not call this class's.
    """

    __stays_home__ = STAYS_HOME

    # Class attributes, so that a subclass's own __init__ may leave ours out.
    _tree: Tree | None = None
    _documents: tuple[tuple[str, dict[str, Any]], ...] = ()

    def load(self) -> None:
        """Find the hosts and pass them to `accumulate`. Called once, when they are first needed.

        :raises InventoryError: if they cannot be found
        """
        raise InventoryError(
            f"{type(self).__name__} does not define load()",
            remedy="Define it, and call self.accumulate({'groups': ...}) in it.",
        )

    def accumulate(self, document: dict[str, Any], place: str = "") -> None:
        """Add what a source says: ``{"groups": {name: {"hosts", "vars", "children"}}, "hosts": {name: {"vars"}}}``.

        :param document: values as a TOML inventory would hold them; a later document wins over an earlier one
        :param place: where it came from, for errors
        """
        self._documents = (*self._documents, (place or type(self).__name__, document))

    def tree(self) -> Tree:
        """All that the inventory says; reads it if that has not happened yet.

        :raises InventoryError: if it cannot be read or says something impossible
        """
        if self._tree is None:
            self._documents = ()
            self.load()
            self._tree = Tree(self._documents)
        return self._tree

    def files(self) -> tuple[str, ...]:
        """The files that the inventory is read from; they are never served to a target."""
        return ()

    def filter(self, *, groups: Any = None, hosts: Any = None) -> Inventory:
        """A part of this inventory, found when it is first asked for.

        :param groups: an fnmatch pattern or a list of them: hosts in any group that one of them matches
        :param hosts: an fnmatch pattern or a list of them: hosts whose name one of them matches. With `groups`, both
            must hold
        :raises InventoryError: if a pattern is not a text
        """
        return _Part(self, _patterns("groups", groups), _patterns("hosts", hosts))

    @property
    def whole(self) -> Inventory:
        """The inventory that this is a part of, directly or through other parts; itself if it is none."""
        return self

    def hosts(self) -> tuple[Host, ...]:
        """The hosts, in the order in which the inventory names them.

        :raises InventoryError: if the inventory cannot be read or says something impossible
        """
        return self.tree().hosts

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts())

    def __len__(self) -> int:
        return len(self.hosts())

    def __bool__(self) -> bool:
        # An inventory is something even before it is read; its length would read it.
        return True

    def host(self, name: str) -> Host | None:
        """The host of that name, if there is one."""
        return next((host for host in self.hosts() if host.name == name), None)

    def groups(self) -> tuple[Group, ...]:
        """All groups of the whole inventory, ``all`` among them, in the order of the file."""
        return tuple(self.tree().groups.values())

    def stranger(self, name: str) -> Host:
        """A host that the inventory does not name: it has the variables of ``all``."""
        return Host(name, self.tree())

    def describe(self) -> str:
        """What was asked for, in words: ``groups 'web*' and hosts 'web1'``; empty for the whole."""
        return ""

    def require_hosts(self, who: str) -> tuple[Host, ...]:
        """The hosts, of which there must be some.

        :param who: who asks, for the error
        :raises InventoryError: if there are none, naming the pattern and what exists
        """
        hosts = self.hosts()
        if hosts:
            return hosts
        wanted = self.describe()
        raise InventoryError(
            f"{who}: the inventory has no host" + (f" in {wanted}" if wanted else ""),
            place=", ".join(self.files()),
            remedy=self._what_there_is(),
        )

    def _what_there_is(self) -> str:
        return "Name hosts under [groups.NAME.hosts]."


class _Part(Inventory):
    """The hosts of another inventory that patterns select."""

    def __init__(self, outer: Inventory, groups: tuple[str, ...], hosts: tuple[str, ...]) -> None:
        self._outer = outer
        self._groups = groups
        self._hosts = hosts

    def tree(self) -> Tree:
        return self._outer.tree()

    def files(self) -> tuple[str, ...]:
        return self._outer.files()

    @property
    def whole(self) -> Inventory:
        return self._outer.whole

    def hosts(self) -> tuple[Host, ...]:
        return tuple(host for host in self._outer.hosts() if self._takes(host))

    def _takes(self, host: Host) -> bool:
        if self._groups and not any(names_matching(self._groups, host.groups())):
            return False
        return not self._hosts or any(names_matching(self._hosts, (host.name,)))

    def describe(self) -> str:
        named = (("groups", self._groups), ("hosts", self._hosts))
        said = [f"{what} {', '.join(map(repr, patterns))}" for what, patterns in named if patterns]
        return " and ".join(part for part in (self._outer.describe(), *said) if part)

    def _what_there_is(self) -> str:
        for what, patterns, names in (
            ("Groups", self._groups, [group.name for group in self.groups()]),
            ("Hosts", self._hosts, [host.name for host in self.whole.hosts()]),
        ):
            for pattern in patterns:
                if not any(names_matching((pattern,), names)):
                    return f"{what}: {close(pattern, names)}"
        return "Each pattern matches something; no host is matched by all of them."


def _patterns(name: str, given: Any) -> tuple[str, ...]:
    patterns = (given,) if isinstance(given, str) else tuple(given or ())
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise InventoryError(
                f"filter({name}=...) was given {pattern!r}, which is not a pattern",
                remedy=f"Give a text or a list of texts: filter({name}=['web*', 'db1']).",
            )
    return patterns
