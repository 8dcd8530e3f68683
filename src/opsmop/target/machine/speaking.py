"""What a long command prints, while it runs: whole lines, and not too often."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

SILENCE = 1.0  # seconds of a command of which nothing is said: most have ended by then, and their ending says all
PAUSE = 0.25  # seconds between two times that it speaks
MOST_SPOKEN = 8 * 1024  # bytes at a time; their end is what tells
_LEFT_OUT = b"..."  # instead of a line that is longer


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
        self._begun[stream] = rest if len(rest) <= MOST_SPOKEN else _LEFT_OUT
        self._lines += whole + newline
        if len(self._lines) > 2 * MOST_SPOKEN:
            self._lines = bytearray(_ending(self._lines))

    def speak(self, *, ended: bool) -> None:
        """Say what there is, if it is time; of a command that has ended the rest, if anything was said before."""
        if ended and self._spoken:
            self._lines += b"".join(line + b"\n" for line in self._begun.values() if line)
            self._next = 0.0
        if self._lines and time.monotonic() >= self._next:
            self._spoken = True
            self._next = time.monotonic() + PAUSE
            text = _ending(self._lines).decode("utf-8", "replace")
            self._lines.clear()
            self._say(text)


def _ending(lines: bytearray) -> bytes:
    """The last lines, whole ones alone: what is secret is known again only if it is not cut in two."""
    if len(lines) <= MOST_SPOKEN:
        return bytes(lines)
    return bytes(lines[-MOST_SPOKEN:]).partition(b"\n")[2] or _LEFT_OUT + b"\n"
