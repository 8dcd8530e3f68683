"""``opsmop vars``: each variable of a host, its value and the layer that it came from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

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
    policy: Policy,
    policy_file: Path,
    settings: Settings,
    names: tuple[str, ...],
    out: TextIO,
    err: TextIO,
    *,
    as_json: bool = False,
) -> int:
    """Write the variables of the host ``settings.host``, role by role, to `out`; what is wrong goes to `err`.

    :param names: the only variables to write; all if empty
    :param as_json: whether to write them as JSON, by role and name
    :returns: the exit status
    """
    try:
        with facts_at_hand(settings):
            found = list(_found(prepare(policy, policy_file, settings), names))
    except OpsMopError as error:
        show(error, err)
        return NOTHING_RAN
    out.write(_document(found) if as_json else "".join(f"{line}\n" for one in found for line in _lines(one)))
    return OK


def tell_here(
    policy: Policy, policy_file: Path, settings: Settings, names: tuple[str, ...], *, as_json: bool = False
) -> int:
    """As `tell`, on the process's own streams."""
    return tell(policy, policy_file, settings, names, sys.stdout, sys.stderr, as_json=as_json)


class _Found(NamedTuple):
    """The variables of one role on the host, and those of them that are wanted."""

    role: str
    heading: str
    variables: Variables
    names: list[str]


def _found(run: Run, names: tuple[str, ...]) -> Iterator[_Found]:
    """The variables of every role that goes to the host.

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
        role, wanted = assignment.stint.role.name, [name for name in sorted(variables) if name in (names or variables)]
        yield _Found(role, f"{role} on {host.name}{note}", variables, wanted)
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


def _document(found: list[_Found]) -> str:
    table = {
        one.role: {name: {"value": one.variables[name], "origin": one.variables.origin(name)} for name in one.names}
        for one in found
    }
    return json.dumps(table, indent=2, default=repr) + "\n"  # a Secret's repr is its mask


def _lines(found: _Found) -> Iterator[str]:
    yield found.heading
    variables, names = found.variables, found.names
    shown = {name: " ".join(repr(variables[name]).split()) for name in names}  # a Secret's repr is its mask
    width = max(map(len, names), default=0)
    room = min(max(map(len, shown.values()), default=0), 60)
    for name in names:
        yield f"  {name:<{width}}  {shown[name]:<{room}}  {variables.origin(name)}"
