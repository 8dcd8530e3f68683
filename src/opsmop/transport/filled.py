"""Which hosts have kept the code bundle: what is remembered on the control machine, so that it need not be sent again.

It is a guess that costs nothing if it is right. A host that has lost its code asks for it, one round trip later; one
that is not known to have it is sent it along.
"""

from __future__ import annotations

import threading

from opsmop.ship import store
from opsmop.transport.base import Route
from opsmop.wire.arriving import sha256

_LENGTH = 12  # characters that stand for a route
_MOST = 20_000  # routes that are remembered


class Filled:
    """The hosts that have kept one code bundle.

    :param digest: the bundle's
    """

    def __init__(self, digest: str) -> None:
        self._name = f"filled-{digest[:32]}"
        self._lock = threading.Lock()
        self._known = self._kept()
        self._noted: dict[str, bool] = {}

    def has(self, route: Route) -> bool:
        """Whether the host at the end of `route` is believed to have it."""
        return _mark(route) in self._known

    def note(self, route: Route, *, kept: bool) -> None:
        """Remember what the host has said. Callable from any thread."""
        mark = _mark(route)
        with self._lock:
            if kept == (mark in self._known):
                return
            self._noted[mark] = kept
            if kept:
                self._known[mark] = None
            else:
                del self._known[mark]

    def save(self) -> None:
        """Write it down, if anything has changed; a control machine without a home remembers nothing."""
        with self._lock:
            if self._noted:
                others = [mark for mark in self._kept() if mark not in self._noted]  # another process may have written
                known = [*others, *(mark for mark, kept in self._noted.items() if kept)]
                self._noted = {}
                store.write(self._name, "\n".join(known[-_MOST:]).encode())

    def _kept(self) -> dict[str, None]:
        return dict.fromkeys((store.read(self._name) or b"").decode("ascii", "replace").split())


def _mark(route: Route) -> str:
    """What stands for a route: no names, and the same for what leads to the same home of the same user."""
    before = _mark(route.via) if route.via is not None else ""
    way = (before, route.target, route.port, route.user, route.become, route.python, route.ssh_args, route.local)
    return sha256(repr(way).encode()).hex()[:_LENGTH]
