"""The direct transport: the user's own OpenSSH, one command per host, frames on its stdin and stdout."""

from __future__ import annotations

import functools
import os
import pwd
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from opsmop.errors import OpsMopError
from opsmop.events import Warned
from opsmop.ship.bundle import Bundle, code_bundle
from opsmop.transport.attempts import Attempts
from opsmop.transport.base import Files, Receive, Route, Traffic
from opsmop.transport.becoming import TerminalNeededError, why_not_here
from opsmop.transport.conversation import Conversation, Limits
from opsmop.transport.diagnosis import stopped
from opsmop.transport.filled import Filled
from opsmop.transport.gate import CONNECTS, Gate
from opsmop.transport.link import Launch, Link, launched_here
from opsmop.transport.pipes import Waker
from opsmop.transport.room import Room, most_open_files
from opsmop.wire import frames
from opsmop.wire.order import Order

if TYPE_CHECKING:
    from opsmop.transport.mitogen.trees import Trees

BEAT = 5.0
LEASE = 60.0
_PARTING = 2.0  # seconds that an ssh has to end by itself once it was asked to
_PARTING_HERE = 30.0  # seconds for an agent on this machine, which first ends its role's commands
_STALE = 3000.0  # seconds after which an idle agent may be about to leave (opsmop.target.agent.IDLE)


class Direct:
    """Evaluates roles over ssh, and in separate processes of this machine; keeps connections for later roles.

    What is reached through other hosts, or becomes another user on a terminal, takes its way through trees of mitogen's;
    agents, frames and what they mean are the same.

    :param code: gives the bundle that agents are made of
    :param beat: seconds between two signs of life of an agent
    :param lease: seconds after which an agent that hears nothing ends its role
    :param connects: how many connections may be opening at a time
    :param limits: what one role on one host may say
    """

    def __init__(
        self,
        *,
        code: Callable[[], Bundle] = code_bundle,
        beat: float = BEAT,
        lease: float = LEASE,
        connects: int = CONNECTS,
        limits: Limits | None = None,
    ) -> None:
        self._code, self._beat, self._lease = functools.cache(code), beat, lease
        self._compiled = functools.cache(self._compiled_once)
        self._making = threading.Lock()
        self._limits = limits or Limits()
        self._cancelled, self._closed = Waker(), Waker()
        self._gate = Gate(connects, self._cancelled)
        self._room, self._attempts = Room(), Attempts()
        self._lock = threading.Lock()
        self._idle: dict[Route, list[Link]] = {}
        self._trees: Trees | None = None
        self._on_terminals: set[Route] = set()  # where sudo has demanded one
        self._filled: Filled | None = None

    def evaluate(self, route: Route, order: Order, packages: Bundle | None, receive: Receive, files: Files) -> Traffic:
        """See `opsmop.transport.base.Transport.evaluate`."""
        with self._room.taken(lambda: stopped(route)):
            link = self._reused(route, receive) or self._attempts.connected(route, lambda: self._connected(route))
            try:
                conversation = Conversation(
                    link, order, receive, files, limits=self._limits, cancelled=self._cancelled, closed=self._closed
                )
                traffic = conversation.hold(packages)
            except BaseException:
                _break([link])
                raise
            self._keep(route, link)
            return traffic

    def cancel(self) -> None:
        """See `opsmop.transport.base.Transport.cancel`."""
        self._cancelled.call()
        self._gate.wake()
        self._room.empty()

    def close(self) -> None:
        """See `opsmop.transport.base.Transport.close`."""
        with self._lock:
            self._cancelled.call()
            self._closed.call()
            self._gate.wake()
            self._room.empty()
            idle, self._idle = self._idle, {}
            trees, self._trees = self._trees, None
        if self._filled is not None:
            self._filled.save()
        _part([link for links in idle.values() for link in links])
        if trees is not None:
            trees.close()

    def _connected(self, route: Route) -> Link:
        try:
            return self._gone(route)
        except TerminalNeededError:
            if route.local:
                raise
        with self._lock:
            self._on_terminals.add(route)
        return self._gone(route)

    def _gone(self, route: Route) -> Link:
        """The link at the end of the way to a host. Hosts on the way have their own turns at the gate, before."""
        if self._cancelled.called:
            raise stopped(route)
        settled, launch = self._way(route)
        return self._gate.connected(settled, lambda: self._opened(settled, launch))

    def _way(self, route: Route) -> tuple[Route, Launch]:
        terminal = route in self._on_terminals
        becomes = route.become is not None and route.become_method != "sudo"
        if route.local and becomes and route.become != pwd.getpwuid(os.geteuid()).pw_name:
            raise why_not_here(route)
        if route.local or not (terminal or becomes or route.via is not None):
            return route, launched_here
        return self._grown().way(route, terminal=terminal)

    def _grown(self) -> Trees:
        from opsmop.transport.mitogen.trees import Trees  # most runs need no mitogen

        with self._lock:
            if self._trees is None:
                self._trees = Trees(self._gate, (self._cancelled, self._closed))
            return self._trees

    def _opened(self, route: Route, launch: Launch) -> Link:
        if self._cancelled.called:
            raise stopped(route)
        link = Link(route, self._beat, self._lease, launch)
        try:
            link.offer(*self._what_an_agent_is_made_of(route))  # found out while ssh is on its way
            link.await_agent((self._cancelled, self._closed))
        except BaseException:
            _break([link])
            raise
        return link

    def _what_an_agent_is_made_of(self, route: Route) -> tuple[Bundle, bytes, Filled]:
        with self._making:
            code = self._code()
            self._filled = self._filled or Filled(code.digest)
            return code, b"" if self._filled.has(route) else self._compiled(), self._filled

    def _compiled_once(self) -> bytes:
        from opsmop.ship.compiled import compiled_code  # not where every host has our code

        return compiled_code(self._code())

    def _reused(self, route: Route, receive: Receive) -> Link | None:
        """A connection that an earlier role left; what has died meanwhile is buried."""
        while not self._cancelled.called:
            with self._lock:
                link = self._idle[route].pop() if self._idle.get(route) else None
            if link is None or (time.monotonic() - link.used_at < _STALE and _answers(link, receive)):
                return link
            _break([link])
        return None

    def _keep(self, route: Route, link: Link) -> None:
        link.used_at = time.monotonic()
        with self._lock:
            kept = sum(map(len, self._idle.values()))
            if not self._closed.called and kept < _most_idle():
                self._idle.setdefault(route, []).append(link)
                return
        _part([link])


def _most_idle() -> int:
    """How many idle connections are kept: each holds three open files, and half of what may be open stays for others."""
    return most_open_files() // 6


def _answers(link: Link, receive: Receive) -> bool:
    """Whether the agent is still there. One that spoke without being asked is not worth keeping."""
    try:
        said = link.read(0.0)
    except OpsMopError:
        return False
    if any(kind in frames.ABOUT_FILES for kind, _ in said):
        receive(Warned(text="refused: a file was asked for between two roles; that connection was given up"))
    return not said and link.usable


def _part(links: list[Link]) -> None:
    for link in links:
        link.part()
    _bury(links)


def _break(links: list[Link]) -> None:
    for link in links:
        link.pipes.interrupt()
    _bury(links)


def _bury(links: list[Link]) -> None:
    """Wait for the ends of all, which come side by side: together no longer than the slowest may take."""
    begun = time.monotonic()
    for link in links:
        patience = _PARTING_HERE if link.route.local else _PARTING
        link.pipes.bury(max(0.0, begun + patience - time.monotonic()))
