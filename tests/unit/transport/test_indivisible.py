"""What must not be ended in the middle ends by itself in local mode too."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from opsmop import Change, Provider, Resource, field
from opsmop.errors import HostLostError
from opsmop.events import Event, ResourceFailed
from opsmop.language.additions import Additions
from opsmop.language.role import Role
from opsmop.transport.base import Route
from opsmop.transport.files import Depot, FileRules, Served
from opsmop.transport.inprocess import InProcess
from opsmop.wire.order import Order

HERE = Route("here", local=True)
LIMIT = 30.0


class Transaction(Resource):
    name: str = field(kw_only=False)
    grace: float = field(default=0.0)


class Transact(Provider, provides=Transaction):
    def plan(self) -> Any:
        place = self.resource.name
        script = f"touch {place}/begun; sleep 1; touch {place}/done"
        yield Change(
            "transact", lambda: self.machine.run(["sh", "-c", script], effects=[], grace=self.resource.grace), "act"
        )


class Transacting(Role):
    def main(self) -> None:
        Transaction(self.constructor_variables["place"], grace=self.constructor_variables["grace"])


def cancelled(place: Path, grace: float, *, close: bool) -> list[Event]:
    """The events of a role that is cancelled as soon as its transaction has begun."""
    role = Transacting(place=str(place), grace=grace)
    transport = InProcess(lambda: (role, (), Additions()))
    events: list[Event] = []

    def cancel() -> None:
        deadline = time.monotonic() + LIMIT
        while not (place / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        (transport.close if close else transport.cancel)()

    thread = threading.Thread(target=cancel)
    thread.start()
    order = Order(run="1", host="here", role=role.name, mode="apply")
    with pytest.raises(HostLostError):
        transport.evaluate(HERE, order, None, events.append, Served(FileRules(()), Depot(), print))
    thread.join()
    return events


@pytest.mark.parametrize("close", [False, True])
def test_a_cancelled_role_awaits_what_must_not_be_ended_and_says_so(tmp_path: Path, close: bool) -> None:
    (failed,) = [event for event in cancelled(tmp_path, 60.0, close=close) if isinstance(event, ResourceFailed)]
    assert (tmp_path / "done").exists()
    assert failed.failure.message.endswith("it ended with exit status 0")


def test_any_other_command_ends_with_its_role(tmp_path: Path) -> None:
    cancelled(tmp_path, 0.0, close=False)
    assert not (tmp_path / "done").exists()


def test_the_grace_has_an_end(tmp_path: Path) -> None:
    cancelled(tmp_path, 0.1, close=False)
    assert not (tmp_path / "done").exists()
