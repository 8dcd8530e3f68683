"""``opsmop facts HOST``: what is true of a host, asked in one trip that changes nothing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from opsmop.cli.options import add_connections, add_form
from opsmop.commands.targets import add_inventory, add_login
from opsmop.errors import OpsMopError


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument(
        "host",
        nargs="?",
        default="",
        metavar="HOST",
        help="a host of the inventory, or user@address; else this machine",
    )
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="only this: Platform, Platform.codename, ..."
    )
    add_inventory(parser)
    add_login(parser)
    add_form(parser, "console, or json for programs, what cannot be found out is null")
    add_connections(parser)


def run(given: argparse.Namespace) -> int:
    """Show the facts, and return the exit status: 0; 1 if the host, or the fact that was named, gave none.

    :raises UsageError: if there is no such host or fact
    """
    from opsmop.facts import by_name  # --help does without
    from opsmop.factsheet import facts_here, shown  # as above

    if not (given.name or given.inventory) and given.host.partition(".")[0] in by_name():
        given.host, given.name = "", given.host  # what is true of this machine goes without saying
    known = _facts_there(given) if given.host else facts_here()
    return 1 if known is None else shown(known, given.name, as_json=given.form == "json")


def _facts_there(given: argparse.Namespace) -> Any:
    """What is known of the host; None if it was not met, which is told."""
    from opsmop.api import run as run_policy  # --help does without all of these
    from opsmop.app import show
    from opsmop.cli.settings import defaults_from, typed_passwords
    from opsmop.commands.answered import ANYTHING, answered
    from opsmop.commands.errands import errands
    from opsmop.commands.targets import host_of
    from opsmop.settings import Settings

    defaults = defaults_from(given, Path.cwd())
    host, only = host_of(given, defaults)
    made = errands()
    policy = made.Errands(made.Facts(only, sudo=given.sudo or bool(given.sudo_user)))
    unrecorded = defaults.overridden({"records_keep": (given.command, 0)})
    settings = Settings(reach="push", typed_passwords=typed_passwords(given.ask or ()), defaults=unrecorded)
    result = run_policy(policy, settings, file=made.__file__).hosts[0]
    if result.failure is not None:
        show(OpsMopError(f"{host.name}: {result.failure.message}", remedy=result.failure.remedy), sys.stderr)
        return None
    return answered(host.name, result.value, [(str, ANYTHING, str)])
