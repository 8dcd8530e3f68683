"""The console report on a terminal that somebody watches: below its lines stands what is going on now."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TextIO

from opsmop.events import Event, RunFinished
from opsmop.events.telling import cleaned
from opsmop.report.console import Console
from opsmop.report.folding import Folding
from opsmop.report.running import Running

_SHORTEST_PAUSE = 0.1  # seconds between two drawings
_TICK = 1.0 - _SHORTEST_PAUSE  # seconds to wait until a duration that is shown has become another


class LiveConsole(Console):
    """See `Console`. A thread draws: when something has happened, and each second while something runs; else never."""

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
        super().__init__(stream, verbose=verbose, diff=diff, color=color, width=width, command=command)
        self._stream, self._color = stream, color
        self._running = Running()
        self._changed = threading.Condition()
        self._lines_waiting: list[str] = []
        self._stale = self._over = False
        self._drawing = threading.Thread(target=self._draw_on, name="status", daemon=True)
        self._drawing.start()

    def __call__(self, event: Event) -> None:
        """Count `event`, write what it says, and show what goes on."""
        with self._changed:
            super().__call__(event)
            self._running(cleaned(event))
            self._stale = True
            self._changed.notify()
        if isinstance(event, RunFinished):
            self.close()

    def close(self) -> None:
        """Write what is left, and take the status line away."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._drawing.join()

    def _write(self, lines: list[str]) -> None:
        self._lines_waiting += lines

    def _progress(self, folding: Folding, event: Event) -> list[str]:  # noqa: ARG002 - as Console has it
        return []  # the status line shows it

    def _draw_on(self) -> None:
        from opsmop.report.picture import Picture  # rich takes its time to import, while connections open

        over, picture = False, Picture(self._stream, self.pen, color=self._color)
        while not over:
            with self._changed:
                self._changed.wait_for(lambda: self._stale or self._over, _TICK if self._running else None)
                over, self._stale = self._over, False
                lines, self._lines_waiting = self._lines_waiting, []
                status = [] if over else self._running.lines(picture.look(self._scene.look), time.time())
            picture.draw(lines, status)
            if not over:
                time.sleep(_SHORTEST_PAUSE)
        picture.close()
