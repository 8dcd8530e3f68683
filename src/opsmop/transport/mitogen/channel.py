"""A process on a host on the way, spoken to as if it ran here."""

from __future__ import annotations

import hashlib
import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opsmop.errors import HostLostError, TransportError
from opsmop.transport.mitogen import speech
from opsmop.transport.pipes import Waker

if TYPE_CHECKING:
    from opsmop.transport.mitogen.station import Station

_MOST_KEPT = 1 << 14  # bytes of stderr; the end is what tells
_INPUT_WINDOW = 256 << 10  # bytes on their way to the process's stdin
_CREDIT_AT_ONCE = 64 << 10
_MOST_AHEAD = speech.WINDOW + 2 * speech.PIECE


class Channel:
    """A process that a relay has started; see `opsmop.transport.pipes.Process`.

    What it says comes in mitogen's thread; everything else is called by the thread of its contact.

    :param station: the relay's other end
    :param number: its number there
    """

    askpass = None

    def __init__(self, station: Station, number: int) -> None:
        self._station, self._number = station, number
        self._lock = threading.Lock()
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        self._unsent: deque[memoryview | tuple[str, int]] = deque()
        self._under_way = 0
        self._heard: deque[bytes] = deque()
        self._ahead = self._owed = 0  # bytes that nobody has taken yet, and those taken that the relay does not know of
        self._complaint = bytearray()
        self._silent = False  # whether its stdout is closed, there
        self._lost: TransportError | None = None
        self.answer: bytes | None = None  # what came of its start
        self.sent = self.received = 0
        self.backlog = 0
        self.ended = False
        self.status: int | None = None

    def __del__(self) -> None:
        for end in (self._woken, self._wake):
            os.close(end)

    # What pipes are, too

    @property
    def alive(self) -> bool:
        """Whether it runs and its stdout is open."""
        return not self.ended and self.status is None and self._lost is None

    @property
    def complaint(self) -> str:
        """The end of what it said on stderr."""
        return self._complaint.decode("utf-8", "replace")

    def send(self, *pieces: bytes) -> None:
        """Put `pieces` behind what is still to be sent."""
        for piece in pieces:
            self._unsent.append(memoryview(piece))
            self.backlog += len(piece)

    def send_shared(self, data: bytes) -> None:
        """As `send`, for what others behind the same host are sent too: it goes there once."""
        digest = hashlib.sha256(data).hexdigest()
        self._station.give(digest, data)
        self._unsent.append((digest, len(data)))
        self.backlog += len(data)

    def read(self, until: float, wakers: Sequence[Waker] = ()) -> bytes:
        """What it says next on stdout, sending meanwhile what is to be sent; see `opsmop.transport.pipes.Pipes.read`.

        :raises HostLostError: if the way to it is lost
        """
        self._push()
        if not self._heard and not self._silent and self._lost is None:
            self._wait(until, wakers)
            self._push()
        return self._pull()

    def last_words(self, patience: float) -> None:
        """Wait for its end, `patience` seconds at most."""
        self._await_end(patience)

    def hang_up(self) -> None:
        """Close its stdin, after what can still be sent without waiting."""
        self._push()
        self._unsent.clear()
        self._station.say(speech.HANG_UP, self._number)

    def stop_answering(self) -> None:
        """Nobody asks for a password here."""

    def interrupt(self) -> None:
        """Hang up and ask its whole session to end."""
        self.hang_up()
        self._station.say(speech.SIGNAL, self._number, bytes((signal.SIGTERM,)))

    def bury(self, patience: float) -> None:
        """Wait for its end, and let it be killed after `patience` seconds."""
        self.hang_up()
        self._await_end(patience)
        self._station.forget(self._number)

    def await_start(self, until: float, wakers: Sequence[Waker]) -> bytes | None:
        """Why it could not be started; empty if it was, None if the relay does not answer in time."""
        while self.answer is None and self._lost is None and time.monotonic() < until:
            if any(waker.called for waker in wakers):
                break
            self._wait(until, wakers)
        return self.answer

    # What the relay says, in mitogen's thread

    def take(self, kind: int, payload: bytes) -> bool:
        """Take what the relay says of it; whether the relay keeps to what it may say."""
        with self._lock:
            if kind == speech.STARTED:
                self.answer = payload[:200]
            elif kind == speech.TAKEN:
                self._note_taken(int.from_bytes(payload[:4], "big"))
            elif kind == speech.ENDED:
                self.status = int.from_bytes(payload[:4], "big", signed=True)
            elif kind in (speech.OUTPUT, speech.ERRORS):
                self._note_words(kind, payload)
            allowed = self._ahead + self._owed <= _MOST_AHEAD
        self._notify()
        return allowed

    def lose(self, why: TransportError) -> None:
        """The way to it is lost."""
        self._lost = why
        self._notify()

    def _note_taken(self, count: int) -> None:
        count = min(count, self._under_way)
        self._under_way -= count
        self.backlog -= count
        self.sent += count

    def _note_words(self, kind: int, payload: bytes) -> None:
        if kind == speech.ERRORS:
            self._complaint += payload
            del self._complaint[:-_MOST_KEPT]
            self._owed += len(payload)
        elif payload:
            self._heard.append(payload)
            self._ahead += len(payload)
        else:
            self._silent = True

    def _notify(self) -> None:
        try:
            os.write(self._wake, b"!")
        except BlockingIOError:
            return

    # Both ways

    def _wait(self, until: float, wakers: Sequence[Waker]) -> None:
        waiting = select.poll()
        for channel in (self._woken, *(waker.channel for waker in wakers)):
            waiting.register(channel, select.POLLIN)
        ready = waiting.poll(max(0.0, until - time.monotonic()) * 1000)
        if any(channel == self._woken for channel, _ in ready):
            os.read(self._woken, 4096)

    def _push(self) -> None:
        with self._lock:
            while self._unsent and self._under_way < _INPUT_WINDOW:
                first = self._unsent.popleft()
                if isinstance(first, tuple):
                    digest, length = first
                    self._station.say(speech.SHARED, self._number, digest.encode())
                    self._under_way += length
                    continue
                self._station.say(speech.INPUT, self._number, bytes(first[: speech.PIECE]))
                self._under_way += len(first[: speech.PIECE])
                if len(first) > speech.PIECE:
                    self._unsent.appendleft(first[speech.PIECE :])

    def _pull(self) -> bytes:
        with self._lock:
            data = self._heard.popleft() if self._heard else b""
            self._ahead -= len(data)
            self._owed += len(data)
            self.received += len(data)
            if self._owed >= _CREDIT_AT_ONCE:
                self._station.say(speech.CREDIT, self._number, speech.number(self._owed))
                self._owed = 0
            self.ended = not data and self._silent
        if not data and not self.ended and self._lost is not None:
            raise HostLostError(self._lost.message, host=self._lost.host, remedy=self._lost.remedy)
        return data

    def _await_end(self, patience: float) -> None:
        until = time.monotonic() + patience
        while self.status is None and self._lost is None and time.monotonic() < until:
            self._wait(until, ())
