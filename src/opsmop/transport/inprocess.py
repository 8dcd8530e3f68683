"""The transport of local mode: evaluates roles in this process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from opsmop.errors import HostLostError
from opsmop.events import Event
from opsmop.events.wire import from_wire, to_wire
from opsmop.language.role import Role
from opsmop.ship.bundle import Bundle
from opsmop.target.printed import printing_as_events
from opsmop.target.run_role import run_role
from opsmop.transport.base import Receive, Route, Serve, Traffic
from opsmop.wire.order import Order

Live = Callable[[], tuple[Role, Iterable[tuple[str, dict[str, Any]]]]]


class InProcess:
    """Evaluates roles in this process, with what a fresh one would have: ``/`` as directory, umask 022.

    :param live: gives the role that is to be evaluated and its layers of variables, as they are
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._cancelled = False
        self._thread = 0
        self._group = 0

    def evaluate(self, route: Route, order: Order, packages: Bundle | None, receive: Receive, serve: Serve) -> Traffic:
        """See `opsmop.transport.base.Transport.evaluate`; `packages` are at hand already."""
        del packages
        requests = 0

        def emit(event: Event) -> None:
            receive(from_wire(to_wire(event)))  # what a push would show is what is shown

        def fetch(name: str) -> bytes:
            nonlocal requests
            requests += 1
            return serve(name)

        printing = printing_as_events(emit, aside=True, mine=_this_thread())
        with self._as_current(route), _fresh_surroundings(), printing as emit_in_order:
            self._run(route, order, emit_in_order, fetch)
        return Traffic(requests=requests)

    def cancel(self) -> None:
        """See `opsmop.transport.base.Transport.cancel`."""
        with self._lock:
            first, self._cancelled = not self._cancelled, True
            if self._thread and first:
                _interrupt(self._thread)
        if self._group and first:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGTERM)

    def close(self) -> None:
        """See `opsmop.transport.base.Transport.close`."""
        self.cancel()
        if self._group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)

    def _run(self, route: Route, order: Order, emit: Receive, fetch: Serve) -> None:
        try:
            run_role(order, emit, fetch, live=self._live, command_started=self._note_command)
        except KeyboardInterrupt:
            if not self._cancelled:
                raise
            raise HostLostError(f"the role was cancelled on {route.host}", host=route.host) from None

    def _note_command(self, group: int) -> None:
        self._group = group

    @contextmanager
    def _as_current(self, route: Route) -> Iterator[None]:
        with self._lock:
            if self._cancelled:
                raise HostLostError("the run was stopped", host=route.host)
            self._thread = threading.get_ident()
        try:
            yield
        finally:
            with self._lock:
                self._thread = 0


def _this_thread() -> Callable[[], bool]:
    own = threading.get_ident()
    return lambda: threading.get_ident() == own


@contextmanager
def _fresh_surroundings() -> Iterator[None]:
    directory, environment = os.getcwd(), dict(os.environ)  # noqa: PTH109 - a string is what chdir gets back
    umask = os.umask(0o022)
    os.chdir("/")
    try:
        yield
    finally:
        os.chdir(directory)
        os.umask(umask)
        os.environ.clear()
        os.environ.update(environment)


def _interrupt(thread: int) -> None:
    """Raise KeyboardInterrupt in a thread, at its next step of Python."""
    import ctypes  # only for a cancelled run

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))
