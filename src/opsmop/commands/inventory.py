"""``opsmop inventory``: the hosts there are, their groups as a tree, and all about one of them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsmop.errors import InventoryError, UsageError

if TYPE_CHECKING:
    from opsmop.inventory import Host, Inventory

MASK = "********"


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    from opsmop.cli.options import add_form  # as below
    from opsmop.commands.targets import add_inventory, add_limits  # the parser alone is made for completion too

    parser.add_argument("verb", choices=("list", "graph", "show"), help="the hosts, their groups, or one host")
    parser.add_argument("host", nargs="?", default="", metavar="HOST", help="which one to show")
    add_inventory(parser)
    add_limits(parser)
    add_form(parser, "console, or json for programs, with all variables but passwords")


def run(given: argparse.Namespace) -> int:
    """Show it.

    :raises UsageError: if there is no such host
    :raises InventoryError: if the inventory is wrong
    """
    from opsmop.cli.settings import defaults_from  # --help does without
    from opsmop.commands.targets import host_of, inventory_of, limited  # as above

    if bool(given.host) != (given.verb == "show"):
        raise UsageError(
            "opsmop inventory show takes a host, and the others do not", remedy="Write: opsmop inventory show web1"
        )
    defaults = defaults_from(given, Path.cwd())
    inventory = inventory_of(given, defaults, "inventory")
    chosen = (host_of(given, defaults)[0],) if given.verb == "show" else limited(inventory, given, "inventory")
    if given.form == "json":
        sys.stdout.write(json.dumps({host.name: _document(host) for host in chosen}, indent=2, default=str) + "\n")
    elif given.verb == "show":
        sys.stdout.writelines(_about(chosen[0]))
    else:
        sys.stdout.writelines(_listed(chosen) if given.verb == "list" else _graph(inventory, chosen))
    return 0


def _document(host: Host) -> dict[str, Any]:
    variables = host.all_variables()
    port, way = variables.get("opsmop_ssh_port"), _way(host)
    return {
        "address": host.hostname(),
        "port": int(port) if port is not None else None,
        "via": None if way is None else [str(step) for step in way],
        "groups": list(host.groups()),
        "variables": _masked(variables),
    }


def _masked(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: MASK if name.endswith("_password") else value for name, value in variables.items()}


def _listed(hosts: tuple[Host, ...]) -> Iterator[str]:
    rows = [(host.name, _address(host), _way_said(host), _groups(host)) for host in hosts]
    told = [column for column in zip(*rows, strict=True) if any(column)]  # no word of what no host has
    widths = [max(map(len, column)) for column in told]
    for row in zip(*told, strict=True):
        yield "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() + "\n"


def _address(host: Host) -> str:
    """The address, with the port if the inventory has one."""
    address, port = host.hostname(), host.all_variables().get("opsmop_ssh_port")
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _way_said(host: Host) -> str:
    from opsmop.drive.access import is_local  # --help does without

    if is_local(host.hostname(), host.all_variables()):
        return "local"
    way = _way(host)
    if way is None:
        return "via nobody"
    return f"via {', '.join(map(str, way))}" if way else ""


def _way(host: Host) -> tuple[Host, ...] | None:
    """The hosts through which it is reached, the first one first; None, and a word about why, if there is no such way."""
    try:
        return host.way()
    except InventoryError as error:
        sys.stderr.write(f"opsmop: warning: {error}\n")
        return None


def _groups(host: Host) -> str:
    return ",".join(group for group in host.groups() if group != "all")


def _graph(inventory: Inventory, hosts: tuple[Host, ...]) -> Iterator[str]:
    """Every group below its parents, and the hosts below their groups."""
    groups = {group.name: group for group in inventory.groups()}
    held = {child for group in groups.values() for child in group.children}
    wanted = {host.name for host in hosts}

    def below(name: str, depth: int) -> Iterator[str]:
        group = groups[name]
        inner = [line for child in group.children for line in below(child, depth + 1)]
        own = [f"{'  ' * (depth + 1)}{host}\n" for host in group.hosts if host in wanted]
        if inner or own:
            yield f"{'  ' * depth}[{name}]\n"
            yield from inner
            yield from own

    for name in groups:
        if name not in held:
            yield from below(name, 0)


def _about(host: Host) -> Iterator[str]:
    yield f"{host.name}\n"
    yield f"  address  {_address(host)}\n"
    way = _way_said(host)
    if way:
        yield f"  way      {way}\n"
    yield f"  groups   {', '.join(host.groups())}\n"
    origins: dict[str, tuple[Any, str]] = {}
    for label, variables in host.all_layers():
        origins.update({name: (value, label) for name, value in _masked(variables).items()})
    shown = {name: (json.dumps(value, default=str), label) for name, (value, label) in sorted(origins.items())}
    names = max(map(len, shown), default=0)
    values = min(max((len(value) for value, _ in shown.values()), default=0), 60)
    if shown:
        yield "  variables\n"
    for name, (value, label) in shown.items():
        yield f"    {name:<{names}}  {value:<{values}}  {label}\n"
