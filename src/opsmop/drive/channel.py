"""What contacts tell the drive: from many threads, taken in one, and never more of it waiting than memory should hold."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Any

from opsmop.events import Event
from opsmop.wire.records import is_dataclass

MOST_WAITING = 64 << 20  # bytes, about
_PER_VALUE = 120  # bytes that an object of Python takes, about
_PER_LETTER = 4  # bytes at most
_SMALL = (int, float, bool, type(None))


class Channel:
    """A queue in which events have a weight; whoever says one waits while too much of them is waiting.

    :param most: bytes that may wait, about; one event may be heavier
    """

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._queue: SimpleQueue[tuple[Any, int]] = SimpleQueue()  # putting into it is safe in a signal's handler
        self._changed = threading.Condition()
        self._waiting = self._taken = 0
        self._open = False

    def say(self, event: Event) -> None:
        """Put `event` in, once there is room. Callable from any thread."""
        weight = weight_of(event)
        with self._changed:
            self._changed.wait_for(lambda: self._open or not self._waiting or self._waiting + weight <= self._most)
            self._waiting += weight
            if not self._open:
                self._queue.put((event, weight))

    def put(self, thing: Any) -> None:
        """Put in what must not wait. Callable from any thread, and from a signal's handler."""
        self._queue.put((thing, 0))

    def take(self) -> Any:
        """What comes next; what was taken before has been dealt with."""
        taken, self._taken = self._taken, 0
        if taken:
            with self._changed:
                self._waiting -= taken
                self._changed.notify_all()
        thing, self._taken = self._queue.get()
        return thing

    def open(self) -> None:
        """Let nobody wait any more, and drop what is said from now on: nobody takes it."""
        with self._changed:
            self._open = True
            self._changed.notify_all()


def weight_of(value: Any) -> int:
    """How many bytes of memory `value` takes, about and at most."""
    if isinstance(value, str):
        return _PER_VALUE + _PER_LETTER * len(value)
    if value is None or isinstance(value, (int, float)):  # most are
        return _PER_VALUE
    if isinstance(value, tuple):
        return _PER_VALUE + sum(weight_of(entry) for entry in value)
    if is_dataclass(value) and not isinstance(value, type):
        weight = 2 * _PER_VALUE
        for entry in vars(value).values():  # of an event, nearly all are texts or numbers
            if type(entry) is str:
                weight += _PER_VALUE + _PER_LETTER * len(entry)
            else:
                weight += _PER_VALUE if type(entry) in _SMALL else weight_of(entry)
        return weight
    return _PER_VALUE
