"""``opsmop demo``: a real push to three throw-away hosts of this machine, with nothing to set up."""

from __future__ import annotations

import argparse

from opsmop.cli.options import add_color


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.description = (
        "Push a real policy to three throw-away hosts: folders behind a private sshd on loopback. "
        "Needs OpenSSH and nothing else, not even root; leaves nothing behind."
    )
    parser.add_argument("--keep", action="store_true", help="leave the hosts' folders and the policy to be looked at")
    add_color(parser)


def run(given: argparse.Namespace) -> int:
    """Run the demonstration and return its exit status.

    0 if everything went as it should, 1 if not, 2 if it cannot run here, 130 or 143 if a signal ended it.
    """
    from opsmop.demo.show import show  # so that tests can have `opsmop.demo.sshd` without the rest

    return show(keep=given.keep, color=given.color or "auto")
