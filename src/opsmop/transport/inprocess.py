"""The transport of local mode: evaluates roles in this process."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

from opsmop.errors import HostLostError
from opsmop.events import Event
from opsmop.events.wire import from_wire, to_wire
from opsmop.ship.bundle import Bundle
from opsmop.target.log import Logged
from opsmop.target.machine.commands import STARTING
from opsmop.target.printed import printing_as_events
from opsmop.target.run_role import run_role
from opsmop.transport.base import Files, Receive, Route, Traffic
from opsmop.transport.files.near import Near
from opsmop.wire.order import Order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from opsmop.target.run_role import Shipped

    Live = Callable[[], Shipped]

_ENDING = 4.0  # seconds


class InProcess:
    """Evaluates roles in this process, with what a fresh one would have: ``/`` as directory, umask 022.

    :param live: gives the role that is to be evaluated and what goes with it, as they are
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._lock = threading.Lock()
        self._cancelled = False
        self._thread = 0
        self._group = 0
        self._indivisible = False  # whether the command that runs must not be ended in the middle
        self._plans = b""  # of check, from one role to the next
        self._wished = False  # an interruption that waits until a command has started
        self._idle = threading.Event()
        self._idle.set()

    def evaluate(self, route: Route, order: Order, packages: Bundle | None, receive: Receive, files: Files) -> Traffic:
        """See `opsmop.transport.base.Transport.evaluate`; `packages` are at hand already."""
        del packages
        near = Near(files, order)

        def emit(event: Event) -> None:
            receive(from_wire(to_wire(event)))  # what a push would show is what is shown

        logged = Logged(emit)
        printing = printing_as_events(logged, aside=True, mine=_this_thread())
        with self._as_current(route), _fresh_surroundings(), printing as emit_in_order, closing(logged):
            logged.open(order)
            plans = (self._plans, self._keep)
            run_role(order, emit_in_order, near, live=self._live, command_started=self._note_command, plans=plans)
        return Traffic(requests=near.requests)

    def _keep(self, plans: bytes) -> None:
        self._plans = plans

    def cancel(self) -> None:
        """See `opsmop.transport.base.Transport.cancel`."""
        with self._lock:
            first, self._cancelled = not self._cancelled, True
            if not first or not self._thread:
                return
            if self._group == STARTING:
                self._wished = True
            else:
                _interrupt(self._thread)
        self._end_command(signal.SIGTERM)

    def close(self) -> None:
        """See `opsmop.transport.base.Transport.close`; waits for the role's end, a few seconds at most."""
        self.cancel()
        until = time.monotonic() + _ENDING
        while not self._idle.wait(0.05) and time.monotonic() < until:
            self._end_command(signal.SIGKILL)

    def _end_command(self, number: int) -> None:
        if self._group > 0 and not self._indivisible:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, number)

    def _note_command(self, group: int, grace: float) -> None:
        with self._lock:
            self._group, self._indivisible = group, bool(grace)
            wished, self._wished = self._wished and group != STARTING, self._wished and group == STARTING
        if wished:
            raise KeyboardInterrupt

    @contextmanager
    def _as_current(self, route: Route) -> Iterator[None]:
        with self._lock:
            if self._cancelled:
                raise HostLostError("the run was stopped", host=route.host)
            self._thread = threading.get_ident()
            self._idle.clear()
        try:
            yield
        except KeyboardInterrupt:
            if not self._cancelled:
                raise
            raise HostLostError(f"the role was cancelled on {route.host}", host=route.host) from None
        finally:
            with self._lock:
                self._thread = 0
            self._idle.set()


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
