"""A host and a group of hosts."""

from __future__ import annotations

from opsmop.inventory.magic import MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from opsmop.inventory.tree import Tree

STAYS_HOME = (
    "the inventory knows every host; a target learns only its own variables. "
    "Compute what main() needs in set_variables(), or read self.vars in main()"
)


class Group:
    """A group of the inventory.

    :param name: its name
    :param hosts: the names of the hosts that it lists itself
    :param children: the names of the groups that it lists
    :param variables: its own variables
    """

    __stays_home__ = STAYS_HOME

    def __init__(self, name: str, hosts: tuple[str, ...], children: tuple[str, ...], variables: dict[str, Any]) -> None:
        self.name = name
        self.hosts = hosts
        self.children = children
        self.variables = variables

    def __repr__(self) -> str:
        return f"<Group {self.name}>"


class Host:
    """A host, as the control machine sees it.

    :param name: its name in the inventory
    :param tree: the inventory that it belongs to
    """

    __stays_home__ = STAYS_HOME

    def __init__(self, name: str, tree: Tree) -> None:
        self.name = name
        self.values: dict[str, Any] = {}  # what hooks attach to the contact
        self._tree = tree

    def __repr__(self) -> str:
        return f"<Host {self.name}>"

    def __str__(self) -> str:
        return self.name

    def hostname(self) -> str:
        """The address to connect to: ``opsmop_host``, else the name."""
        return str(self.all_variables().get("opsmop_host", self.name))

    def way(self) -> tuple[Host, ...]:
        """The hosts through which this one is reached (``opsmop_via``), the one that the control machine meets first.

        A host that names itself, as all of a group may, is reached directly.

        :raises InventoryError: if one of them is not in the inventory, or they lead in a circle
        """
        way: list[Host] = [self]
        while (name := str(way[-1].all_variables().get("opsmop_via", way[-1].name))) != way[-1].name:
            found = next((host for host in self._tree.hosts if host.name == name), None)
            if found is None:
                raise self._tree.unknown_via(way[-1].name, name)
            if any(host.name == name for host in way):
                raise self._tree.circle([host.name for host in (*way, found)])
            way.append(found)
        return tuple(reversed(way[1:]))

    @property
    def variables(self) -> dict[str, Any]:
        """The host's own variables, without those of its groups."""
        return dict(self._tree.variables_of(self.name))

    def all_variables(self) -> dict[str, Any]:
        """The variables of the host and of all its groups, connection data included; the last one named wins."""
        merged: dict[str, Any] = {}
        for group in self._tree.groups_of(self.name):
            merged.update(group.variables)
        merged.update(self._tree.variables_of(self.name))
        return merged

    def groups(self) -> tuple[str, ...]:
        """The names of all groups that the host is in, itself or through their children; ``all`` first."""
        return tuple(group.name for group in self._tree.groups_of(self.name))

    def layers(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """What becomes variables of a role on this host: ``(label, variables)``, the last one named wins.

        Passwords and key files are not among them.
        """
        return tuple((label, public(variables)) for label, variables in self.all_layers() if public(variables))

    def all_layers(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """As `layers`, passwords and key files included: nothing to be sent or shown as it is."""
        named = [(f"inventory group {group.name}", group.variables) for group in self._tree.groups_of(self.name)]
        return (*named, (f"inventory host {self.name}", self._tree.variables_of(self.name)))

    def of_others(self) -> dict[str, str]:
        """What a name that the inventory does not know lacks: each variable that some host has, and the first that does.

        Nothing for a host that it knows.
        """
        hosts = self._tree.hosts
        if any(host.name == self.name for host in hosts):
            return {}
        own = self.all_variables()
        return {name: host.name for host in reversed(hosts) for name in host.all_variables() if name not in own}

    def fresh(self) -> Host:
        """The same host for another contact: nothing is attached to it."""
        return Host(self.name, self._tree)


def public(variables: dict[str, Any]) -> dict[str, Any]:
    """`variables` without what only the control machine may know."""
    return {name: value for name, value in variables.items() if name not in MAGIC or not MAGIC[name].private}
