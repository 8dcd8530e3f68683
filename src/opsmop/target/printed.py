"""What policy code prints, as events: on a host its stdout belongs to the protocol."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable

from opsmop.events import Event, Warned

LONGEST_LINE = 8192  # characters


def printed(text: str) -> Warned:
    """One printed line as an event."""
    return Warned(ts=time.time(), text="printed: " + text[:LONGEST_LINE])


class Printed:
    """A stand-in for `sys.stdout` and `sys.stderr` that says every line as an event.

    :param emit: takes the events
    :param aside: where to write what someone else prints, or what is printed by `emit` itself; nowhere if None
    :param mine: whether it is the policy that prints
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(
        self, emit: Callable[[Event], None], *, aside: Any = None, mine: Callable[[], bool] = lambda: True
    ) -> None:
        self._emit, self._aside, self._mine = emit, aside, mine
        self._line = ""
        self._emitting = False

    def write(self, text: str) -> int:
        """Take `text`; whole lines become events."""
        if self._emitting or not self._mine():
            return self._aside.write(text) if self._aside is not None else len(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._say(line)
        if len(self._line) > LONGEST_LINE:
            self.flush()
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Take several pieces of text."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Say a line that has begun."""
        if self._emitting or not self._mine():
            if self._aside is not None:
                self._aside.flush()
            return
        line, self._line = self._line, ""
        if line:
            self._say(line)

    def isatty(self) -> bool:
        """Nobody looks at it directly."""
        return False

    def writable(self) -> bool:
        """It is there to be written to."""
        return True

    def _say(self, line: str) -> None:
        self._emitting = True
        try:
            self._emit(printed(line))
        finally:
            self._emitting = False


class printing_as_events:  # noqa: N801 - reads as a word of the `with` statement that it is used in
    """While it lasts, `sys.stdout` and `sys.stderr` say lines as events; it takes what `Printed` takes."""

    def __init__(
        self, emit: Callable[[Event], None], *, aside: bool = False, mine: Callable[[], bool] = lambda: True
    ) -> None:
        self._before = sys.stdout, sys.stderr
        self._streams = [Printed(emit, aside=stream if aside else None, mine=mine) for stream in self._before]

    def __enter__(self) -> None:
        sys.stdout, sys.stderr = self._streams  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._before
        for stream in self._streams:
            stream.flush()
