"""What systemd does at its times."""

from __future__ import annotations

import re

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import Change, Provider, succeeded
from opsmop.language.resource import Resource
from opsmop.resources.service.units import KINDS, OPERATORS_UNITS, Manager, Unit, full_name, look_at
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable, ClassVar

_BOOTED = "/run/systemd/system"  # there if systemd runs: sd_booted(3)
_NAME = re.compile(r"[A-Za-z0-9:_.\\-]+")  # of a unit that is no instance: systemd.unit(5)
_MODE = 0o644
_NOT_PARSED = "Failed to parse"  # what systemd-analyze says of a time, and of nothing else
_OURS = "# Made by opsmop: what {} starts.\n"  # a service without it is somebody else's


class Timer(Resource):
    """Something that systemd does at its times: NAME.timer starts NAME.service, or a service that is there; or no such
    thing. A time that has changed holds at once.
    """

    name: str = field(kw_only=False, doc="what its units are called, in /etc/systemd/system")
    job: str | None = field(kw_only=False, default=None, doc="a command of the shell")
    service: str | None = field(default=None, doc="instead of a job: a service that is there, which it starts")
    on_calendar: str | list[str] | None = field(
        default=None, doc='when, as systemd.time(7) has it: "daily", "Mon..Fri 03:30", "*-*-01 04:00:00"'
    )
    on_boot: str | None = field(default=None, doc='how long after a boot: "15min"')
    every: str | None = field(default=None, doc='how long after it was last started, and after this: "1h 30min"')
    persistent: bool = field(
        default=False, doc="with on_calendar: what was missed while the machine was off is made up for"
    )
    user: str | None = field(default=None, doc="with a job: as whom; root if not given")
    enabled: bool = field(default=True, doc="False: its units are there, and it runs neither now nor after a boot")
    absent: bool = field(default=False, doc="there is to be no such timer, nor a service that was made for it")

    elsewhere: ClassVar[dict[str, str]] = {
        "command": "It stands second: Timer('backup', 'backup --quiet', on_calendar='daily').",
        "started": "enabled=False neither starts it now nor with the system.",
    }

    def check(self) -> None:
        """Refuse what is never done, and what no unit file can hold."""
        self.exclusive("job", "service", "absent")
        if not _NAME.fullmatch(self.name) or self.name.endswith(KINDS):
            raise FieldError(
                f"{self}: {self.name!r} is no name for a timer and its service",
                place=self.place,
                remedy="Letters, digits and :_.- make one, without .timer at its end (systemd.unit(5)).",
            )
        for name in ("job", "service", "on_boot", "every", "user"):
            self._refuse_lines(name, getattr(self, name))
        for text in self.calendars:
            self._refuse_lines("on_calendar", text)
        if self.absent:
            return
        if self.job is None and self.service is None:
            raise FieldError(f"{self}: no job is given, and no service", place=self.place)
        if not self.calendars and self.on_boot is None and self.every is None:
            raise FieldError(
                f"{self}: nothing says when", place=self.place, remedy="Give on_calendar, on_boot or every."
            )
        if self.persistent and not self.calendars:
            raise FieldError(f"{self}: persistent= goes with on_calendar=", place=self.place)
        if self.user is not None and self.job is None:
            raise FieldError(f"{self}: user= goes with a job; a service says its own", place=self.place)

    def _refuse_lines(self, name: str, text: str | None) -> None:
        if text is not None and (not text.strip() or "\n" in text):
            raise FieldError(f"{self}: {name}={text!r} is not one line", place=self.place)

    @property
    def calendars(self) -> list[str]:
        """The times of the calendar."""
        given = self.on_calendar or []
        return [given] if isinstance(given, str) else list(given)

    @property
    def unit(self) -> str:
        """The timer's own name."""
        return f"{self.name}.timer"

    @property
    def starts(self) -> str:
        """What it starts."""
        return full_name(self.service) if self.service is not None else f"{self.name}.service"

    @property
    def timer_file(self) -> str:
        """Its unit file: systemd.timer(5)."""
        times = [f"OnCalendar={text}" for text in self.calendars]
        times += [f"OnBootSec={self.on_boot}"] if self.on_boot else []
        # The first time is counted from the timer's own start: before it, nothing has been started that could count.
        times += [f"OnActiveSec={self.every}", f"OnUnitActiveSec={self.every}"] if self.every else []
        times += ["Persistent=true"] if self.persistent else []
        times += ["AccuracySec=1s"]  # a minute, as it is otherwise, is longer than what many a timer is to wait
        lines = ["[Unit]", f"Description={self.name}", "", "[Timer]", *times, f"Unit={self.starts}"]
        return "\n".join([*lines, "", "[Install]", "WantedBy=timers.target", ""])

    @property
    def service_file(self) -> str:
        """The unit file of what it starts: systemd.service(5)."""
        who = [f"User={self.user}"] if self.user else []
        start = f'ExecStart=/bin/sh -c "{_quoted(self.job or "")}"'
        lines = ["[Unit]", f"Description={self.name}", "", "[Service]", "Type=oneshot", *who, start, ""]
        return _OURS.format(self.unit) + "\n".join(lines)


