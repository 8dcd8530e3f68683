"""``opsmop hosts scan``: the host keys of an inventory that ssh does not know yet, shown, asked about and remembered."""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from opsmop.cli.options import add_form
from opsmop.cli.settings import defaults_from
from opsmop.commands.targets import add_inventory, add_limits, inventory_of, limited
from opsmop.drive.access import Access, route
from opsmop.errors import HostKeyError, InventoryError
from opsmop.inventory import Host
from opsmop.settings import Defaults
from opsmop.transport.base import Route
from opsmop.transport.gate import CONNECTS_PER_HOP
from opsmop.transport.host_keys import Scanned, remember, scan


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("verb", choices=("scan",), help="collect unknown host keys, show them, ask, and remember them")
    add_inventory(parser)
    add_limits(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask: you have compared the fingerprints otherwise")
    add_form(parser, "console, or json for programs, which are not asked: without --yes nothing is remembered")


def run(given: argparse.Namespace) -> int:
    """Run ``opsmop hosts scan``.

    :returns: 0 if every key is known now, 1 if one has changed or a host was not met, 2 if keys were not accepted
    :raises UsageError: if the inventory is wrong, or a file of known hosts cannot be written
    """
    found = _scanned(given)
    new = [each for each in found if each.line]
    failed = any(each.error is not None for each in found)
    if given.form == "json":
        sys.stdout.write(json.dumps({each.host: _document(each) for each in found}, indent=2) + "\n")
        if new and given.yes:
            remember(new)
        return 2 if new and not given.yes else int(failed)
    if not found:
        sys.stdout.write("No host is reached by ssh: there is no key to scan.\n")
    for each in found:
        sys.stdout.write(_told(each))
    if not new:
        return int(failed)
    if not given.yes and not _accepted(len(new)):
        sys.stdout.write("Nothing was remembered.\n")
        return 2
    remember(new)
    files = ", ".join(dict.fromkeys(each.file for each in new))
    sys.stdout.write(f"Remembered {len(new)} key(s) in {files}\n")
    return int(failed)


def _scanned(given: argparse.Namespace) -> list[Scanned]:
    defaults = defaults_from(given, Path.cwd())
    hosts = limited(inventory_of(given, defaults, "hosts scan"), given, "hosts scan")
    found = [_way(host, defaults) for host in hosts]
    remote = [way for way in found if isinstance(way, Scanned) or not way.local]
    with ThreadPoolExecutor(CONNECTS_PER_HOP) as pool:
        return list(pool.map(lambda way: way if isinstance(way, Scanned) else scan(way), remote))


def _way(host: Host, defaults: Defaults) -> Route | Scanned:
    """How to reach `host`, or why there is no way to it."""
    try:
        return route(host, Access(), defaults)
    except InventoryError as error:
        return Scanned(host.name, host.hostname(), error=error)


def _state(each: Scanned) -> str:
    if each.error is not None:
        return "changed" if isinstance(each.error, HostKeyError) else "not met"
    return "new" if each.line else "known"


def _document(each: Scanned) -> dict[str, str]:
    why = str(each.error) if each.error is not None else ""
    return {"key": _state(each), "place": each.place, "file": each.file, "fingerprint": each.fingerprint, "error": why}


def _told(each: Scanned) -> str:
    name, state = f"{each.host} ({each.place})", _state(each)
    if each.error is not None:
        return f"{'CHANGED' if state == 'changed' else state}  {name}\n    {each.error}\n"
    return f"{state:<9}{name}: {each.fingerprint}\n" if each.line else f"{state:<9}{name}\n"


def _accepted(count: int) -> bool:
    sys.stdout.write(f"Compare the fingerprints. Remember {count} new key(s)? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
