"""Which report goes where: what machines read to stdout, and then what people read to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol, TextIO

from opsmop.events import Event, Failure, Found, RunFinished, RunStarted
from opsmop.report.look import columns_of, is_watched, tell_color
from opsmop.wire.records import dataclass

if TYPE_CHECKING:
    from opsmop.report.console import Console
    from opsmop.report.stream import Pen

CONSOLE = "console"


@dataclass(frozen=True)
class Wishes:
    """How reports are to look.

    :param output: ``console``, ``ndjson``, ``json``, ``junit`` or ``github``
    :param verbose: how much to tell: 0, 1 or 2
    :param diff: whether to show diffs
    :param color: ``auto``, ``always`` or ``never``
    :param command: the words that started the run
    """

    output: str = CONSOLE
    verbose: int = 0
    diff: bool = False
    color: str = "auto"
    command: tuple[str, ...] = ()


class Report(Protocol):
    """Takes every event of a run, in order, and writes with its pen."""

    pen: Pen

    def __call__(self, event: Event) -> None:
        """Take `event`."""


class PeoplesReport(Report, Protocol):
    """A report that people read."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Reports:
    """All reports of one run; call it with each event.

    :param wishes: how they are to look
    :param out: takes the data, or what people read if there is none
    :param err: takes what people read where `out` takes data for machines
    :param environ: the environment
    :param people: makes what people read of the stream that takes it; the console if not given
    """

    def __init__(
        self,
        wishes: Wishes,
        out: TextIO,
        err: TextIO,
        environ: Mapping[str, str],
        people: Callable[[TextIO], PeoplesReport] | None = None,
    ) -> None:
        self._begun = self._ended = False
        self.machine = machine_report(wishes.output, out, environ)
        self._make = partial(people or partial(console, wishes, environ), out if self.machine is None else err)
        self._people: PeoplesReport | None = None  # until there is something to show

    def __call__(self, event: Event) -> None:
        """Report `event`."""
        self._begun = self._begun or isinstance(event, RunStarted)
        self._ended = self._ended or isinstance(event, RunFinished)
        if self.machine is not None:
            self.machine(event)
        if self._people is None:
            self._people = self._make()
        self._people(event)

    def end(self, begun: RunStarted, finished: RunFinished, findings: Sequence[Found] = ()) -> None:
        """Let machines know of a run that was not driven to its end.

        :param begun: its beginning, unless that was told
        :param finished: its end, unless that was told
        :param findings: what validation found
        """
        if self.machine is None or self._ended:
            return
        for event in (*(() if self._begun else (begun,)), *findings, finished):
            self.machine(event)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._people is not None:
            self._people.close()

    @property
    def error(self) -> OSError | None:
        """Why something could not be written."""
        pens = [report.pen for report in (self._people, self.machine) if report is not None]
        return next((pen.error for pen in pens if pen.error is not None), None)


def again(wishes: Wishes, out: TextIO, environ: Mapping[str, str]) -> Report:
    """The one report of a run that is over; its console shows no status."""
    return machine_report(wishes.output, out, environ) or _plain(wishes, out, environ)


def refused(failure: Failure, output: str, out: TextIO, environ: Mapping[str, str]) -> None:
    """Let machines know of a run that could not even be set up."""
    report = machine_report(output, out, environ)
    if report is not None:
        now = time.time()
        for event in (RunStarted(ts=now), RunFinished(ts=now, exit_status=2, failure=failure)):
            report(event)


def machine_report(output: str, out: TextIO, environ: Mapping[str, str]) -> Report | None:
    """The report for machines of that name; None for people's."""
    if output == "ndjson":
        from opsmop.report.ndjson import Ndjson  # one of them is used at most, and mostly none

        return Ndjson(out)
    if output == "json":
        from opsmop.report.document import Document  # as above

        return Document(out)
    if output == "junit":
        from opsmop.report.junit import JUnit  # as above

        return JUnit(out)
    if output == "github":
        from opsmop.report.github import GitHub  # as above

        return GitHub(out, environ)
    return None


def console(wishes: Wishes, environ: Mapping[str, str], stream: TextIO) -> Console:
    """The report for people: with a status line where somebody watches, else plain lines."""
    if is_watched(stream, environ):
        from opsmop.report.live import LiveConsole  # rich takes its time to import, and a file shows no status line

        return _of_kind(LiveConsole, wishes, stream, environ)
    return _plain(wishes, stream, environ)


def _plain(wishes: Wishes, stream: TextIO, environ: Mapping[str, str]) -> Console:
    from opsmop.report.console import Console  # not before there is something to show: hosts are contacted meanwhile

    return _of_kind(Console, wishes, stream, environ)


def _of_kind(kind: type[Console], wishes: Wishes, stream: TextIO, environ: Mapping[str, str]) -> Console:
    color, width = tell_color(wishes.color, stream, environ), columns_of(stream, environ)
    return kind(stream, verbose=wishes.verbose, diff=wishes.diff, color=color, width=width, command=wishes.command)