def _quoted(job: str) -> str:
    """A command between double quotes, in which systemd itself replaces nothing. Source: systemd.service(5), "Command lines"."""
    return job.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")


class SystemdTimer(Provider, provides=Timer, short="systemd"):
    """By two unit files of the operator's, and systemctl."""

    needs = "a running systemd"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether systemd runs here."""
        return machine.status(_BOOTED) is not None

    def plan(self) -> Iterator[Change]:
        """Write its files, have systemd read them, enable and start it; or the contrary of all that."""
        timer = self.resource
        unit = self._look(timer.unit)
        self._refuse_taken(unit, timer.unit, "Call this timer something else.")
        if timer.absent:
            yield from self._removal(unit)
            return
        starts = self._started()
        files = self._files()
        self._prove_times()
        for path, wanted in files.items():
            yield from self._file(path, wanted)
        self._expected = unit
        if self._is_unread(unit, files) or (timer.job is not None and starts.stale):
            yield Change("load", self._loading(unit))
        yield from self._switching(on=timer.enabled)

    # Looking

    def _look(self, name: str) -> Unit:
        unit: Unit = self.machine.look("service", name, lambda: look_at(self.machine, name, Manager()))
        return unit

    def _started(self) -> Unit:
        """What it starts.

        :raises ProviderError: if that is not there, or would stand in the way of somebody else's
        """
        timer, doubts = self.resource, self.machine.assumptions
        unit = self._look(timer.starts)
        if timer.service is not None:
            if unit.load == "not-found" and self.machine.assumptions == doubts:
                raise ProviderError(f"there is no unit {timer.starts}", remedy="Install what brings it first.")
            return unit
        self._refuse_taken(unit, timer.starts, f'service="{timer.name}" starts it as it is.')
        if not self._is_ours():
            path = _path(timer.starts)
            raise ProviderError(
                f"{path} is there already, and was not made for {timer.unit}",
                remedy=f'service="{timer.name}" starts it as it is.',
            )
        if timer.user is not None and self.machine.account(timer.user) is None:
            raise ProviderError(f"there is no user {timer.user!r} on this machine", remedy="Make it before this.")
        return unit

    def _refuse_taken(self, unit: Unit, name: str, remedy: str) -> None:
        """Units of packages are not covered by the operator's of the same name."""
        if unit.masked:
            raise ProviderError(f"{name} is masked", remedy=f'Service("{name}", masked=False) unmasks it.')
        if unit.path not in ("", _path(name)):
            raise ProviderError(f"there is a unit {name} of somebody else's: {unit.path}", remedy=remedy)

    def _is_ours(self) -> bool:
        """Whether what stands in the service's place, if anything, was made for this timer."""
        text = self._text(_path(f"{self.resource.name}.service"))
        return text is None or text.startswith(_OURS.format(self.resource.unit))

    def _files(self) -> dict[str, str]:
        timer = self.resource
        files = {_path(timer.starts): timer.service_file} if timer.job is not None else {}
        return {**files, _path(timer.unit): timer.timer_file}

    def _text(self, path: str) -> str | None:
        status = self.machine.status(path)
        if status is None:
            return None
        if status.kind != "file":
            raise ProviderError(f"{path} is a {status.kind}, not a file")
        return self.machine.read(path).decode("utf-8", "surrogateescape")

    def _prove_times(self) -> None:
        """Refuse what systemd does not understand, before anything is written: systemd-analyze(1)."""
        timer = self.resource
        if self._text(_path(timer.unit)) == timer.timer_file or self.machine.which("systemd-analyze") is None:
            return
        asked = [("on_calendar", "calendar", text) for text in timer.calendars]
        asked += [(name, "timespan", text) for name in ("on_boot", "every") if (text := getattr(timer, name))]
        for name, kind, text in asked:
            said = self._analyzed(kind, text)
            if said.rc != 0 and _NOT_PARSED in said.output:
                raise ProviderError(
                    f"{timer}: {name}={text!r} is no time of systemd: {said.output.strip()}",
                    remedy=f"systemd.time(7) says what is; `systemd-analyze {kind}` tries it.",
                )

    def _analyzed(self, kind: str, text: str) -> Completed:
        """What systemd makes of a time, whatever else is planned."""
        argv = ["systemd-analyze", kind, "--", text]
        said: Completed = self.machine.look("time", f"{kind} {text}", lambda: self.machine.ask(argv))
        return said

    # Changes

    def _file(self, path: str, wanted: str) -> Iterator[Change]:
        old, machine = self._text(path), self.machine
        if old == wanted:
            return
        content = wanted.encode("utf-8", "surrogateescape")
        yield Change(
            "create" if old is None else "replace",
            lambda: machine.write(path, content, mode=_MODE, owner=None, group=None),
            contents=((old or "").encode("utf-8", "surrogateescape"), content),
        )

    def _is_unread(self, unit: Unit, files: dict[str, str]) -> bool:
        """Whether systemd has read other files than those that will be there."""
        return unit.stale or any(self._text(path) != wanted for path, wanted in files.items())

    def _loading(self, unit: Unit) -> Callable[[], None]:
        """Have systemd read its files; a timer that runs goes by its new times from then on."""
        file = unit.file if unit.load == "loaded" and unit.file else "disabled"
        self._expected = after = replace(unit, load="loaded", load_error="", file=file, stale=False)
        return lambda: self._systemctl("daemon-reload", after)

    def _switching(self, *, on: bool) -> Iterator[Change]:
        unit = self._expected
        if (unit.file == "enabled") != on and unit.file:
            self._expected = replace(self._expected, file="enabled" if on else "disabled")
            yield self._change("enable" if on else "disable", before=unit.file)
        if unit.runs != on:
            self._expected = replace(self._expected, active="active" if on else "inactive")
            yield self._change("start" if on else "stop", before=unit.active)

    def _change(self, verb: str, *, before: str) -> Change:
        after = self._expected
        return Change(verb, lambda: self._systemctl(verb, after, self.resource.unit), before=before)

    def _removal(self, unit: Unit) -> Iterator[Change]:
        timer, machine = self.resource, self.machine
        self._expected = unit
        yield from self._switching(on=False)
        made = [timer.unit, f"{timer.name}.service"] if self._is_ours() else [timer.unit]
        there = [path for path in map(_path, made) if machine.status(path) is not None]

        def make() -> None:
            for path in there:
                machine.remove(path)
            self._systemctl("daemon-reload", replace(unit, load="not-found", active="inactive", file="", path=""))

        if there:
            yield Change("remove", make, before=", ".join(there))

    def _systemctl(self, verb: str, after: Unit, *names: str) -> None:
        argv = Manager().systemctl("--no-ask-password", verb, *(("--", *names) if names else ()))
        completed = self.machine.run(argv, effects=[Effect("service", self.resource.unit, after)])
        succeeded(completed, f"{verb} of {self.resource.unit}")


def _path(unit: str) -> str:
    return f"{OPERATORS_UNITS}/{unit}"
