"""The hosts that a command is for: those of an inventory, or one that is named as ssh would name it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsmop.errors import UsageError
from opsmop.inventory import Host, Inventory, TomlInventory
from opsmop.inventory.tree import close, literal

if TYPE_CHECKING:
    from opsmop.settings import Defaults

_MOST_PORTS = 1 << 16


class Lone(Inventory):
    """One host that no inventory names.

    :param name: its address, with a user before an ``@`` and a port after a colon if need be
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self) -> None:
        """Read the name."""
        self.accumulate({"groups": {"all": {"hosts": {self.name: _parts(self.name)}}}})


def _parts(name: str) -> dict[str, Any]:
    user, at, place = name.rpartition("@")
    address, colon, port = place.rpartition(":")
    ported = bool(colon and ":" not in address and port.isdecimal() and 0 < int(port) < _MOST_PORTS)
    if place.startswith("["):
        inner, _, port = place[1:].partition("]:")
        address, ported = inner.rstrip("]"), port.isdecimal()
    found: dict[str, Any] = {"opsmop_host": address if ported or place.startswith("[") else place}
    found |= {"opsmop_ssh_username": user} if at else {}
    return found | ({"opsmop_ssh_port": int(port)} if ported else {})


def inventory_of(given: argparse.Namespace, defaults: Defaults, command: str) -> Inventory:
    """The inventory that was named.

    :param command: what asks, for the error
    :raises UsageError: if none was
    """
    file = defaults["inventory_file"]
    if not file:
        raise UsageError(
            f"opsmop {command} takes an inventory",
            remedy="Write -i inventory.toml, or say [inventory] file in opsmop.toml.",
        )
    path = Path(given.inventory).absolute() if given.inventory else Path(file).expanduser()
    return TomlInventory(str(path))


def limited(inventory: Inventory, given: argparse.Namespace, command: str) -> tuple[Host, ...]:
    """The hosts of `inventory` that ``--limit-groups`` and ``--limit-hosts`` leave.

    :param command: what asks, for the error
    :raises UsageError: if they leave none
    """
    from opsmop.cli.settings import listed  # --help does without
    from opsmop.schedule import Limits, refuse_idle_limits  # as above
    from opsmop.settings.limits import limit_patterns  # as above

    limits = Limits(
        limit_patterns("--limit-groups", listed(given.limit_groups)),
        limit_patterns("--limit-hosts", listed(given.limit_hosts)),
    )
    hosts = inventory.require_hosts(f"opsmop {command}")
    refuse_idle_limits(list(hosts), limits)
    return tuple(host for host in hosts if limits.take(host))


def host_of(given: argparse.Namespace, defaults: Defaults) -> tuple[Host, Inventory]:
    """The host ``given.host``: the inventory's if there is one that names it, else what ssh would take it for.

    :returns: the host, and an inventory of it alone
    :raises UsageError: if an inventory was named and does not have it
    """
    if defaults["inventory_file"]:
        inventory = inventory_of(given, defaults, given.command)
        found = inventory.host(given.host)
        if found is not None:
            return found, inventory.filter(hosts=literal(given.host))
        if given.inventory:
            raise UsageError(
                f"there is no host {given.host!r} in {given.inventory}",
                remedy=close(given.host, [host.name for host in inventory.hosts()]),
            )
    alone = Lone(given.host)
    return alone.hosts()[0], alone


def add_inventory(parser: argparse.ArgumentParser) -> None:
    """Which inventory."""
    parser.add_argument("-i", "--inventory", metavar="FILE", help="the inventory, in TOML; else [inventory] file says")


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Which of its hosts."""
    for name, text in (("groups", "only hosts in these groups: 'rack1,dc*'"), ("hosts", "only these: 'web1*,!web13'")):
        parser.add_argument(f"--limit-{name}", action="append", default=[], metavar="PATTERNS", help=text)


def add_login(parser: argparse.ArgumentParser) -> None:
    """As whom."""
    parser.add_argument("--user", metavar="NAME", help="the login's name")
    parser.add_argument("--sudo", action="store_true", help="become root, or whom the inventory names")
    parser.add_argument("--sudo-user", metavar="NAME", help="become NAME")
