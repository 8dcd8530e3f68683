"""An inventory's documents, read into groups and hosts, in the order of the file."""

from __future__ import annotations

from opsmop.errors import InventoryError
from opsmop.inventory.host import Group, Host
from opsmop.inventory.magic import MAGIC, fault
from opsmop.inventory.words import variables_from_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

EVERYTHING = "all"  # the group that every host is in
_SECTIONS = ("groups", "hosts")
_GROUP_KEYS = ("hosts", "vars", "children")
_HOST_KEYS = ("vars",)


def close(name: str, known: Any) -> str:
    """A sentence that names what is close to `name` among `known`, or else some of what there is."""
    from difflib import get_close_matches  # only errors need it

    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")  # noqa: PLR2004 - enough to recognise one
    return f"There are: {shown}." if names else "There are none."


class Tree:
    """Groups and hosts.

    :param documents: what was read: ``(place, document)`` each, where a place names the document in errors
    :raises InventoryError: if a document says something impossible
    """

    def __init__(self, documents: tuple[tuple[str, dict[str, Any]], ...]) -> None:
        self.host_variables: dict[str, dict[str, Any]] = {}
        self.place = ", ".join(dict.fromkeys(place for place, _ in documents))
        drafts = {EVERYTHING: _Draft("")}
        for place, document in documents:
            _Reader(drafts, self.host_variables, place).read(document)
        self.groups = {name: draft.group(name) for name, draft in drafts.items()}
        self._places = {name: draft.place for name, draft in drafts.items()}
        self._listed_in = self._listings()
        self._refuse_unknown_children()
        self._depths = self._measured()
        self._refuse_strays(documents)
        self._groups_of: dict[str, tuple[Group, ...]] = {}
        self.hosts = tuple(Host(name, self) for name in self.host_variables)

    def groups_of(self, host: str) -> tuple[Group, ...]:
        """The groups of a host: ``all`` first, parents before children, then in the order of the file."""
        if host not in self._groups_of:
            self._groups_of[host] = self._found_groups(host)
        return self._groups_of[host]

    def variables_of(self, host: str) -> dict[str, Any]:
        """The host's own variables; none for a host that is not named."""
        return self.host_variables.get(host, {})

    def unknown_via(self, host: str, via: str) -> InventoryError:
        """A host is to be reached through one that is not there."""
        return InventoryError(
            f"{host}: opsmop_via names {via!r}, which is no host of the inventory",
            place=self.place,
            remedy=close(via, self.host_variables),
        )

    def circle(self, way: list[str]) -> InventoryError:
        """Hosts are reached through each other.

        :param way: their names, the last of which stands there twice
        """
        ring = way[way.index(way[-1]) : -1]
        first = ring.index(min(ring))  # the same circle has one name, wherever one comes into it
        return InventoryError(
            f"opsmop_via leads in a circle: {' -> '.join([*ring[first:], *ring[: first + 1]])}",
            place=self.place,
            remedy="Take opsmop_via from the one that is reached directly, or let it name itself.",
        )

    def _found_groups(self, host: str) -> tuple[Group, ...]:
        found = {EVERYTHING, *self._listed_in.get(host, ())}
        grew = True
        while grew:
            parents = {name for name, group in self.groups.items() if found.intersection(group.children)}
            grew = not parents <= found
            found |= parents
        in_file_order = [group for name, group in self.groups.items() if name in found]
        return tuple(sorted(in_file_order, key=lambda group: self._depths[group.name]))

    def _listings(self) -> dict[str, list[str]]:
        listed: dict[str, list[str]] = {}
        for group in self.groups.values():
            for host in group.hosts:
                listed.setdefault(host, []).append(group.name)
        return listed

    def _refuse_unknown_children(self) -> None:
        for group in self.groups.values():
            for child in group.children:
                if child == EVERYTHING:
                    raise InventoryError(
                        f"group {group.name!r} lists {EVERYTHING!r} as a child, which holds every group already",
                        place=self._places[group.name],
                        remedy="Take it out of the children.",
                    )
                if child not in self.groups:
                    raise InventoryError(
                        f"group {group.name!r} lists the child group {child!r}, which does not exist",
                        place=self._places[group.name],
                        remedy=close(child, self.groups),
                    )

    def _measured(self) -> dict[str, int]:
        # The depth of a group is the longest way to it from the top, so that no parent comes after its child.
        depths: dict[str, int] = {EVERYTHING: 0}
        for name in self.groups:
            if name != EVERYTHING:
                self._measure(name, depths, ())
        return depths

    def _measure(self, name: str, depths: dict[str, int], way: tuple[str, ...]) -> int:
        if name in way:
            circle = " -> ".join((*reversed(way[way.index(name) :]), name))
            raise InventoryError(
                f"groups are children of each other in a circle: {name} -> {circle}",
                place=self._places[name],
                remedy="Take one of them out of the other's children.",
            )
        if name not in depths:
            parents = [
                parent for parent, group in self.groups.items() if name in group.children and parent != EVERYTHING
            ]
            depths[name] = 1 + max((self._measure(parent, depths, (*way, name)) for parent in parents), default=0)
        return depths[name]

    def _refuse_strays(self, documents: tuple[tuple[str, dict[str, Any]], ...]) -> None:
        for place, document in documents:
            for host in document.get("hosts", {}):
                if host not in self._listed_in:
                    raise InventoryError(
                        f"host {host!r} has variables and is in no group",
                        place=place,
                        remedy=f"{close(host, self._listed_in)} A host of no particular group goes under [groups.all.hosts].",
                    )


