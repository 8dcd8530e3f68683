"""The console report on a terminal that somebody watches: below its lines stands what is going on now."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TextIO, cast

from rich.console import Console as Terminal
from rich.live import Live
from rich.text import Text

from opsmop.events import Event, RunFinished
from opsmop.events.look import Look
from opsmop.events.telling import cleaned
from opsmop.report.console import Console
from opsmop.report.folding import Folding
from opsmop.report.look import NARROWEST, WIDEST
from opsmop.report.running import Running
from opsmop.report.stream import Pen
from opsmop.wire.records import replace

_SHORTEST_PAUSE = 0.1  # seconds between two drawings
_TICK = 1.0  # seconds after which a duration that is shown has become another


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
        self._picture = _Picture(stream, self.pen, color=color)
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
        over = False
        while not over:
            with self._changed:
                self._changed.wait_for(lambda: self._stale or self._over, _TICK if self._running else None)
                over, self._stale = self._over, False
                lines, self._lines_waiting = self._lines_waiting, []
                status = [] if over else self._running.lines(self._picture.look(self._scene.look), time.time())
            self._picture.draw(lines, status)
            if not over:
                time.sleep(_SHORTEST_PAUSE)
        self._picture.close()


class _Terminal(Terminal):
    """A terminal whose cursor stays: a run that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002 - as rich has it
        return False


class _Picture:
    """Lines that stay, and below them the status."""

    def __init__(self, stream: TextIO, pen: Pen, *, color: bool) -> None:
        self._status = Text()
        self._terminal = _Terminal(
            file=cast(TextIO, _Written(stream, pen)),
            force_terminal=True,
            color_system="standard" if color else None,
            no_color=not color,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._live = Live(
            console=self._terminal,
            auto_refresh=False,
            transient=True,
            get_renderable=lambda: self._status,
        )
        self._live.start()

    def look(self, look: Look) -> Look:
        """`look` as wide as the terminal is by now."""
        return replace(look, width=max(NARROWEST, min(self._terminal.width, WIDEST)))

    def draw(self, lines: list[str], status: list[str]) -> None:
        """Write `lines`, and `status` below them in place of the last one."""
        self._status = Text.from_ansi("\n".join(status))
        if lines:
            self._terminal.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)
        self._live.refresh()

    def close(self) -> None:
        """Leave nothing but the lines."""
        self._live.stop()


class _Written:
    """What rich takes for a stream: all goes through the pen."""

    def __init__(self, stream: TextIO, pen: Pen) -> None:
        self.encoding = stream.encoding
        self._pen = pen

    def write(self, text: str) -> int:
        self._pen(text)
        return len(text)

    def flush(self) -> None:
        """The pen has."""

    def isatty(self) -> bool:
        return True
