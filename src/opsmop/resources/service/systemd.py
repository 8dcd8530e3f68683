"""systemd: systemctl(1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.fields import nearest
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import ACT, Change, Provider, succeeded
from opsmop.resources.service.service import Service
from opsmop.resources.service.units import Unit, full_name, look_at

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
        unit = self._found()
        if service.masked is False and unit.masked:
            yield self._unmask(unit)
            unit = self._as_if_unmasked(unit)
        self._refuse_masked(unit)
        yield from self._enabling(unit)
        yield from self._running(unit)
        if service.masked and not unit.masked:
            yield Change(
                "mask",
                lambda: self._systemctl("mask", unit, replace(unit, load="masked", file="masked")),
                before=unit.file,
                after="masked",
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
        unit: Unit = self.machine.look("service", name, lambda: look_at(self.machine, name))
        return unit

    def _missing(self, unit: Unit, *, awaited: bool) -> Unit:
        """What is missing for good is an error, unless it is to be off; what a plan may bring is supposed."""
        service = self.resource
        if awaited:
            return replace(unit, load="loaded", load_error="", file="disabled", kind="simple", can_reload=True)
        wanted = service.started or service.enabled or service.restarted or service.reloaded
        if not wanted and service.masked is None:
            return replace(unit, load="loaded")
        if not wanted:
            return replace(unit, load="loaded", file="")
        raise ProviderError(f"there is no unit {unit.name}", remedy=self._close_names(unit.name))

    def _close_names(self, name: str) -> str:
        def listed() -> str:
            return self.machine.ask(["systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain"]).stdout

        text: str = self.machine.look("unit files", "systemd", listed)
        hint = nearest(name, [line.split()[0] for line in text.splitlines() if line.strip()], "")
        return hint if hint.startswith("Did") else "Install what brings it first, or write its unit file."

    def _refuse_masked(self, unit: Unit) -> None:
        service = self.resource
        wanted = service.started or service.enabled or service.restarted or service.reloaded
        if unit.masked and wanted:
            raise ProviderError(f"{unit.name} is masked: nothing can start it", remedy="masked=False unmasks it.")

    # What differs

    def _unmask(self, unit: Unit) -> Change:
        after = replace(unit, load="loaded", file="disabled")
        return Change("unmask", lambda: self._systemctl("unmask", unit, after), before="masked")

    def _as_if_unmasked(self, unit: Unit) -> Unit:
        return replace(unit, load="loaded", file="disabled", kind="simple", can_reload=True)

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
            after = replace(self._look(full_name(self.resource.name)), load="loaded", file="enabled")
            yield Change("enable", lambda: self._systemctl("enable", unit, after), before=unit.file, after="enabled")
        elif not enabled and unit.file in ("enabled", "enabled-runtime", "linked"):
            after = replace(unit, file="disabled")
            yield Change("disable", lambda: self._systemctl("disable", unit, after), before=unit.file, after="disabled")

    def _running(self, unit: Unit) -> Iterator[Change]:
        service = self.resource
        if service.started is False:
            if unit.active not in ("inactive", "failed"):
                stopped = replace(unit, active="inactive", sub="dead")
                yield Change(
                    "stop", lambda: self._systemctl("stop", unit, stopped), before=unit.active, after="stopped"
                )
            return
        if service.restarted:
            yield Change("restart", lambda: self._start(unit, "restart"), ACT, before=unit.active)
        elif service.reloaded and unit.runs:
            self._refuse_unloadable(unit)
            yield Change("reload", lambda: self._reload(unit), ACT)
        elif (service.started or service.reloaded) and not unit.runs:
            self._refuse_to_hold(unit)
            yield Change("start", lambda: self._start(unit, "start"), before=_state(unit), after="active")

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

    def _start(self, unit: Unit, verb: str) -> Completed:
        """Start or restart it, and believe it only when it has stayed."""
        self._refresh(unit)
        if unit.result == "start-limit-hit":
            self._systemctl("reset-failed", unit, unit)
        active = replace(unit, load="loaded", active="active", sub="running", result="success", stale=False)
        completed = self._systemctl(verb, unit, replace(active, active="inactive") if unit.comes_and_goes else active)
        if completed.known:
            self._watch(unit)
        return completed

    def _reload(self, unit: Unit) -> Completed:
        self._refresh(unit)
        completed = self._systemctl("reload", unit, replace(unit, stale=False))
        if completed.known and not look_at(self.machine, unit.name).runs:
            raise self._broken(unit.name, "was reloaded and does not run any more")
        return completed

    def _refresh(self, unit: Unit) -> None:
        """systemd uses the unit files that it has read; new ones are read when it is told to (systemctl(1))."""
        if unit.stale or self._look(full_name(self.resource.name)).stale:
            completed = self.machine.run(
                ["systemctl", "--no-ask-password", "daemon-reload"],
                effects=[Effect("service", unit.name, replace(unit, stale=False))],
            )
            _explained(completed, "having systemd read its unit files again")

    def _watch(self, before: Unit) -> None:
        """Look until it has stayed started for as long as it takes to believe it.

        :raises CommandFailed: if it has not, with the end of its journal
        """
        unit = look_at(self.machine, before.name)
        if unit.comes_and_goes:  # the exit status of its start was that of its command: systemctl waited
            return
        first = unit
        deadline = time.monotonic() + (0.0 if unit.says_ready else self.resource.settle)
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
            unit = look_at(self.machine, before.name)

    def _systemctl(self, verb: str, unit: Unit, after: Unit) -> Completed:
        names = dict.fromkeys((unit.name, full_name(self.resource.name)))
        completed = self.machine.run(
            ["systemctl", "--no-ask-password", verb, "--", unit.name],
            effects=[Effect("service", name, after) for name in names],
        )
        if verb in ("start", "restart", "reload") and completed.known and completed.rc != 0:
            raise self._broken(unit.name, f"could not be {verb}ed", completed)
        return _explained(completed, f"{verb} of {unit.name}")

    def _broken(self, name: str, what: str, completed: Completed | None = None) -> CommandFailed:
        """An error that shows what the service itself said."""
        status = self.machine.ask(["systemctl", "status", "--no-pager", "--full", "--lines=0", "--", name])
        said = self.machine.ask(["journalctl", "--no-pager", "--quiet", f"--lines={_JOURNAL_LINES}", "--unit", name])
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
