"""Who may connect now: so many at a time, and fewer to one sshd, which drops what is too much for it."""

from __future__ import annotations

import select
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from opsmop.errors import OpsMopError
from opsmop.transport.base import Route
from opsmop.transport.diagnosis import may_pass, stopped
from opsmop.transport.hops import Hops
from opsmop.transport.pipes import Waker

Connection = TypeVar("Connection")

CONNECTS = 16
# sshd_config(5): MaxStartups is 10:30:100, so that from 10 unauthenticated connections on some are dropped.
CONNECTS_PER_HOP = 8
_TRIES = 4
_FIRST_PAUSE = 0.4  # seconds; each further one is twice as long, and each is halved at random


class Gate:
    """Lets connections begin, and begin again where what went wrong may pass.

    :param connects: how many may be on their way at a time
    :param cancelled: calls when none may begin any more
    """

    def __init__(self, connects: int, cancelled: Waker) -> None:
        self._connects, self._cancelled = connects, cancelled
        self._changed = threading.Condition()
        self._on_their_way: Counter[str] = Counter()
        self._hops = Hops()

    def connected(self, route: Route, connect: Callable[[], Connection]) -> Connection:
        """What `connect` gives, tried again while its time lasts if sshd refused, dropped or did not answer.

        :raises OpsMopError: what `connect` raises at last
        :raises HostLostError: if the run was stopped meanwhile
        """
        if route.local:
            return connect()
        until = 0.0
        for number in range(_TRIES):
            try:
                with self._through(route):
                    until = until or time.monotonic() + route.connect_timeout  # waiting for its turn costs it none
                    return connect()
            except OpsMopError as error:
                import random  # few connections are tried again

                pause = _FIRST_PAUSE * 2**number * random.uniform(0.5, 1)
                if number == _TRIES - 1 or not may_pass(error) or time.monotonic() + pause >= until:
                    raise
            self._rest(pause, route)
        raise stopped(route)

    @contextmanager
    def _through(self, route: Route) -> Iterator[None]:
        hop = self._hops.first(route)
        with self._changed:
            while self._on_their_way.total() >= self._connects or self._on_their_way[hop] >= CONNECTS_PER_HOP:
                self._refuse_if_stopped(route)
                self._changed.wait()
            self._refuse_if_stopped(route)
            self._on_their_way[hop] += 1
        try:
            yield
        finally:
            with self._changed:
                self._on_their_way[hop] -= 1
                self._changed.notify_all()

    def wake(self) -> None:
        """Let those that wait see that the run was stopped."""
        with self._changed:
            self._changed.notify_all()

    def _rest(self, pause: float, route: Route) -> None:
        waiting = select.poll()
        waiting.register(self._cancelled.channel, select.POLLIN)
        waiting.poll(pause * 1000)
        self._refuse_if_stopped(route)

    def _refuse_if_stopped(self, route: Route) -> None:
        if self._cancelled.called:
            raise stopped(route)
