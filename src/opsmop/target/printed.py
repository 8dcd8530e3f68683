"""What policy code prints, as events: on a host its stdout belongs to the protocol."""

from __future__ import annotations

import sys
import time

from opsmop.events import EvaluationFinished, Event, Printed
from opsmop.language.evaluation import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

LONGEST_LINE = 8192  # characters


def printed(text: str) -> Printed:
    """One printed line as an event."""
    evaluation = current()
    shown = text if evaluation is None else evaluation.shown(text)
    return Printed(ts=time.time(), text=shown[:LONGEST_LINE])


class Voice:
    """Says events, and knows while it does: what is printed by whoever takes them is not the policy's."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self.speaking = False

    def __call__(self, event: Event) -> None:
        """Say `event`."""
        before, self.speaking = self.speaking, True
        try:
            self._emit(event)
        finally:
            self.speaking = before


class Stand:
    """A stand-in for `sys.stdout` and `sys.stderr` that says every line as an event.

    :param voice: says the events
    :param aside: where to write what someone else prints, or whoever takes the events; nowhere if None
    :param mine: whether it is the policy that prints
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, voice: Voice, *, aside: Any = None, mine: Callable[[], bool] = lambda: True) -> None:
        self._voice, self._aside, self._mine = voice, aside, mine
        self._line = ""

    def write(self, text: str) -> int:
        """Take `text`; whole lines become events."""
        if self._voice.speaking or not self._mine():
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
        if self._voice.speaking or not self._mine():
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
        self._voice(printed(line))


class printing_as_events:  # noqa: N801 - reads as a word of the `with` statement that it is used in
    """While it lasts, `sys.stdout` and `sys.stderr` say lines as events.

    It takes what `Stand` takes (`aside`: whether to write such things where they went before), and gives what events are to be emitted with: a line that has begun comes before the
    end of the evaluation.
    """

    def __init__(
        self, emit: Callable[[Event], None], *, aside: bool = False, mine: Callable[[], bool] = lambda: True
    ) -> None:
        self._voice = Voice(emit)
        self._before = sys.stdout, sys.stderr
        self._streams = [Stand(self._voice, aside=stream if aside else None, mine=mine) for stream in self._before]

    def __enter__(self) -> Callable[[Event], None]:
        sys.stdout, sys.stderr = self._streams
        return self._emitted

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._before

    def _emitted(self, event: Event) -> None:
        if isinstance(event, EvaluationFinished):
            for stream in self._streams:
                stream.flush()
        self._voice(event)
