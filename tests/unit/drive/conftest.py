"""A transport without hosts, and a run over it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from opsmop.app import exit_status
from opsmop.drive import Cargo, Drive, Interruption, Outcome, prepare
from opsmop.errors import HostLostError
from opsmop.events import EvaluationFinished, EvaluationStarted, Event, ResourceFinished, ResourceStarted
from opsmop.inventory import Inventory
from opsmop.language.policy import Policy, Roles
from opsmop.language.role import Role
from opsmop.settings import Settings
from opsmop.transport.base import Receive, Route, Traffic
from opsmop.wire.order import Order

Script = Callable[[Order, Receive], None]


def well(order: Order, receive: Receive, *, value: str = "") -> None:
    """What a host says on which one resource changed."""
    receive(EvaluationStarted(seq=1, mode=order.mode))
    receive(ResourceStarted(seq=2, id=1, type="File", name="/x"))
    receive(ResourceFinished(seq=3, id=1, type="File", name="/x", status="changed"))
    receive(EvaluationFinished(seq=4, value=value))


class FakeTransport:
    """Hosts that say what their script says: by ``(role, host)``, by host, or `well`."""

    def __init__(self, scripts: dict[Any, Script]) -> None:
        self.scripts = scripts
        self.orders: list[Order] = []
        self.routes: list[Route] = []
        self.cancelled = threading.Event()
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()

    def evaluate(self, route: Route, order: Order, packages: Any, receive: Receive, serve: Any) -> Traffic:
        with self._lock:
            self.orders.append(order)
            self.routes.append(route)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            script = self.scripts.get((order.role, order.host)) or self.scripts.get(order.host) or well
            script(order, receive)
        finally:
            with self._lock:
                self._now -= 1
        return Traffic(sent=10, received=20)

    def until_cancelled(self, order: Order, receive: Receive) -> None:
        receive(EvaluationStarted(seq=1))
        receive(ResourceStarted(seq=2, id=1, type="Shell", name="sleep"))
        assert self.cancelled.wait(30)
        raise HostLostError("the run was stopped", host=order.host)

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        self.cancel()


class Fleet(Inventory):
    def __init__(self, *names: str, **variables: Any) -> None:
        self.names = names
        self.variables = variables

    def load(self) -> None:
        hosts = {name: {} for name in self.names}
        self.accumulate({"groups": {"fleet": {"hosts": hosts, "vars": self.variables}}})


@dataclass
class Driven:
    """What came of a run."""

    outcome: Outcome
    transport: FakeTransport
    status: int
    events: list[Event] = field(default_factory=list)

    def of(self, *types: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, types)]


@pytest.fixture
def fleet() -> type[Fleet]:
    return Fleet


@pytest.fixture
def say_well() -> Any:
    return well


@pytest.fixture
def driven(tmp_path: Path) -> Callable[..., Driven]:
    """Runs roles over a fake transport."""

    def drive(*roles: Role, scripts: dict[Any, Any] | None = None, listen: Any = None, **settings: Any) -> Driven:
        class Site(Policy):
            def set_roles(self) -> Roles:
                return Roles(*roles)

        transport = FakeTransport({})
        transport.scripts = {
            key: getattr(transport, script) if isinstance(script, str) else script
            for key, script in (scripts or {}).items()
        }
        chosen = Settings(**{"mode": "apply", "reach": "push", **settings})
        run = prepare(Site(), tmp_path / "site.py", chosen)
        interruption = Interruption(transport.close)
        events: list[Event] = []

        def report(event: Event) -> None:
            assert threading.current_thread() is threading.main_thread()
            events.append(event)
            if listen is not None:
                listen(event)

        drive = Drive(
            run,
            transport=transport,
            pack=lambda role, layers, additions: Cargo(strings=frozenset(), parcel=repr(layers).encode()),
            report=report,
            interruption=interruption,
            judge=lambda outcome: exit_status(outcome, chosen),
        )
        drive.preflight()
        with interruption.heeded():
            outcome = drive.drive()
        return Driven(outcome, transport, exit_status(outcome, chosen), events)

    return drive
