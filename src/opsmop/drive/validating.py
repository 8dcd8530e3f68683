"""What can be found wrong with a run's roles without contacting a host or running `main()`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsmop.drive.asking import variables_said
from opsmop.drive.cargo import Layers, ship
from opsmop.drive.preparing import Run, own_layers
from opsmop.drive.results import NoResultError, seeing
from opsmop.errors import OpsMopError
from opsmop.language.additions import Additions
from opsmop.language.role import Role


def findings(run: Run) -> Iterator[OpsMopError]:
    """Everything that is wrong with the variables of the roles, and with what would travel."""
    for assignment in run.assignments:
        yield from _of_role(run, assignment.stint.role)


def _of_role(run: Run, role: Role) -> Iterator[OpsMopError]:
    said: dict[str, Any] = {}
    try:
        with seeing(role, {}):
            said = variables_said(role)
    except NoResultError:
        pass  # it depends on what an earlier role returns, which nobody knows before it ran
    except OpsMopError as error:
        yield error
    if run.settings.reach == "push":
        yield from _of_cargo(role, (*run.policy_layers, *own_layers(role, said)), run.additions)


def _of_cargo(role: Role, layers: Layers, additions: Additions) -> Iterator[OpsMopError]:
    try:
        ship(role, layers, additions)
    except OpsMopError as error:
        yield error
