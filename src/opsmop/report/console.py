"""The plain console report: lines as events arrive, and a recap."""

from __future__ import annotations

import dataclasses
import posixpath
from typing import TextIO

from opsmop.events import Event, RoleStarted, RunFinished, RunStarted
from opsmop.events.lines import Scene
from opsmop.events.look import Look
from opsmop.events.telling import Telling, cleaned
from opsmop.report.look import NARROWEST, WIDEST, carries_signs, forget_reader, tell_color
from opsmop.report.recap import recap_lines
from opsmop.report.tally import Tally

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
        self, stream: TextIO, *, verbose: int = 0, diff: bool = False, color: bool = False, width: int = 80
    ) -> None:
        look = Look(max(NARROWEST, min(width, WIDEST)), color, carries_signs(stream))
        self._stream = stream
        self._open = True
        self._telling = Telling(Scene(look, verbose=bool(verbose), diff=diff))
        self._tally = Tally()

    def __call__(self, event: Event) -> None:
        """Count `event` and write what it says."""
        event = cleaned(event)
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
        return self._telling.lines(event)

    @property
    def _scene(self) -> Scene:
        return self._telling.scene

    def _run_started(self, event: RunStarted) -> list[str]:
        folder = posixpath.dirname(event.policy)
        self._telling.scene = dataclasses.replace(self._scene, mode=event.mode, folder=f"{folder}/" if folder else "")
        begun = "Checking" if event.mode == "check" else "Applying"
        roles = f": {', '.join(event.roles)}" if event.roles else ""
        line = f"{begun} {self._scene.place(event.policy)} ({event.reach}){roles}"
        return [self._scene.look.paint(" ".join(line.split()), "heading")]

    def _role_started(self, event: RoleStarted) -> list[str]:
        look = self._scene.look
        longest = max((len(name) for name in (*self._tally.hosts, *event.hosts)), default=0)
        self._telling.scene = dataclasses.replace(self._scene, host_width=min(longest, max(8, look.width // 4)))
        count = "1 host" if len(event.hosts) == 1 else f"{len(event.hosts)} hosts"
        start = f"{event.role} on {count}"
        names = ", ".join(event.hosts)
        fits = names and len(start) + 2 + len(names) <= look.width
        lines = ["", look.paint(start, "heading") + (f": {names}" if fits else "")]
        if event.hooks and self._scene.mode == "check":
            lines.append(f"  apply would call {' and '.join(event.hooks)} here for each host")
        return lines

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except BrokenPipeError:
            self._open = False
            forget_reader(self._stream)
