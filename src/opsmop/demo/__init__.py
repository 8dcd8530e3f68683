"""``opsmop demo``: a real push to three throw-away hosts of this machine, with nothing to set up."""

from __future__ import annotations

from collections.abc import Sequence


def run(argv: Sequence[str]) -> int:
    """Run the demonstration with the command line `argv` and return its exit status.

    0 if everything went as it should, 1 if not, 2 if it cannot run here, 130 or 143 if a signal ended it.
    """
    from opsmop.demo.show import show  # so that tests can have `opsmop.demo.sshd` without the rest

    return show(argv)
