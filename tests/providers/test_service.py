"""Services: what is asked for and what systemd says, to changes and argument lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsmop.errors import CommandFailed, FieldError, NoProviderError, ProviderError
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Completed, Effect, Status
from opsmop.language.provider import Change
from opsmop.resources.service import Service, Systemd
from opsmop.target.attempt import chosen_provider

DAEMON_RELOAD = "systemctl --no-ask-password daemon-reload"


def systemctl(verb: str, unit: str = "app.service") -> str:
    return f"systemctl --no-ask-password {verb} -- {unit}"


@dataclass
class Machine:
    """A machine with one service, app; what a command does to it, `becomes` says."""

    unit: dict[str, str] = field(default_factory=dict)
    becomes: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    sysv: str = ""
    booted: bool = True
    rc: int = 0
    simulated: bool = False
    assumptions: int = 0
    doubtful: bool = False
    ran: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        usual = {"Id": "app.service", "LoadState": "loaded", "ActiveState": "active", "SubState": "running"}
        usual.update(UnitFileState="enabled", NeedDaemonReload="no", InvocationID="a", Type="notify", Result="success")
        self.unit = {**usual, "CanReload": "yes", **self.unit}

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        there = path in self.files or (path == "/run/systemd/system" and self.booted)
        return Status("file", 0o644, "root", "root") if there else None

    def which(self, command: str) -> str | None:
        return None

    def read(self, path: str) -> bytes:
        return self.files[path].encode()

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        self.assumptions += self.doubtful
        return real()

    def ask(self, argv: Sequence[str], **_: Any) -> Completed:
        texts = {
            "show": "".join(f"{name}={value}\n" for name, value in self.unit.items()),
            "is-enabled": self.sysv,
            "list-unit-files": "app.service enabled\nother.service static\n",
            "status": "app.service - failed\n",
            "--no-pager": "the journal's end\n",
        }
        return Completed(" ".join(argv), 0, stdout=texts[argv[1]], output=texts[argv[1]])

    def run(self, argv: Sequence[str], *, effects: Sequence[Effect], **_: Any) -> Completed:
        command = " ".join(argv)
        self.ran.append(command)
        self.effects += effects
        verb = argv[2]
        usual = {"start": {"ActiveState": "active", "InvocationID": "b"}, "restart": {"InvocationID": "b"}}
        self.unit.update(self.becomes.get(verb, usual.get(verb, {})))
        return Completed(command, self.rc, output="it says why" if self.rc else "")


class NothingHappens:
    """An evaluation in which resources are only constructed."""

    def evaluate(self, resource: object) -> None:
        pass

    def unknown_was_read(self, *, value: bool) -> None:
        pass


@pytest.fixture(autouse=True)
def _evaluation() -> Iterator[None]:
    token = EVALUATION.set(NothingHappens())  # type: ignore[arg-type]
    yield
    EVALUATION.reset(token)


def planned(machine: Machine, name: str = "app", **parameters: Any) -> list[Change]:
    service = Service(name, **{"watch": 0.0, **parameters})
    return list(Systemd(service, machine, None).plan())  # type: ignore[arg-type]


def made(machine: Machine, name: str = "app", **parameters: Any) -> list[str]:
    for change in planned(machine, name, **parameters):
        change.make()
    return machine.ran


STOPPED = {"ActiveState": "inactive", "SubState": "dead"}


@pytest.mark.parametrize(
    ("unit", "parameters", "commands"),
    [
        ({}, {"started": True, "enabled": True}, []),
        (STOPPED, {"started": True}, [systemctl("start")]),
        ({"ActiveState": "reloading"}, {"started": True}, []),
        ({}, {"started": False}, [systemctl("stop")]),
        (STOPPED, {"started": False}, []),
        ({"ActiveState": "failed"}, {"started": False}, []),
        ({"ActiveState": "failed"}, {"started": True}, [systemctl("start")]),
        (
            {"ActiveState": "failed", "Result": "start-limit-hit"},
            {"started": True},
            [systemctl("reset-failed"), systemctl("start")],
        ),
        ({"ActiveState": "activating"}, {"started": False}, [systemctl("stop")]),
        ({"UnitFileState": "disabled"}, {"enabled": True}, [systemctl("enable")]),
        ({"UnitFileState": "enabled-runtime"}, {"enabled": True}, [systemctl("enable")]),
        ({}, {"enabled": False}, [systemctl("disable")]),
        ({"UnitFileState": "static"}, {"enabled": False}, []),
        ({"UnitFileState": "disabled", **STOPPED}, {"enabled": True, "started": True},
         [systemctl("enable"), systemctl("start")]),
        ({}, {"enabled": False, "started": False}, [systemctl("disable"), systemctl("stop")]),
        ({}, {"restarted": True}, [systemctl("restart")]),
        ({}, {"restarted": True, "started": True}, [systemctl("restart")]),
        ({}, {"reloaded": True}, [systemctl("reload")]),
        (STOPPED, {"reloaded": True}, [systemctl("start")]),
        ({"NeedDaemonReload": "yes"}, {"started": True}, []),
        ({"NeedDaemonReload": "yes"}, {"restarted": True}, [DAEMON_RELOAD, systemctl("restart")]),
        ({"NeedDaemonReload": "yes"}, {"reloaded": True}, [DAEMON_RELOAD, systemctl("reload")]),
        ({"NeedDaemonReload": "yes", **STOPPED}, {"started": True}, [DAEMON_RELOAD, systemctl("start")]),
        ({}, {"masked": True}, [systemctl("mask")]),
        ({}, {"masked": True, "started": False, "enabled": False},
         [systemctl("disable"), systemctl("stop"), systemctl("mask")]),
        ({"LoadState": "masked", "UnitFileState": "masked", **STOPPED}, {"masked": True}, []),
        ({"LoadState": "masked", "UnitFileState": "masked", **STOPPED},
         {"masked": False, "enabled": True, "started": True},
         [systemctl("unmask"), systemctl("enable"), systemctl("start")]),
        ({"LoadState": "masked", "UnitFileState": "masked", **STOPPED}, {"started": False, "enabled": False}, []),
        ({"LoadState": "not-found", "UnitFileState": "", **STOPPED}, {"started": False, "enabled": False}, []),
        ({"Type": "oneshot", **STOPPED}, {"restarted": True}, [systemctl("restart")]),
        ({"Type": "oneshot", "RemainAfterExit": "yes", **STOPPED}, {"started": True}, [systemctl("start")]),
        ({"Id": "ssh.service"}, {"restarted": True}, [systemctl("restart", "ssh.service")]),
    ],
)  # fmt: skip
def test_what_differs_becomes_commands(unit: dict[str, str], parameters: dict[str, Any], commands: list[str]) -> None:
    machine = Machine(unit)
    planned(machine, **parameters)
    assert machine.ran == [], "a plan only looks"
    assert made(machine, **parameters) == commands


@pytest.mark.parametrize(
    ("unit", "parameters", "message", "remedy"),
    [
        (
            {"LoadState": "not-found", "Id": "ap.service"},
            {"started": True},
            "there is no unit app.service",
            "Did you mean",
        ),
        ({"LoadState": "masked"}, {"started": True}, "app.service is masked", "masked=False"),
        ({"LoadState": "masked"}, {"enabled": True}, "app.service is masked", "masked=False"),
        (
            {"LoadState": "bad-setting"},
            {"started": True},
            "systemd cannot use app.service: bad-setting",
            "systemd-analyze",
        ),
        ({"UnitFileState": "static"}, {"enabled": True}, "cannot be enabled: its unit file has no [Install]", "Leave"),
        ({"UnitFileState": "indirect"}, {"enabled": True}, "cannot be enabled: its unit file only names", "Leave"),
        ({"CanReload": "no"}, {"reloaded": True}, "cannot be reloaded", "restarted=True can."),
        ({"Type": "oneshot", **STOPPED}, {"started": True}, "never started for long", "restarted=True runs it"),
        ({"FragmentPath": "/etc/systemd/system/app.service"}, {"masked": True}, "cannot be masked", "Stop and disable"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(
    unit: dict[str, str], parameters: dict[str, Any], message: str, remedy: str
) -> None:
    machine = Machine(unit)
    with pytest.raises(ProviderError) as caught:
        planned(machine, **parameters)
    assert message in caught.value.message
    assert caught.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"restarted": True, "reloaded": True},
        {"started": False, "restarted": True},
        {"masked": True, "started": True},
        {"masked": True, "enabled": True},
    ],
)
def test_contradictions_are_refused_at_construction(parameters: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        Service("app", **parameters)


@pytest.mark.parametrize(
    ("verb", "becomes", "message"),
    [
        ("start", {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code"}, "failed (failed, exit-code)"),
        ("start", {"ActiveState": "activating", "SubState": "auto-restart"}, "activating (auto-restart)"),
    ],
)
def test_a_service_that_does_not_stay_started_fails_with_its_journal(
    verb: str, becomes: dict[str, str], message: str
) -> None:
    machine = Machine(STOPPED, becomes={verb: becomes})
    with pytest.raises(CommandFailed) as caught:
        made(machine, started=True)
    assert message in caught.value.message
    assert caught.value.output == "app.service - failed\nthe journal's end"


def test_a_restart_that_leaves_the_old_invocation_is_none() -> None:
    machine = Machine(becomes={"restart": {"InvocationID": "a"}})
    with pytest.raises(CommandFailed, match="not started anew"):
        made(machine, restarted=True)


def test_a_command_that_fails_shows_what_it_said_and_the_journal() -> None:
    machine = Machine(STOPPED, becomes={"start": {}}, rc=1)
    with pytest.raises(CommandFailed, match=r"app\.service could not be started") as caught:
        made(machine, started=True)
    assert caught.value.output == "it says why\napp.service - failed\nthe journal's end"


@pytest.mark.parametrize(("said", "commands"), [("disabled\n", [systemctl("enable")]), ("enabled\n", [])])
def test_a_system_v_script_is_enabled_as_its_distribution_says(said: str, commands: list[str]) -> None:
    assert made(Machine({"UnitFileState": "generated"}, sysv=said), enabled=True) == commands


def test_a_unit_of_which_only_the_file_is_there_is_read_from_it() -> None:
    text = "[Service]\nType=oneshot\nRemainAfterExit=yes\n# ExecReload=no\n[Install]\nWantedBy=multi-user.target\n"
    missing = {"LoadState": "not-found", "UnitFileState": "", "Id": "app@1.service", **STOPPED}
    machine = Machine(missing, files={"/etc/systemd/system/app@.service": text})
    changes = planned(machine, "app@1", started=True, enabled=True)
    assert [change.name for change in changes] == ["enable", "start"]
    with pytest.raises(ProviderError, match="cannot be enabled"):
        planned(Machine(missing, files={"/usr/lib/systemd/system/app@1.service": "[Service]"}), "app@1", enabled=True)


def test_a_service_that_a_planned_package_may_bring_is_supposed() -> None:
    machine = Machine({"LoadState": "not-found", "UnitFileState": "", **STOPPED}, doubtful=True)
    assert [change.name for change in planned(machine, started=True, enabled=True)] == ["enable", "start"]


def test_each_planned_change_predicts_all_that_came_before_it() -> None:
    machine = Machine({"UnitFileState": "disabled", **STOPPED})
    made(machine, started=True, enabled=True)
    last = machine.effects[-1].value
    assert (machine.effects[-1].name, last.file, last.active) == ("app.service", "enabled", "active")


@pytest.mark.parametrize(("name", "unit"), [("a", "a.service"), ("a.timer", "a.timer"), ("a.b", "a.b.service")])
def test_a_name_without_a_kind_is_a_services(name: str, unit: str) -> None:
    machine = Machine({"Id": unit, "Type": "" if unit.endswith(".timer") else "notify"})
    assert made(machine, name, started=False) == [systemctl("stop", unit)]


def test_a_machine_without_systemd_is_told_so() -> None:
    with pytest.raises(NoProviderError, match="systemd, which needs a running systemd"):
        chosen_provider(Service("app", started=True), Machine(booted=False))  # type: ignore[arg-type]
