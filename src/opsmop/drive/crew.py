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
    """
    waiting = deque(things)

    def go_on() -> None:
        while waiting:
            try:
                thing = waiting.popleft()
            except IndexError:  # another took the last one
                return
            work(thing)

    threads = [threading.Thread(target=go_on, name=f"contact-{number}") for number in range(min(most, len(waiting)))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join()
