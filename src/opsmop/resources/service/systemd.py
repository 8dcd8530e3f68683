"""systemd: systemctl(1)."""

from __future__ import annotations

import time

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.fields import nearest
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import ACT, Change, Provider, succeeded
from opsmop.resources.service.service import Service
from opsmop.resources.service.units import Manager, Unit, full_name, look_at, manager_of_user
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_BOOTED = "/run/systemd/system"  # there if systemd runs: sd_booted(3)
_JOURNAL_LINES = "30"
_BETWEEN_LOOKS = 0.1  # seconds
# Unit files that have nothing to enable: they are started by others, or say for which others they stand.
_CANNOT_BE_ENABLED = {
    "static": "its unit file has no [Install] section: something else starts it",
    "indirect": "its unit file only names others to enable, with Also=",
    "generated": "its unit is made at each boot, by a generator",
    "transient": "its unit was made by a program and is gone after a boot",
    "alias": "it is another unit's second name",
}


class Systemd(Provider, provides=Service, short="systemd"):
    """Through systemctl, as the system's manager."""

    needs = "a running systemd"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether systemd runs here."""
        return machine.status(_BOOTED) is not None

    def plan(self) -> Iterator[Change]:
        """Unmask, enable or disable, start, stop, restart or reload, and mask: in this order."""
        service = self.resource
        self._manager = manager_of_user(self.machine) if service.scope == "user" else Manager()
        self._expected = unit = self._found()
        if service.masked is False and unit.masked:
            after = self._becoming(load="loaded", file="disabled", kind="simple", can_reload=True)
            yield Change("unmask", lambda: self._systemctl("unmask", unit, after), before="masked")
        self._refuse_masked(self._expected)
        yield from self._enabling(self._expected)
        yield from self._running(self._expected)
        if service.masked and not unit.masked:
            self._refuse_to_cover(unit)
            masked = self._becoming(load="masked", file="masked")
            yield Change("mask", lambda: self._systemctl("mask", unit, masked), before=unit.file, after="masked")

    def _becoming(self, **values: Any) -> Unit:
        """The unit after a planned change and all before it: what the next one starts from."""
        self._expected = replace(self._expected, **values)
        return self._expected

    def _refuse_to_cover(self, unit: Unit) -> None:
        """A mask is a link in the operator's directory of units, where this one's own file stands: systemctl(1)."""
        if unit.path == f"{self._manager.directories[0]}/{unit.name}":
            raise ProviderError(
                f"{unit.name} cannot be masked: its unit file stands where the mask would, {unit.path}",
                remedy="Stop and disable it, and remove the file.",
            )

    # Looking

    def _found(self) -> Unit:
        """The unit.

        :raises ProviderError: if there is none, or none that systemd can use
        """
        name = full_name(self.resource.name)
        doubts = self.machine.assumptions
        unit = self._look(name)
        if unit.load == "not-found":
            return self._missing(unit, awaited=self.machine.assumptions > doubts)
        if unit.load in ("error", "bad-setting"):
            raise ProviderError(
                f"systemd cannot use {unit.name}: {unit.load_error or unit.load}",
                remedy=f"systemd-analyze verify {unit.name} tells more.",
            )
        return unit

    def _look(self, name: str) -> Unit:
        unit: Unit = self.machine.look("service", self._known_as(name), lambda: self._look_at(name))
        return unit

    def _look_at(self, name: str) -> Unit:
        return look_at(self.machine, name, self._manager)

    def _known_as(self, name: str) -> str:
        """The system's units, and each user's, are names of their own."""
        return f"{self.machine.real_user()}'s {name}" if self._manager.scope else name

    def _missing(self, unit: Unit, *, awaited: bool) -> Unit:
        """What is missing for good is an error, unless it is to be off; what a plan may bring is supposed."""
        service = self.resource
        if awaited:
            return replace(unit, load="loaded", load_error="", file="disabled", kind="simple", can_reload=True)
        wanted = service.started or service.enabled or service.restarted or service.reloaded
        if not wanted:
            return replace(unit, load="loaded")
        name = full_name(service.name)  # as it was asked for: systemd spells what can be no name in its own way
        raise ProviderError(f"there is no unit {name}", remedy=self._close_names(unit.name))

    def _close_names(self, name: str) -> str:
        def listed() -> str:
            argv = self._manager.systemctl("list-unit-files", "--no-legend", "--no-pager", "--plain")
            return self.machine.ask(argv, env=self._manager.env).stdout

        text: str = self.machine.look("unit files", "systemd", listed)
        hint = nearest(name, [line.split()[0] for line in text.splitlines() if line.strip()], "")
        return hint if hint.startswith("Did") else "Install what brings it first, or write its unit file."

    def _refuse_masked(self, unit: Unit) -> None:
        service = self.resource
        wanted = service.started or service.enabled or service.restarted or service.reloaded
        if unit.masked and wanted:
            raise ProviderError(f"{unit.name} is masked: nothing can start it", remedy="masked=False unmasks it.")

    # What differs

    def _enabling(self, unit: Unit) -> Iterator[Change]:
        enabled = self.resource.enabled
        if enabled is None:
            return
        is_enabled = unit.file == "enabled"
        if enabled and not is_enabled:
            if unit.file in _CANNOT_BE_ENABLED:
                raise ProviderError(
                    f"{unit.name} cannot be enabled: {_CANNOT_BE_ENABLED[unit.file]}",
                    remedy="Leave enabled= away.",
                )
            after = self._becoming(file="enabled")
            yield Change("enable", lambda: self._systemctl("enable", unit, after), before=unit.file, after="enabled")
        elif not enabled and unit.file in ("enabled", "enabled-runtime", "linked"):
            after = self._becoming(file="disabled")
            yield Change("disable", lambda: self._systemctl("disable", unit, after), before=unit.file, after="disabled")

    def _running(self, unit: Unit) -> Iterator[Change]:
        service = self.resource
        if service.started is False:
            if unit.active not in ("inactive", "failed"):
                stopped = self._becoming(active="inactive", sub="dead")
                yield Change(
                    "stop", lambda: self._systemctl("stop", unit, stopped), before=unit.active, after="stopped"
                )
            return
        if service.restarted:
            restarted = self._becoming_started()
            yield Change("restart", lambda: self._start(unit, "restart", restarted), ACT, before=unit.active)
        elif service.reloaded and unit.runs:
            self._refuse_unloadable(unit)
            reloaded = self._becoming(stale=False)
            yield Change("reload", lambda: self._reload(unit, reloaded), ACT)
        elif (service.started or service.reloaded) and not unit.runs:
            self._refuse_to_hold(unit)
            started = self._becoming_started()
            yield Change("start", lambda: self._start(unit, "start", started), before=_state(unit), after="active")

    def _becoming_started(self) -> Unit:
        stays = not self._expected.comes_and_goes
        active, sub = ("active", "running") if stays else ("inactive", "dead")
        return self._becoming(active=active, sub=sub, result="success", stale=False)

    def _refuse_unloadable(self, unit: Unit) -> None:
        if not unit.can_reload:
            raise ProviderError(f"{unit.name} cannot be reloaded: it has no ExecReload=", remedy="restarted=True can.")

    def _refuse_to_hold(self, unit: Unit) -> None:
        if unit.comes_and_goes:
            raise ProviderError(
                f"{unit.name} runs a command and ends (Type=oneshot): it is never started for long",
                remedy="restarted=True runs it each time; RemainAfterExit=yes in its unit file makes it stay started.",
            )

    # What is done

    def _start(self, unit: Unit, verb: str, after: Unit) -> Completed:
        """Start or restart it, and believe it only when it has stayed."""
        self._refresh(unit)
        if unit.result == "start-limit-hit":
            self._systemctl("reset-failed", unit, unit)
        completed = self._systemctl(verb, unit, after)
        if completed.known:
            self._watch(unit)
        return completed

    def _reload(self, unit: Unit, after: Unit) -> Completed:
        self._refresh(unit)
        completed = self._systemctl("reload", unit, after)
        if completed.known and not self._look_at(unit.name).runs:
            raise self._broken(unit.name, "was reloaded and does not run any more")
        return completed

    def _refresh(self, unit: Unit) -> None:
        """Have systemd read its unit files, if this one is newer than what it has read: it uses only what it has."""
        if unit.stale:
            read = Effect("service", self._known_as(unit.name), replace(unit, stale=False))
            argv = self._manager.systemctl("--no-ask-password", "daemon-reload")
            completed = self.machine.run(argv, effects=[read], env=self._manager.env)
            _explained(completed, "having systemd read its unit files again")

    def _watch(self, before: Unit) -> None:
        """Look until it has stayed started for as long as it takes to believe it.

        :raises CommandFailed: if it has not, with the end of its journal
        """
        unit = self._look_at(before.name)
        if unit.comes_and_goes:  # the exit status of its start was that of its command: systemctl waited
            return
        first = unit
        deadline = time.monotonic() + (0.0 if unit.says_ready else self.resource.watch)
        while True:
            if not unit.runs:
                raise self._broken(unit.name, f"did not stay started: it is {_state(unit)}")
            if unit.invocation == before.invocation != "":
                raise self._broken(unit.name, "is still the one that ran before: it was not started anew")
            if unit.invocation != first.invocation or unit.restarts > first.restarts:
                raise self._broken(unit.name, "does not stay started: systemd restarts it again and again")
            if time.monotonic() >= deadline:
                return
            time.sleep(_BETWEEN_LOOKS)
            unit = self._look_at(before.name)

    def _systemctl(self, verb: str, unit: Unit, after: Unit) -> Completed:
        names = dict.fromkeys((unit.name, full_name(self.resource.name)))
        completed = self.machine.run(
            self._manager.systemctl("--no-ask-password", verb, "--", unit.name),
            effects=[Effect("service", self._known_as(name), after) for name in names],
            env=self._manager.env,
        )
        if verb in ("start", "restart", "reload") and completed.known and completed.rc != 0:
            raise self._broken(unit.name, f"could not be {verb}ed", completed)
        return _explained(completed, f"{verb} of {unit.name}")

    def _broken(self, name: str, what: str, completed: Completed | None = None) -> CommandFailed:
        """An error that shows what the service itself said."""
        manager = self._manager
        argv = manager.systemctl("status", "--no-pager", "--full", "--lines=0", "--", name)
        status = self.machine.ask(argv, env=manager.env)
        unit = ["--user-unit" if manager.scope else "--unit", name]
        journal = ["journalctl", "--no-pager", "--quiet", f"--lines={_JOURNAL_LINES}", *unit]
        said = self.machine.ask(journal, env=manager.env)
        parts = [completed.output if completed else "", status.stdout, said.stdout]
        return CommandFailed(
            f"{name} {what}",
            command=completed.command if completed else "",
            rc=completed.rc if completed else None,
            output="\n".join(part.rstrip() for part in parts if part.strip()),
            completed=completed,
            remedy=_remedy(completed.output if completed else ""),
        )


def _state(unit: Unit) -> str:
    reason = "" if unit.result in ("", "success") else f", {unit.result}"
    return f"{unit.active} ({unit.sub}{reason})"


def _remedy(output: str) -> str:
    refused = "authentication required" in output or "Access denied" in output or "Permission denied" in output
    return "Services are root's to change: does the role need sudo()?" if refused else ""


def _explained(completed: Completed, doing: str) -> Completed:
    try:
        return succeeded(completed, doing)
    except CommandFailed as error:
        error.remedy = _remedy(completed.output)
        raise
