"""Ctrl-C and SIGTERM: the first asks the run to end, the second ends it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING_SECONDS = 1.0  # what closing the connections may take once nobody wants to wait any more
SIGNALS = (signal.SIGINT, signal.SIGTERM)
HEED = object()  # what is put where the main thread waits, so that Python comes to heed a signal there


class Interrupted(KeyboardInterrupt):
    """The run was told to end while it was not waiting for hosts."""


class Interruption:
    """Whether, and by what, the run was told to end.

    :param close: ends every connection at once
    :param last_words: is called when the second signal ends the process
    """

    def __init__(self, close: Callable[[], None], last_words: Callable[[], None] = lambda: None) -> None:
        self.signal = 0
        self._last_words = last_words
        self._close = close
        self._wake: Callable[[], None] | None = None
        self._nudge: Callable[[], None] | None = None

    @property
    def over(self) -> bool:
        """Whether the run was told to end."""
        return bool(self.signal)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Signals count as long as this lasts. Only for the main thread."""
        before = {number: signal.signal(number, self._told) for number in SIGNALS}
        try:
            with self._noticed():
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        """Every signal ends the main thread's wait.

        Python heeds a signal between two steps. One that comes just before a wait begins would not end it; but it is
        written to a file descriptor at once (signal.set_wakeup_fd), and a thread that reads there ends the wait.
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        former = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        watching = threading.Thread(target=self._watch, args=(reading,), name="signals", daemon=True)
        watching.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(former)
            os.close(writing)
            watching.join()
            os.close(reading)

    def _watch(self, reading: int) -> None:
        while os.read(reading, 64):
            nudge = self._nudge
            if nudge is not None:
                nudge()

    @contextmanager
    def waking(self, wake: Callable[[], None], nudge: Callable[[], None]) -> Iterator[None]:
        """A signal calls `wake` as long as this lasts, instead of raising `Interrupted`.

        :param nudge: ends the main thread's wait; called from another thread
        """
        self._wake, self._nudge = wake, nudge
        try:
            yield
        finally:
            self._wake = self._nudge = None

    def _told(self, number: int, _frame: FrameType | None) -> None:
        if self.signal:
            # In a thread, because this one may hold what closing waits for.
            threading.Thread(target=self._end_now, args=(number,), daemon=True).start()
            return
        self.signal = number
        if self._wake is None:
            raise Interrupted
        self._wake()

    def _end_now(self, number: int) -> None:
        closing = threading.Thread(target=self._close, daemon=True)
        closing.start()
        self._last_words()
        closing.join(ENDING_SECONDS)
        os._exit(128 + number)
