"""The hosts that later roles did not come to when a failure stopped a run: a retry goes past them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from opsmop.settings import Settings

if TYPE_CHECKING:
    from opsmop.drive.outcome import Outcome
    from opsmop.drive.preparing import Run

Leftover = dict[str, list[str]]  # hosts, by the name of the role that they have not got


def leftover(run: Run, outcome: Outcome, before: Mapping[str, Sequence[str]]) -> Leftover:
    """What roles have still not come to, without the hosts that failed, which a retry begins anew with.

    :param before: what earlier runs of the policy have left; a run without limits knows it better
    """
    found = {role: list(hosts) for role, hosts in before.items()}
    if not outcome.contacted:
        return found
    if _whole(run.settings):
        found = {}
    for assignment in run.assignments:
        names = found.setdefault(assignment.stint.role.name, [])
        names += [host.name for host in assignment.stint.hosts if host.name not in names]
    for role, names in found.items():
        gone = {*outcome.failed, *outcome.reached.get(role, ())}
        names[:] = [name for name in names if name not in gone]
    return {role: names for role, names in found.items() if names}


def _whole(settings: Settings) -> bool:
    return not (settings.retry or settings.limit_hosts or settings.limit_groups or settings.tags or settings.skip_tags)
