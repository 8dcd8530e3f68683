"""``opsmop run 'uptime' -i inventory.toml``: one command on many hosts, equal answers folded."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from opsmop.cli.options import add_connections, add_limits, add_output
from opsmop.commands.targets import add_inventory, add_login
from opsmop.errors import UsageError


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument(
        "shell_command", metavar="COMMAND", help="for the shell of each host, in one word: 'ls -l /srv'"
    )
    add_inventory(parser)
    add_limits(parser)
    add_login(parser)
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="end the command after so long")
    parser.add_argument("--force-lock", action="store_true", help="go on where another run is at work")
    add_connections(parser)
    add_output(parser)


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if float(text) > 0:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")


def run(given: argparse.Namespace) -> int:
    """Run it, and return the exit status: 0 if it succeeded on every host.

    :raises UsageError: if there is no command, or the hosts are not to be found
    """
    from opsmop.app import App  # --help does without all of these
    from opsmop.cli.settings import command_words, defaults_from, listed, steps, typed_passwords
    from opsmop.commands.errands import errands
    from opsmop.commands.targets import inventory_of
    from opsmop.report.answers import Answers
    from opsmop.settings import Settings
    from opsmop.settings.limits import limit_patterns

    if not given.shell_command.strip():
        raise UsageError("the command is empty", remedy="Write it like this: opsmop run uptime -i inventory.toml")
    defaults = defaults_from(given, Path.cwd())
    hosts = inventory_of(given, defaults, "run")
    settings = Settings(
        mode="apply",
        reach="push",
        output=defaults["report_output"],
        command=command_words(),
        limit_groups=limit_patterns("--limit-groups", listed(given.limit_groups)),
        limit_hosts=limit_patterns("--limit-hosts", listed(given.limit_hosts)),
        retry=given.retry,
        serial=steps(listed(given.serial)),
        force_lock=given.force_lock,
        typed_passwords=typed_passwords(given.ask or ()),
        defaults=defaults,
    )
    made = errands()
    sudo = given.sudo or bool(given.sudo_user)
    policy = made.Errands(made.Command(hosts, given.shell_command, timeout=given.timeout, sudo=sudo))
    return App(policy, Path(made.__file__), settings, partial(Answers, err=sys.stderr)).run()
