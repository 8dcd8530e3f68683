"""What somebody typed in the place of a policy."""

from __future__ import annotations

import shlex

from opsmop.events import RunStarted


def typed_in_place(begun: RunStarted) -> str:
    """What ``opsmop run`` was told to run, and where; empty for a run of a policy, which has a file of its own."""
    return shlex.join(begun.command[2:]) if begun.command[:2] == ("opsmop", "run") else ""
