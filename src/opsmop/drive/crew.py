"""Threads that share out work. The standard library's pool imports `logging`, which is 3 ms of every run."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Thing = TypeVar("Thing")


@contextmanager
def crew(most: int, things: Iterable[Thing], work: Callable[[Thing], None]) -> Iterator[None]:
    """Have `work` done on each of `things`, by so many threads at most; at the end, wait until it is done.

    :param work: raises nothing
    :raises RuntimeError: if the system has no room for a single thread
    """
    waiting = deque(things)

    def go_on() -> None:
        while waiting:
            try:
                thing = waiting.popleft()
            except IndexError:  # another took the last one
                return
            work(thing)

    threads: list[threading.Thread] = []
    for number in range(min(most, len(waiting))):
        thread = threading.Thread(target=go_on, name=f"contact-{number}")
        try:
            thread.start()
        except RuntimeError:  # the system takes no more of them: those that it took do all the work
            if not threads:
                raise
            break
        threads.append(thread)
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
