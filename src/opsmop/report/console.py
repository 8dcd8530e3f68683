"""The console report: lines as events arrive, and a recap. Many hosts' equal results share a line."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import TextIO

from opsmop.events import ContactFinished, Event, RoleFinished, RoleStarted, RunFinished, RunStarted
from opsmop.events.lines import Scene
from opsmop.events.look import Look
from opsmop.events.telling import Telling, cleaned
from opsmop.report.costs import Costs
from opsmop.report.folding import Folding
from opsmop.report.look import NARROWEST, WIDEST, carries_signs, tell_color
from opsmop.report.recap import recap_lines, stopped_lines
from opsmop.report.retry import retry_command
from opsmop.report.stream import Pen, no_command
from opsmop.report.table import folds
from opsmop.report.tally import Tally
from opsmop.report.typed import typed_in_place
from opsmop.wire.records import replace

__all__ = ["Console", "tell_color"]

_PROGRESS_LINES = 5  # of a role whose results are folded


class Console:
    """Writes a run to a stream, line by line; call it with each event in order.

    :param stream: where to; once its reader has gone, nothing more is written and nothing fails
    :param verbose: 1 tells also of what needed nothing and of what commands printed, 2 of each host by itself
    :param diff: show what changes in files
    :param color: whether to colour (`tell_color`)
    :param width: columns of a line; kept between 40 and 200
    :param command: the words that started the run, if they are better than what its first event has
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        verbose: int = 0,
        diff: bool = False,
        color: bool = False,
        width: int = 80,
        command: Sequence[str] = (),
    ) -> None:
        look = Look(max(NARROWEST, min(width, WIDEST)), color, carries_signs(stream))
        self.pen = Pen(stream)
        self._telling = Telling(Scene(look, verbose=verbose, diff=diff))
        self._tally, self._costs = Tally(), Costs()
        self._folding: Folding | None = None
        self._run = RunStarted()
        self._command = command

    def __call__(self, event: Event) -> None:
        """Count `event` and write what it says."""
        event = cleaned(event)
        self._tally(event)
        self._costs(event)
        lines = self._lines(event)
        if lines:
            self._write([no_command(line) for line in lines])

    def close(self) -> None:
        """Nothing more will come."""

    def _write(self, lines: list[str]) -> None:
        self.pen("".join(f"{line}\n" for line in lines))

    def _lines(self, event: Event) -> list[str]:
        if isinstance(event, RunStarted):
            return self._run_started(event)
        if isinstance(event, RoleStarted):
            return self._role_started(event)
        if isinstance(event, RoleFinished):
            return self._unfolded()
        if isinstance(event, RunFinished):
            return self._run_finished(event)
        if self._folding is not None and event.host:
            return self._folded(self._folding, event)
        return self._telling.lines(event)

    def _run_finished(self, event: RunFinished) -> list[str]:
        if event.failure is not None and not self._tally.hosts:
            return stopped_lines(self._scene, self._tally)  # who runs the program is told why
        return self._unfolded() + recap_lines(self._scene, self._tally, self._costs, self._retry())

    @property
    def _scene(self) -> Scene:
        return self._telling.scene

    def _run_started(self, event: RunStarted) -> list[str]:
        self._run = event
        folder = posixpath.dirname(event.policy)
        self._telling.scene = replace(self._scene, mode=event.mode, folder=f"{folder}/" if folder else "")
        roles = f": {', '.join(event.roles)}" if event.roles else ""
        begun = f"{'Checking' if event.mode == 'check' else 'Applying'} {self._scene.place(event.policy)}"
        if typed := typed_in_place(event):
            begun, roles = f"Running {typed}", ""
        line = f"{begun} ({event.reach}){roles}"
        return [self._scene.look.paint(" ".join(line.split()), "heading")]

    def _role_started(self, event: RoleStarted) -> list[str]:
        look = self._scene.look
        longest = max((len(name) for name in (*self._tally.hosts, *event.hosts)), default=0)
        self._telling.scene = replace(self._scene, host_width=min(longest, max(8, look.width // 4)))
        self._folding = Folding(event) if folds(self._scene, len(event.hosts)) else None
        count = "1 host" if len(event.hosts) == 1 else f"{len(event.hosts)} hosts"
        start = f"{event.role} on {count}"
        names = ", ".join(event.hosts)
        fits = names and len(start) + 2 + len(names) <= look.width
        lines = ["", look.paint(start, "heading") + (f": {names}" if fits else "")]
        if event.hooks and self._scene.mode == "check":
            lines.append(f"  apply would call {' and '.join(event.hooks)} here for each host")
        return lines

    def _folded(self, folding: Folding, event: Event) -> list[str]:
        """What is told of one of many hosts at once: failures that are new, and how far the role has come."""
        news = folding.is_news(event)
        folding.take(self._scene, event)
        lines = self._telling.lines(event)  # which also knows then what was told
        return (lines if news else []) + self._progress(folding, event)

    def _progress(self, folding: Folding, event: Event) -> list[str]:
        ended, hosts = len(folding.ended), len(folding.hosts)
        if not isinstance(event, ContactFinished) or ended % -(-hosts // _PROGRESS_LINES) or ended == hosts:
            return []
        return [self._scene.look.paint(f"  {folding.so_far}", "faint")]

    def _unfolded(self) -> list[str]:
        folding, self._folding = self._folding, None
        return folding.lines(self._scene) if folding is not None else []

    def _retry(self) -> str:
        failed = [name for name, host in self._tally.hosts.items() if host.ending in ("failed", "unreachable")]
        return retry_command(self._command or self._run.command, self._run.mode, self._run.reach, failed)
