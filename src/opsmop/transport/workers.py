"""Workers: more processes of this machine, among which whole connection trees are dealt.

A worker is a `Direct` of its own. Orders go in, events come out, and all that crosses is bytes: what a host said arrives
here as JSON, checked once by the worker and once more here.
"""

from __future__ import annotations

import json
import pickle
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

from opsmop import errors
from opsmop.errors import HostLostError, OpsMopError, TransportError
from opsmop.events.wire import from_wire
from opsmop.ship.bundle import Bundle
from opsmop.transport.base import Files, Receive, Route, Traffic
from opsmop.transport.diagnosis import stopped
from opsmop.transport.gate import CONNECTS
from opsmop.transport.hops import Hops
from opsmop.transport.worker import CANCEL, DONE, EVENT, FAILED, FORBIDDEN, JOB, read_message, send_message
from opsmop.wire.order import Order

_ENDING_SECONDS = 40.0  # that a worker has to part from its hosts; each of those has less


class Workers:
    """Evaluates roles in so many processes.

    :param count: how many
    :param connects: how many connections may be opening at a time, in all of them together
    """

    def __init__(self, count: int, *, connects: int = CONNECTS) -> None:
        self._count, self._connects = count, max(1, -(-connects // count))
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._dealt: dict[str, int] = {}
        self._hops = Hops()
        self._over = False

    def evaluate(self, route: Route, order: Order, packages: Bundle | None, receive: Receive, files: Files) -> Traffic:
        """See `opsmop.transport.base.Transport.evaluate`."""
        self._hops.first(_outermost(route))  # ssh may have to think about it, which others are not to wait for
        with self._lock:
            if self._over:
                raise stopped(route)
            worker = self._worker_for(route)
        near, far = socket.socketpair()
        with near:
            with far:
                worker.hand_over(far)
            return _Talk(near, route, receive, files).hold(order, packages)

    def cancel(self) -> None:
        """See `opsmop.transport.base.Transport.cancel`."""
        with self._lock:
            self._over = True
            workers = [*self._workers]
        for worker in workers:
            worker.cancel()

    def close(self) -> None:
        """See `opsmop.transport.base.Transport.close`."""
        with self._lock:
            self._over = True
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.hang_up()
        for worker in workers:
            worker.bury()

    def _worker_for(self, route: Route) -> _Worker:
        """The worker that has the tree to which a route belongs; trees are dealt in turn. Another follows one that ended."""
        hop = self._hops.first(_outermost(route))
        number = self._dealt.setdefault(hop, len(self._dealt) % self._count)
        while len(self._workers) <= number:
            self._workers.append(_Worker(self._connects, self._count))
        if self._workers[number].ended:
            self._workers[number].hang_up()
            self._workers[number] = _Worker(self._connects, self._count)
        return self._workers[number]


def _outermost(route: Route) -> Route:
    while route.via is not None:
        route = route.via
    return route


class _Worker:
    """One process. A terminal's Ctrl-C does not reach it; it ends with its control channel, so also with us."""

    def __init__(self, connects: int, share: int) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            words = [str(theirs.fileno()), str(connects), str(share)]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                # Without -P, modules of the directory that the operator happens to be in would come before Python's own.
                [sys.executable, "-P", "-m", "opsmop.transport.worker", *words],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def ended(self) -> bool:
        """Whether it is no more, as when it was killed."""
        return self._process.poll() is not None

    def hand_over(self, channel: socket.socket) -> None:
        """Let it evaluate what `channel` tells."""
        with suppress(OSError):  # it has ended: so has the channel, and that is told
            socket.send_fds(self._control, [JOB], [channel.fileno()])

    def cancel(self) -> None:
        try:
            self._control.sendall(CANCEL)
        except OSError:
            return  # it has ended

    def hang_up(self) -> None:
        self._control.close()

    def bury(self) -> None:
        try:
            self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Talk:
    """What is said about one evaluation."""

    def __init__(self, channel: socket.socket, route: Route, receive: Receive, files: Files) -> None:
        self._channel, self._route, self._receive, self._files = channel, route, receive, files

    def hold(self, order: Order, packages: Bundle | None) -> Traffic:
        """Say what is to be evaluated, and hear what came of it.

        :raises OpsMopError: as the worker's own `Direct` raised it
        """
        try:
            job = (self._route, order.to_bytes(), packages, self._files.rules)
            send_message(self._channel, JOB, pickle.dumps(job))
            while True:
                kind, payload = read_message(self._channel)
                if kind == DONE:
                    return Traffic(*json.loads(payload))
                if kind == FAILED:
                    raise _remade(json.loads(payload))
                self._take(kind, payload)
        except OSError:
            raise HostLostError(
                f"the worker process that spoke with {self._route.host} ended",
                host=self._route.host,
                remedy="Was it killed, or did memory run out (dmesg)?",
            ) from None

    def _take(self, kind: bytes, payload: bytes) -> None:
        if kind == EVENT:
            self._receive(from_wire(payload))
        elif kind == FORBIDDEN:
            self._files.forbidden(payload.decode())


def _remade(said: dict[str, Any]) -> OpsMopError:
    """The error that a worker told of."""
    spent = said.pop("spent", ())
    kind = getattr(errors, said.pop("error"), TransportError)
    if not issubclass(kind, TransportError):
        said.pop("host")
        kind = OpsMopError
    error: OpsMopError = kind(said.pop("message"), **said)
    if isinstance(error, TransportError) and spent:
        error.spent = tuple(spent)
    return error
