"""What tests of many rooms share: roles evaluated in this process, on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from opsmop.errors import FileRefusedError
from opsmop.events import (
    ChangeReport,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    ResourceStarted,
    Warned,
)
from opsmop.events.wire import to_wire
from opsmop.language.additions import Additions
from opsmop.language.role import Role
from opsmop.target.run_role import run_role
from opsmop.wire.order import Order


@dataclass(frozen=True)
class Evaluated:
    """What became of a role: its events, and what tests ask of them."""

    events: tuple[Event, ...]

    def all(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ending(self) -> EvaluationFinished:
        """How the role ended."""
        ending: EvaluationFinished = self.events[-1]
        return ending

    @property
    def failure(self) -> Failure:
        """Why the role failed; it must have."""
        assert self.ending.status == "failed", self.ending
        assert self.ending.failure is not None
        return self.ending.failure

    @property
    def finished(self) -> list[ResourceFinished]:
        """The resources that ended well; the role must have too."""
        assert self.ending.status == "ok", self.ending
        return self.all(ResourceFinished)

    @property
    def last(self) -> ResourceFinished:
        """The resource that ended last."""
        return self.finished[-1]

    @property
    def echoed(self) -> list[str]:
        """What every `Echo` said."""
        return [event.output for event in self.finished if event.type == "Echo"]

    @property
    def warnings(self) -> list[str]:
        """What was warned of."""
        return [event.text for event in self.all(Warned)]

    def changes(self, *, assumed: bool | None = None) -> list[tuple[str, str, str, str, str]]:
        """Type, name, and change with its before and after; of certain or assumed ones only, if that is given."""
        return [
            (event.type, event.name, *described(change))
            for event in self.finished
            for change in event.changes
            if assumed in (None, change.assumed)
        ]

    def pairs(self) -> bool:
        """Whether every start of a resource has exactly one ending, of the same id, type and name."""
        started = [(event.id, event.type) for event in self.all(ResourceStarted)]
        ended = [(event.id, event.type) for event in (*self.all(ResourceFinished), *self.all(ResourceFailed))]
        return sorted(started) == sorted(ended)

    def wire(self) -> str:
        """All that a report could ever see."""
        return b"\n".join(to_wire(event) for event in self.events).decode()


def described(change: ChangeReport) -> tuple[str, str, str]:
    return change.name, change.before, change.after


Main = Callable[[Any], Any]
Evaluate = Callable[..., Evaluated]


def evaluate_role(
    main: Main | Role,
    mode: str = "apply",
    *,
    layers: Iterable[tuple[str, dict[str, Any]]] = (),
    inventory: tuple[tuple[str, dict[str, Any]], ...] = (),
    extra: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    diff: bool = True,
) -> Evaluated:
    """Evaluate a role, or a role whose `main` is given, in this process."""
    role = main if isinstance(main, Role) else type("Given", (Role,), {"main": main})()
    order = Order(
        run="1",
        host="here",
        role=role.name,
        mode=mode,
        inventory=inventory,
        extra=dict(extra or {}),
        files=dict(files or {}),
        options={"diff": diff},
    )
    events: list[Event] = []
    run_role(order, events.append, NoSupply(), live=lambda: (role, layers, Additions()))
    return Evaluated(tuple(events))


class NoSupply:
    """A controller without files."""

    def content(self, name: str, has: Callable[[], str]) -> bytes:
        raise FileRefusedError(f"there is no file {name}")


@pytest.fixture
def evaluate() -> Evaluate:
    """Evaluate a role in this process and give what became of it."""
    return evaluate_role
