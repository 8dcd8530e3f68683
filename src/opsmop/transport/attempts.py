"""One attempt for each password: what was refused is not told again, however many contacts go the same way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from opsmop.errors import AuthenticationError, TransportError
from opsmop.transport.base import Route

Connection = TypeVar("Connection")


class Attempts:
    """What came of the passwords of this run. A host locks accounts after a few wrong ones, or a directory does for all hosts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._firsts: dict[Route, threading.Lock] = {}
        self._right: set[Route] = set()
        self._refused: dict[Route, TransportError] = {}
        self._failed: dict[Route, tuple[float, TransportError]] = {}  # the last other failure, and when that was

    def connected(self, route: Route, connect: Callable[[], Connection]) -> Connection:
        """What `connect` gives. The first with a password goes alone; the others wait for what comes of it.

        :raises TransportError: what `connect` raises, or what an earlier attempt with the same password came to
        """
        if route.ssh_password is None and route.sudo_password is None:
            return connect()
        if route not in self._right:
            asked = time.monotonic()
            with self._first(route):
                self._fail_again(route, asked)
                if route not in self._right:
                    return self._first_connected(route, connect)
        return connect()

    def _first(self, route: Route) -> threading.Lock:
        with self._lock:
            return self._firsts.setdefault(route if route.ssh_password is None else route.login, threading.Lock())

    def _first_connected(self, route: Route, connect: Callable[[], Connection]) -> Connection:
        try:
            made = connect()
        except TransportError as error:
            if error.password_refused:
                self._refused[route.login if isinstance(error, AuthenticationError) else route] = error
            self._failed[route] = (time.monotonic(), error)
            raise
        self._right.add(route)
        return made

    def _fail_again(self, route: Route, asked: float) -> None:
        """Raise what has come of the password, or of what was waited for: to try one after another would take its time."""
        error = self._refused.get(route.login) or self._refused.get(route)
        when, failure = self._failed.get(route, (0.0, None))
        if error is None and when >= asked:
            error = failure
        if error is not None:
            raise type(error)(error.message, host=error.host, remedy=error.remedy)
