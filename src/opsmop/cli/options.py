"""Every option that runs of policies take, said once."""

from __future__ import annotations

import argparse

# The options that set a default for this run.
TO_DEFAULTS = {
    "connect-timeout": "ssh_connect_timeout",
    "sudo-timeout": "sudo_timeout",
    "role-timeout": "push_role_timeout",
    "workers": "push_workers",
    "color": "report_color",
    "output": "report_output",
    "diff": "report_diff",
    "inventory": "inventory_file",
    "user": "ssh_username",
    "sudo-user": "sudo_username",
}
# Those of them that limit something, and what.
TIME_LIMITS = {"connect-timeout": "connecting", "sudo-timeout": "sudo", "role-timeout": "one role"}


def add_reach(parser: argparse.ArgumentParser) -> None:
    """Where a policy runs."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--local", action="store_const", const="local", dest="reach", help="on this machine")
    where.add_argument("--push", action="store_const", const="push", dest="reach", help="on the hosts of the inventory")


def add_policy_options(parser: argparse.ArgumentParser) -> None:
    """Everything else that a run of a policy takes."""
    _add_variables(parser)
    add_limits(parser)
    _add_selection(parser)
    add_connections(parser)
    _add_display(parser)


def _add_variables(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--extra-vars",
        action="append",
        default=[],
        metavar="VARS",
        help="variables that win over all others: \"a=1 b='x y'\", or @FILE (.json, .toml, .yaml)",
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Which hosts, and how many at a time."""

    def add(name: str, metavar: str, text: str) -> None:
        parser.add_argument(name, action="append", default=[], metavar=metavar, help=text)

    add("--limit-groups", "PATTERNS", "only hosts in these groups: 'rack1,dc*'")
    add("--limit-hosts", "PATTERNS", "only these hosts: 'web1*,!web13', '@FILE'; '@failed' are those that failed last")
    parser.add_argument("--retry", action="store_true", help="of these only the hosts that failed last")
    add("--serial", "STEPS", "so many hosts at a time, and none after a failing batch: '10', '25%%' or '1,10%%,50%%'")


def _add_selection(parser: argparse.ArgumentParser) -> None:
    for name, text in (("--tags", "only roles with one of these tags"), ("--skip-tags", "no roles with one of these")):
        parser.add_argument(name, action="append", default=[], metavar="TAGS", help=text)
    parser.add_argument("--host", default="", metavar="NAME", help="with --local: this machine's name in the inventory")
    parser.add_argument("--seed", default="", metavar="TEXT", help="make Chaos fall the same way each time")
    parser.add_argument("--force-lock", action="store_true", help="go on where another run is at work")
    parser.add_argument("--list-hosts", action="store_true", help="show which hosts each role goes to, and do no more")


def add_connections(parser: argparse.ArgumentParser) -> None:
    """Passwords, processes, and how long things may take."""
    for what in ("ssh", "sudo"):
        parser.add_argument(
            f"--ask-{what}-pass", action="append_const", const=what, dest="ask", help=f"ask for {what}'s password, once"
        )
    parser.add_argument("-j", "--workers", metavar="N", help="deal the hosts to so many processes of this machine")
    for name, limited in TIME_LIMITS.items():
        parser.add_argument(f"--{name}", metavar="SECONDS", help=f"how long {limited} may take on a host")


def _add_display(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="show what is fine already, too, and long commands while they run; twice: each host by itself",
    )
    add_output(parser)
    parser.add_argument(
        "--diff", action=argparse.BooleanOptionalAction, help="show how the content of files differs, or do not"
    )
    add_color(parser)
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="with --check: status 3 if changes are pending"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """What a run tells on stdout."""
    parser.add_argument(
        "--output",
        metavar="FORMAT",
        help="what goes to stdout: console, or ndjson, json, junit or github, and the console's lines go to stderr",
    )


def add_form(parser: argparse.ArgumentParser, meaning: str = "console, or json for programs") -> None:
    """For whom to tell data, as `form`.

    :param meaning: what there is to say of it
    """
    parser.add_argument(
        "--output", dest="form", choices=("console", "json"), default="console", metavar="FORMAT", help=meaning
    )
    parser.add_argument("--json", dest="form", action="store_const", const="json", help="the same as --output json")


def add_color(parser: argparse.ArgumentParser) -> None:
    """When to colour."""
    parser.add_argument("--color", choices=("auto", "always", "never"), help="colour the output")
