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


class Interrupted(KeyboardInterrupt):
    """The run was told to end while it was not waiting for hosts."""


class Interruption:
    """Whether, and by what, the run was told to end.

    :param close: ends every connection at once
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self.signal = 0
        self._close = close
        self._wake: Callable[[], None] | None = None

    @property
    def over(self) -> bool:
        """Whether the run was told to end."""
        return bool(self.signal)

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Signals count as long as this lasts. Only for the main thread."""
        before = {number: signal.signal(number, self._told) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """A signal calls `wake` as long as this lasts, instead of raising `Interrupted`."""
        self._wake = wake
        try:
            yield
        finally:
            self._wake = None

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
        closing.join(ENDING_SECONDS)
        os._exit(128 + number)
