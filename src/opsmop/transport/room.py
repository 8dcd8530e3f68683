"""Open files: as many connections at a time as this process may have."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENOUGH = 1 << 16  # open files, beyond which nobody needs more
_OTHERS = 64  # files that are open for something else than connections
_EACH = 6  # files of a connection while it is being opened: three pipes, and those over which its start is told


class Room:
    """Lets as many be in it as open files allow; the others wait.

    Half of the files are for connections that are worked with, half for those that wait for a later role.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._left = max(1, (most_open_files() // 2 - _OTHERS) // _EACH)
        self._over = False

    @contextmanager
    def taken(self, refuse: Callable[[], Exception]) -> Iterator[None]:
        """Be in it as long as this lasts.

        :param refuse: makes what is raised if the run is over before there is room
        """
        with self._changed:
            self._changed.wait_for(lambda: self._left or self._over)
            if self._over:
                raise refuse()
            self._left -= 1
        try:
            yield
        finally:
            with self._changed:
                self._left += 1
                self._changed.notify()

    def empty(self) -> None:
        """Let nobody in any more, and keep nobody waiting."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


def most_open_files() -> int:
    """How many files this process may have open, after the limit was raised as far as it may be (getrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ENOUGH if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):  # macOS says that there is no limit, and has one
        return soft
    return wanted
