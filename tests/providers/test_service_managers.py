"""Service managers that no test machine has, by table: what they say, to changes and argument lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Completed, Effect
from opsmop.language.provider import Change, Provider
from opsmop.resources.service import BrewServices, OpenRc, Service

STARTS = ("start", "restart", "reload", "run")


@dataclass
class Machine:
    """A machine with one service, app; `stays` says whether it runs on after it was started."""

    running: bool = False
    enabled: bool = False
    stays: bool = True
    user: str = "root"
    ran: list[str] = field(default_factory=list)
    simulated: bool = False
    assumptions: int = 0

    def real_user(self) -> str:
        return self.user

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        return real()

    def ask(self, argv: Sequence[str], **_: Any) -> Completed:
        command = " ".join(argv)
        if command.startswith("rc-service --exists"):
            return Completed(command, 0 if argv[-1] == "app" else 1)
        if command.startswith("rc-service"):
            return Completed(command, 0 if self.running else 3)
        if command.startswith("rc-update"):
            return Completed(command, 0, stdout="      sshd | default\n" + "       app | default\n" * self.enabled)
        place = "/Users/ada/Library/LaunchAgents/app.plist" if self.enabled else "/opt/homebrew/opt/app/app.plist"
        state = "started" if self.running else "none"
        return Completed(command, 0, stdout=f'[{{"name": "app", "status": "{state}", "file": "{place}"}}]')

    def run(self, argv: Sequence[str], *, effects: Sequence[Effect], **_: Any) -> Completed:
        self.ran.append(" ".join(argv))
        self.running = self.stays if argv[-1] in STARTS or set(argv) & {"run", "restart"} else self.running
        return Completed(self.ran[-1], 0)


class NothingHappens:
    def evaluate(self, resource: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _evaluation() -> Iterator[None]:
    token = EVALUATION.set(NothingHappens())  # type: ignore[arg-type]
    yield
    EVALUATION.reset(token)


def planned(provider: type[Provider], machine: Machine, name: str = "app", **parameters: Any) -> list[Change]:
    return list(provider(Service(name, watch=0.0, **parameters), machine, None).plan())  # type: ignore[arg-type]


def made(provider: type[Provider], machine: Machine, **parameters: Any) -> list[str]:
    for change in planned(provider, machine, **parameters):
        change.make()
    return machine.ran


@pytest.mark.parametrize(
    ("now", "parameters", "ran"),
    [
        ({}, {"started": True}, ["rc-service --quiet app start"]),
        ({"running": True}, {"started": True}, []),
        ({"running": True}, {"started": False}, ["rc-service --quiet app stop"]),
        ({}, {"started": False}, []),
        ({}, {"enabled": True}, ["rc-update --quiet add app default"]),
        ({"enabled": True}, {"enabled": True}, []),
        ({"enabled": True}, {"enabled": False}, ["rc-update --quiet delete app default"]),
        ({"running": True}, {"restarted": True}, ["rc-service --quiet app restart"]),
        ({"running": True}, {"reloaded": True}, ["rc-service --quiet app reload"]),
        ({}, {"reloaded": True}, ["rc-service --quiet app start"]),
        (
            {},
            {"enabled": True, "started": True},
            ["rc-update --quiet add app default", "rc-service --quiet app start"],
        ),
    ],
)
def test_openrc_does_what_differs(now: dict[str, bool], parameters: dict[str, bool], ran: list[str]) -> None:
    machine = Machine(**now)
    planned(OpenRc, machine, **parameters)
    assert machine.ran == [], "a plan only looks"
    assert made(OpenRc, machine, **parameters) == ran


@pytest.mark.parametrize(
    ("now", "parameters", "ran"),
    [
        ({}, {"started": True}, ["brew services run app"]),
        ({}, {"enabled": True, "started": True}, ["brew services start app"]),
        ({"running": True, "enabled": True}, {"enabled": True, "started": True}, []),
        ({"running": True, "enabled": True}, {"enabled": False}, ["brew services stop app"]),
        (
            {"running": True, "enabled": True},
            {"enabled": False, "started": True},
            ["brew services stop app", "brew services run app"],
        ),
        ({"running": True}, {"started": False}, ["brew services kill app"]),
        ({"running": True}, {"restarted": True}, ["brew services restart app"]),
    ],
)
def test_brew_does_what_differs(now: dict[str, bool], parameters: dict[str, bool], ran: list[str]) -> None:
    assert made(BrewServices, Machine(user="ada", **now), **parameters) == ran


def test_a_start_that_does_not_stay_is_a_failure() -> None:
    with pytest.raises(CommandFailed, match="app does not run after its start"):
        made(OpenRc, Machine(stays=False), started=True)


def test_what_is_not_there_or_cannot_be_is_refused() -> None:
    for provider, machine, name, parameters, message in (
        (OpenRc, Machine(), "nothing", {"started": True}, "openrc knows no service nothing"),
        (OpenRc, Machine(), "app", {"masked": True}, "openrc cannot mask a service"),
        (BrewServices, Machine(user="ada"), "nothing", {"enabled": True}, "brew knows no service nothing"),
        (BrewServices, Machine(), "app", {"enabled": True}, "brew does not run as root"),
    ):
        with pytest.raises(ProviderError, match=message):
            planned(provider, machine, name, **parameters)
    assert planned(OpenRc, Machine(), "nothing", started=False, enabled=False) == []
