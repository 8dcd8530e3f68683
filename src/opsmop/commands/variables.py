"""``opsmop vars``: each variable of a host, its value and the layer that it came from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from opsmop.app import NOTHING_RAN, OK, facts_at_hand, show
from opsmop.drive import Assignment, NoResultError, Run, own_layers, prepare
from opsmop.drive.asking import variables_said
from opsmop.drive.results import seeing
from opsmop.errors import OpsMopError, UsageError
from opsmop.inventory import Host
from opsmop.inventory.tree import close
from opsmop.language.policy import Policy
from opsmop.language.scope import Layer, Variables
from opsmop.settings import Settings


def tell(
    policy: Policy, policy_file: Path, settings: Settings, names: tuple[str, ...], out: TextIO, err: TextIO
) -> int:
    """Write the variables of the host ``settings.host``, role by role, to `out`; what is wrong goes to `err`.

    :param names: the only variables to write; all if empty
    :returns: the exit status
    """
    try:
        with facts_at_hand(settings):
            lines = list(_lines(prepare(policy, policy_file, settings), names))
    except OpsMopError as error:
        show(error, err)
        return NOTHING_RAN
    out.write("".join(f"{line}\n" for line in lines))
    return OK


def tell_here(policy: Policy, policy_file: Path, settings: Settings, names: tuple[str, ...]) -> int:
    """As `tell`, on the process's own streams."""
    return tell(policy, policy_file, settings, names, sys.stdout, sys.stderr)


def _lines(run: Run, names: tuple[str, ...]) -> Iterator[str]:
    """The lines of every role that goes to the host.

    :raises UsageError: if no role goes there, or nothing defines one of `names`
    """
    found = [(assignment, host) for assignment in run.assignments if (host := _host(run, assignment)) is not None]
    if not found:
        known = {host.name for assignment in run.assignments for host in assignment.stint.hosts}
        raise UsageError(f"no role goes to a host {run.settings.host!r}", remedy=close(run.settings.host, known))
    everything: set[str] = set()
    for assignment, host in found:
        variables, note = _variables(run, assignment, host)
        everything |= set(variables)
        yield f"{assignment.stint.role.name} on {host.name}{note}"
        yield from _rows(variables, [name for name in sorted(variables) if name in (names or variables)])
    for name in names:
        if name not in everything:
            raise UsageError(f"nothing defines {name!r} on {run.settings.host}", remedy=close(name, everything))


def _host(run: Run, assignment: Assignment) -> Host | None:
    hosts = assignment.stint.hosts
    if run.settings.reach == "local":
        return hosts[0]
    return next((host for host in hosts if host.name == run.settings.host), None)


def _variables(run: Run, assignment: Assignment, host: Host) -> tuple[Variables, str]:
    role, note = assignment.stint.role, ""
    try:
        with seeing(role, {}):
            said = variables_said(role)
    except NoResultError:
        said, note = {}, f" (without {role.name}.set_variables(), which needs what an earlier role returns)"
    layers = (*host.layers(), *run.policy_layers, *own_layers(role, said), ("--extra-vars", run.settings.extra))
    return Variables(Layer(label, values) for label, values in layers), note


def _rows(variables: Variables, names: list[str]) -> Iterator[str]:
    shown = {name: " ".join(repr(variables[name]).split()) for name in names}  # a Secret's repr is its mask
    width = max(map(len, names), default=0)
    room = min(max(map(len, shown.values()), default=0), 60)
    for name in names:
        yield f"  {name:<{width}}  {shown[name]:<{room}}  {variables.origin(name)}"
