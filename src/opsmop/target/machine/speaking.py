"""What a long command prints, while it runs: whole lines, and not too often."""

from __future__ import annotations

import time
from typing import Callable

SILENCE = 1.0  # seconds of a command of which nothing is said: most have ended by then, and their ending says all
PAUSE = 0.25  # seconds between two times that it speaks
MOST_SPOKEN = 8 * 1024  # bytes at a time; their end is what tells


class Speaking:
    """Gathers what a command prints, and says it.

    :param say: takes lines, of both streams
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._next = time.monotonic() + SILENCE
        self._lines = bytearray()
        self._begun: dict[str, bytes] = {}  # lines of which the end has not come
        self._spoken = False

    def add(self, stream: str, data: bytes) -> None:
        """Take `data` from `stream`."""
        whole, newline, rest = (self._begun.get(stream, b"") + data).rpartition(b"\n")
        self._begun[stream] = rest[-MOST_SPOKEN:]
        self._lines += whole + newline
        if len(self._lines) > 2 * MOST_SPOKEN:
            del self._lines[:-MOST_SPOKEN]

    def speak(self, *, ended: bool) -> None:
        """Say what there is, if it is time; of a command that has ended the rest, if anything was said before."""
        if ended and self._spoken:
            self._lines += b"".join(line + b"\n" for line in self._begun.values() if line)
            self._next = 0.0
        if self._lines and time.monotonic() >= self._next:
            self._spoken = True
            self._next = time.monotonic() + PAUSE
            text = bytes(self._lines[-MOST_SPOKEN:]).decode("utf-8", "replace")
            self._lines.clear()
            self._say(text)
