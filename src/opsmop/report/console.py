"""The plain console report: lines as events arrive, and a recap."""

from __future__ import annotations

import dataclasses
import posixpath
from typing import Any, TextIO

from opsmop.events import (
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    Event,
    Failure,
    Printed,
    ResourceFailed,
    ResourceFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.events.wire import clean
from opsmop.report.lines import (
    Scene,
    contact_lines,
    failed_lines,
    failure_lines,
    finished_lines,
    head_lines,
    text_lines,
)
from opsmop.report.look import NARROWEST, WIDEST, Look, carries_signs, forget_reader, tell_color
from opsmop.report.recap import recap_lines
from opsmop.report.tally import Tally, event_place, same_failure

__all__ = ["Console", "tell_color"]


class Console:
    """Writes a run to a stream, line by line; call it with each event in order.

    :param stream: where to; once its reader has gone, nothing more is written and nothing fails
    :param verbose: tell also of what needed nothing, and of what commands printed
    :param diff: show what changes in files
    :param color: whether to colour (`tell_color`)
    :param width: columns of a line; kept between 40 and 200
    """

    def __init__(
        self, stream: TextIO, *, verbose: bool = False, diff: bool = False, color: bool = False, width: int = 80
    ) -> None:
        look = Look(max(NARROWEST, min(width, WIDEST)), color, carries_signs(stream))
        self._stream = stream
        self._open = True
        self._scene = Scene(look, verbose=verbose, diff=diff)
        self._tally = Tally()
        self._told: dict[str, list[Failure]] = {}

    def __call__(self, event: Event) -> None:
        """Count `event` and write what it says."""
        event = _cleaned(event)
        self._tally(event)
        lines = self._lines(event)
        if lines and self._open:
            self._write("".join(f"{line}\n" for line in lines))

    def _lines(self, event: Event) -> list[str]:
        if isinstance(event, RunStarted):
            return self._run_started(event)
        if isinstance(event, RoleStarted):
            return self._role_started(event)
        if isinstance(event, RunFinished):
            return recap_lines(self._scene, self._tally)
        return self._host_lines(event)

    def _host_lines(self, event: Event) -> list[str]:
        if isinstance(event, ContactStarted):
            self._told[event.host] = []
        if isinstance(event, ResourceFinished):
            return finished_lines(self._scene, event)
        if isinstance(event, ResourceFailed):
            self._told.setdefault(event.host, []).append(event.failure)
            return failed_lines(self._scene, event)
        if isinstance(event, EvaluationFinished):
            return self._evaluation_finished(event)
        if isinstance(event, ContactFinished):
            return contact_lines(self._scene, event, told=self._was_told(event.host, event.failure))
        if isinstance(event, Printed):
            return text_lines(self._scene, "prints", event.host, event.text)
        return self._warned(event) if isinstance(event, Warned) else []

    def _run_started(self, event: RunStarted) -> list[str]:
        folder = posixpath.dirname(event.policy)
        self._scene = dataclasses.replace(self._scene, mode=event.mode, folder=f"{folder}/" if folder else "")
        begun = "Checking" if event.mode == "check" else "Applying"
        roles = f": {', '.join(event.roles)}" if event.roles else ""
        line = f"{begun} {self._scene.place(event.policy)} ({event.reach}){roles}"
        return [self._scene.look.paint(" ".join(line.split()), "heading")]

    def _role_started(self, event: RoleStarted) -> list[str]:
        look = self._scene.look
        longest = max((len(name) for name in (*self._tally.hosts, *event.hosts)), default=0)
        self._scene = dataclasses.replace(self._scene, host_width=min(longest, max(8, look.width // 4)))
        count = "1 host" if len(event.hosts) == 1 else f"{len(event.hosts)} hosts"
        start = f"{event.role} on {count}"
        names = ", ".join(event.hosts)
        fits = names and len(start) + 2 + len(names) <= look.width
        return ["", look.paint(start, "heading") + (f": {names}" if fits else "")]

    def _evaluation_finished(self, event: EvaluationFinished) -> list[str]:
        lines: list[str] = []
        if event.failure is not None and not self._was_told(event.host, event.failure):
            self._told.setdefault(event.host, []).append(event.failure)
            kind = "cancelled" if event.status == "cancelled" else "failed"
            lines += head_lines(self._scene, kind, event.host, event.role)
            lines += failure_lines(self._scene, event.failure, event_place(event))
        if event.beyond:
            place = self._scene.place(event.beyond)
            lines += head_lines(self._scene, "assumed", event.host, f"cannot predict beyond {place}", word="unknown")
        return lines

    def _warned(self, event: Warned) -> list[str]:
        place = self._scene.place(event_place(event))
        text = f"{place}: {event.text}" if place else event.text
        return text_lines(self._scene, "warning", event.host, text)

    def _was_told(self, host: str, failure: Failure | None) -> bool:
        told = self._told.get(host, [])
        return bool(told) if failure is None else any(same_failure(failure, one) for one in told)

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except BrokenPipeError:
            self._open = False
            forget_reader(self._stream)


def _cleaned(value: Any) -> Any:
    """`value` with all its texts fit for a terminal."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(entry) for entry in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {entry.name: _cleaned(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