class _Draft:
    """A group that documents are still adding to."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.hosts: dict[str, None] = {}  # a set that keeps its order
        self.children: dict[str, None] = {}
        self.variables: dict[str, Any] = {}

    def group(self, name: str) -> Group:
        return Group(name, tuple(self.hosts), tuple(self.children), self.variables)


class _Reader:
    """Reads one document into drafts of groups, and variables of hosts."""

    def __init__(self, drafts: dict[str, _Draft], host_variables: dict[str, dict[str, Any]], place: str) -> None:
        self.drafts = drafts
        self.host_variables = host_variables
        self.place = place

    def read(self, document: dict[str, Any]) -> None:
        self._known("the inventory", self._table("the inventory", document), _SECTIONS)
        for name, section in self._table("groups", document.get("groups", {})).items():
            self._read_group(name, self._table(f"groups.{name}", section))
        for name, section in self._table("hosts", document.get("hosts", {})).items():
            key = f"hosts.{name}"
            self._known(f"[{key}]", self._table(key, section), _HOST_KEYS)
            variables = self._variables(f"{key}.vars", section.get("vars", {}))
            self.host_variables.setdefault(name, {}).update(variables)

    def _read_group(self, name: str, section: dict[str, Any]) -> None:
        key = f"groups.{name}"
        self._known(f"[{key}]", section, _GROUP_KEYS)
        draft = self.drafts.setdefault(name, _Draft(self.place))
        draft.place = draft.place or self.place
        draft.children.update(dict.fromkeys(self._children(f"{key}.children", section.get("children", []))))
        draft.variables.update(self._variables(f"{key}.vars", section.get("vars", {})))
        for host, said in self._table(f"{key}.hosts", section.get("hosts", {})).items():
            variables = self._host_variables(f"{key}.hosts.{host}", said)
            self.host_variables.setdefault(host, {}).update(variables)
            draft.hosts[host] = None

    def _host_variables(self, key: str, said: Any) -> dict[str, Any]:
        if not isinstance(said, str):
            return self._variables(key, said)
        try:
            return self._variables(key, variables_from_words(said))
        except ValueError as error:
            raise self._error(key, f"{error}", "Quote values that hold blanks: a=1 b='x y'.") from None

    def _variables(self, key: str, said: Any) -> dict[str, Any]:
        variables = self._table(key, said)
        for name, value in variables.items():
            if not name.isidentifier():
                raise self._error(key, f"{name!r} cannot be a variable's name", "Use letters, digits and underscores.")
            wrong = fault(name, value)
            if wrong:
                raise self._error(key, wrong, MAGIC[name].doc if name in MAGIC else close(name, MAGIC))
        return variables

    def _children(self, key: str, said: Any) -> tuple[str, ...]:
        if isinstance(said, list) and all(isinstance(child, str) for child in said):
            return tuple(said)
        raise self._error(key, "is not a list of group names", 'Write children = ["one", "another"].')

    def _table(self, key: str, said: Any) -> dict[str, Any]:
        if isinstance(said, dict):
            return said
        raise self._error(key, f"is {type(said).__name__}, not a table", f"Write it as a table: [{key}].")

    def _known(self, what: str, table: dict[str, Any], known: tuple[str, ...]) -> None:
        for name in table:
            if name not in known:
                raise InventoryError(
                    f"{what} has a key {name!r}, which means nothing",
                    place=self.place,
                    remedy=close(name, known),
                )

    def _error(self, key: str, message: str, remedy: str) -> InventoryError:
        return InventoryError(f"{key}: {message}", place=self.place, remedy=remedy)


def literal(name: str) -> str:
    """A pattern that matches `name` alone."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def names_matching(patterns: tuple[str, ...], names: Any) -> Iterator[str]:
    """Those of `names` that one of the fnmatch patterns matches, in their own order. Case counts."""
    from fnmatch import fnmatchcase  # only filters need it

    return (name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns))
