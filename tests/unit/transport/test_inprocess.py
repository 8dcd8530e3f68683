"""Local mode evaluates here, as a host would, and leaves this process as it was."""

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from opsmop.errors import HostLostError
from opsmop.events import EvaluationFinished, Event, Printed
from opsmop.language.additions import Additions
from opsmop.language.role import Role
from opsmop.resources.shell import Shell
from opsmop.transport.base import Route
from opsmop.transport.files import Depot, FileRules, Served
from opsmop.transport.inprocess import InProcess
from opsmop.wire.order import Order

HERE = Route("here", local=True)
NOTHING = Served(FileRules(()), Depot(), print)


def order_for(role: Role) -> Order:
    return Order(run="run1", host="here", role=role.name, mode="apply")


def evaluated(role: Role) -> list[Event]:
    events: list[Event] = []
    InProcess(lambda: (role, (), Additions())).evaluate(HERE, order_for(role), None, events.append, NOTHING)
    return events


class Careless(Role):
    def main(self) -> Any:
        found = [str(Path.cwd()), os.umask(0o077)]
        os.chdir("/usr")
        os.environ["LEFT"] = "behind"
        return found


class Printer(Role):
    def main(self) -> None:
        print("hello")
        print("unfinished", end="")


class Failing(Role):
    def main(self) -> None:
        os.chdir("/usr")
        raise ValueError("on purpose")


class Command(Role):
    def main(self) -> None:
        Shell(f"touch {self.constructor_variables['mark']}; sleep 60")


def test_a_role_finds_what_a_fresh_process_would_have() -> None:
    assert evaluated(Careless())[-1].value == '["/", 18]'


@pytest.mark.parametrize("role", [Careless(), Failing()])
def test_directory_umask_and_environment_are_afterwards_as_they_were(role: Role) -> None:
    before = str(Path.cwd()), os.umask(0o027), dict(os.environ), sys.stdout
    evaluated(role)
    assert (str(Path.cwd()), dict(os.environ), sys.stdout) == (before[0], before[2], before[3])
    assert os.umask(before[1]) == 0o027


def test_what_the_role_prints_becomes_events_before_its_ending(capsys: pytest.CaptureFixture[str]) -> None:
    events = evaluated(Printer())
    assert [event.text for event in events if isinstance(event, Printed)] == ["hello", "unfinished"]
    assert isinstance(events[-1], EvaluationFinished)
    assert capsys.readouterr().out == ""


def test_what_a_report_prints_while_a_role_prints_goes_out(capsys: pytest.CaptureFixture[str]) -> None:
    transport = InProcess(lambda: (Printer(), (), Additions()))
    transport.evaluate(HERE, order_for(Printer()), None, lambda event: print(type(event).__name__), NOTHING)
    assert capsys.readouterr().out.split() == ["EvaluationStarted", "Printed", "Printed", "EvaluationFinished"]


def test_a_cancel_ends_the_role_and_its_command_at_once(tmp_path: Path) -> None:
    role, events, errors = Command(mark=str(tmp_path / "mark")), [], []
    transport = InProcess(lambda: (role, (), Additions()))

    def run() -> None:
        try:
            transport.evaluate(HERE, order_for(role), None, events.append, NOTHING)
        except HostLostError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not (tmp_path / "mark").exists():
        assert thread.is_alive()
    transport.cancel()
    thread.join(20)
    assert not thread.is_alive()
    assert events[-1].status == "cancelled"
    assert errors
    with pytest.raises(HostLostError):
        transport.evaluate(HERE, order_for(role), None, events.append, NOTHING)
