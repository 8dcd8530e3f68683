"""``opsmop check site.py --push`` and its kin: the policy's file is run as the program that it is."""

from __future__ import annotations

import argparse

from opsmop.cli.options import add_policy_options, add_reach

_SPELLED = {
    "validate": ("--validate",),
    "check": ("--check",),
    "apply": ("--apply",),
    "retry": ("--apply", "--push", "--retry"),
    "vars": ("--vars",),
}


def add_options(parser: argparse.ArgumentParser, name: str) -> None:
    """What the command `name` takes."""
    parser.add_argument("policy", metavar="POLICY", help="the policy's file")
    if name == "vars":
        parser.add_argument("names", nargs="*", metavar="NAME", help="only these variables")
        parser.add_argument("--local", action="store_true", help="of this machine")
    elif name != "retry":
        add_reach(parser)
    add_policy_options(parser)


def run(given: argparse.Namespace) -> int:
    """Run the policy, and return its exit status.

    :raises OpsMopError: if the file cannot be run
    """
    from opsmop.program import run_program  # --help does without

    words = list(given.words)
    words.remove(given.policy)
    pushed = ["--push"] if given.command == "vars" and not given.local else []
    return run_program(given.policy, [*_SPELLED[given.command], *pushed, *words])
