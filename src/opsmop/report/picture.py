"""What a terminal shows: lines that stay, and below them the status. The only import of rich."""

from __future__ import annotations

from typing import TextIO, cast

from rich.console import Console as Terminal
from rich.live import Live
from rich.text import Text

from opsmop.events.look import Look
from opsmop.report.look import NARROWEST, WIDEST
from opsmop.report.stream import Pen
from opsmop.wire.records import replace


class _Terminal(Terminal):
    """A terminal whose cursor stays: a run that is killed could not bring it back."""

    def show_cursor(self, show: bool = True) -> bool:  # noqa: ARG002 - as rich has it
        return False


class Picture:
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
        self._live.refresh()  # first: what is printed draws the status below it as it was refreshed last
        if lines:
            self._terminal.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)

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
