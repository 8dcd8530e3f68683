"""Trees of connections: one connection to a host on the way, however many hosts are behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import mitogen.core

from opsmop.errors import ConnectError, TransportError
from opsmop.transport.base import Route
from opsmop.transport.diagnosis import stopped
from opsmop.transport.gate import Gate
from opsmop.transport.link import Launch
from opsmop.transport.mitogen.channel import Channel
from opsmop.transport.mitogen.faults import behind, why_no_login, why_not_become
from opsmop.transport.mitogen.reaching import reached
from opsmop.transport.mitogen.router import Router, new_broker
from opsmop.transport.mitogen.station import Station
from opsmop.transport.openssh import ssh_arguments
from opsmop.transport.pipes import Waker
from opsmop.transport.stub import agent_arguments, for_any_shell, python_words
from opsmop.wire.records import dataclass, replace

_REMEMBERED = 30.0  # seconds for which a failure counts for all who want to go the same way
_PARTING = 8.0  # seconds for mitogen to end what it has


@dataclass(frozen=True)
class Hop:
    """One step of a way.

    :param route: the host that it comes to
    :param method: how another user is become there; empty for the login
    """

    route: Route
    method: str = ""


@dataclass
class _Reached:
    """What came of a hop, for all who want to go it."""

    done: bool = False
    station: Station | None = None
    error: TransportError | None = None
    since: float = 0.0

    @property
    def stale(self) -> bool:
        """Whether it is to be gone anew: it failed a while ago, or was lost between its opening and its being kept here."""
        if self.error is not None:
            return not self.error.password_refused and time.monotonic() - self.since > _REMEMBERED
        return self.station is not None and self.station.lost is not None


class Trees:
    """The stations that there are.

    :param gate: lets connections begin
    :param wakers: call when nothing is to be waited for any more
    """

    def __init__(self, gate: Gate, wakers: Sequence[Waker]) -> None:
        self._gate, self._wakers = gate, wakers
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        for waker in wakers:
            waker.listen(self._stir)
        self._broker: Any = None
        self._routers: list[Router] = []
        self._stations: dict[Hop, _Reached] = {}

    def way(self, route: Route, *, terminal: bool = False) -> tuple[Route, Launch]:
        """The way to a host, opened as far as it is shared with others.

        :param terminal: whether sudo there demands one
        :returns: what is left of the route, and how to start a process that leads to its agent
        :raises ViaError: if a host on the way cannot be worked with
        :raises ConnectError: if the host itself is reached by mitogen, and cannot be; `SudoError` likewise
        """
        if not terminal and not by_terminal(route):
            assert route.via is not None
            station = self._station(Hop(route.via.login), route.host)
            return route, _through(station)
        station = self._station(Hop(route.login), route.host)
        settled = replace(route, python=route.python or station.python)
        if route.become is not None and (terminal or route.become_method != "sudo"):
            if station.user != route.become or route.selinux:
                station = self._station(Hop(route, route.become_method), route.host)
            settled = replace(settled, become=None, sudo_password=None, sudo_role="", sudo_type="")
        return settled, _there(station)

    def close(self) -> None:
        """End every connection."""
        with self._lock:
            broker, self._broker = self._broker, None
        if broker is not None:
            broker.shutdown()
            broker._thread.join(_PARTING)  # noqa: SLF001 - its own join() has no limit
            for router in self._routers:
                router.bury()

    # Stations

    def _station(self, hop: Hop, wanted_by: str) -> Station:
        """The station at the end of a hop: one for all who want it."""
        with self._lock:
            known = self._stations.get(hop)
            mine = known is None or known.stale
            if mine:
                known = self._stations[hop] = _Reached()
        assert known is not None
        if mine:
            self._open(hop, known)
            if known.station is None and hop.route.host == wanted_by:  # nobody else waits for it, and it may try again
                self._forget(hop, known)
        if not self._comes(lambda: known.done):
            raise stopped(replace(hop.route, host=wanted_by))
        if known.station is None:
            assert known.error is not None
            raise _told(known.error, wanted_by)
        return known.station

    def _open(self, hop: Hop, known: _Reached) -> None:
        try:
            known.station = self._become(hop) if hop.method else self._log_in(hop)
        except TransportError as error:
            known.error = error
        finally:
            if known.station is None and known.error is None:  # a fault of ours, which goes on
                known.error = ConnectError(f"{hop.route.host} was not reached", host=hop.route.host)
            known.since = time.monotonic()
            known.done = True
            self._stir()

    def _stir(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _comes(self, happened: Callable[[], bool]) -> bool:
        """Wait until something has happened; false if a waker called before."""
        with self._changed:
            self._changed.wait_for(lambda: happened() or any(waker.called for waker in self._wakers))
        return happened()

    def _log_in(self, hop: Hop) -> Station:
        route = hop.route
        parent = self._station(Hop(route.via.login), route.host) if route.via is not None else None
        wanted = _login_wanted(route)
        return self._gate.connected(route, lambda: self._opened(hop, parent, wanted))

    def _become(self, hop: Hop) -> Station:
        parent = self._station(Hop(hop.route.login), hop.route.host)
        password = hop.route.sudo_password
        role, type_ = hop.route.sudo_role or None, hop.route.sudo_type or None
        options = {"set_home": True, "selinux_role": role, "selinux_type": type_}
        wanted = {
            "method": hop.method,
            "username": hop.route.become,
            "more": options if hop.method == "sudo" else {},
            "password": password.reveal() if password is not None else None,
            "python": [hop.route.python or parent.python],
            "timeout": hop.route.sudo_timeout,
        }
        return self._opened(hop, parent, wanted)

    def _opened(self, hop: Hop, parent: Station | None, wanted: dict[str, Any]) -> Station:
        if any(waker.called for waker in self._wakers):
            raise stopped(hop.route)
        try:
            router = parent.router if parent is not None else self._new_router()
            context = parent.reach(wanted) if parent is not None else self._reached_here(router, hop, wanted)
        except (mitogen.core.Error, OSError) as error:
            raise self._why(hop, str(error)) from None
        if parent is None:
            router.watch(router.stream_by_id(context.context_id))
        station = Station(router, context, hop.route, parent, self._wakers, lambda lost: self._drop(hop, lost))
        try:
            station.open()
        except BaseException:
            station.cut()
            raise
        return station

    def _reached_here(self, router: Router, hop: Hop, wanted: dict[str, Any]) -> Any:
        """What `reached` comes to, but no longer than anybody waits for it: mitogen's own wait cannot be woken."""
        came: list[Any] = []

        def reach() -> None:
            try:
                came.append(reached(router, wanted))
            except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                came.append(error)
            self._stir()

        threading.Thread(target=reach, name="opsmop reaching", daemon=True).start()
        if not self._comes(lambda: bool(came)):
            raise stopped(hop.route)
        if isinstance(came[0], Exception):
            raise came[0]
        return came[0]

    def _why(self, hop: Hop, text: str) -> TransportError:
        if any(waker.called for waker in self._wakers):
            return stopped(hop.route)
        return why_not_become(hop.route, hop.method, text) if hop.method else why_no_login(hop.route, text)

    def _drop(self, hop: Hop, lost: Station) -> None:
        with self._lock:
            known = self._stations.get(hop)
        if known is not None and known.station is lost:
            self._forget(hop, known)

    def _forget(self, hop: Hop, known: _Reached) -> None:
        with self._lock:
            if self._stations.get(hop) is known:
                del self._stations[hop]

    def _new_router(self) -> Router:
        with self._lock:
            if self._broker is None:
                self._broker = new_broker()
            router = Router(self._broker)
            self._routers.append(router)
            return router


def by_terminal(route: Route) -> bool:
    """Whether a host is reached by mitogen itself, which can type a password on a terminal."""
    becomes = route.become is not None and route.become_method != "sudo"
    return becomes or (route.via is not None and route.ssh_password is not None)


def _login_wanted(route: Route) -> dict[str, Any]:
    python = python_words(route)
    return {
        "method": "ssh",
        "arguments": ssh_arguments(route, "", shared=True)[:-1],
        "command": for_any_shell(python, route),
        "password": route.ssh_password.reveal() if route.ssh_password is not None else None,
        "python": python,
        "timeout": route.connect_timeout,
    }


def _through(station: Station) -> Launch:
    """Start ssh on the host before."""

    def launch(route: Route, beat: float, lease: float, prompt: str) -> Channel:
        command = for_any_shell(agent_arguments(route, beat, lease, prompt), route)
        return _run(station, ["env", "LC_ALL=C", *ssh_arguments(route, command)], route, kill=True)

    return launch


def _there(station: Station) -> Launch:
    """Start the agent where the station is."""

    def launch(route: Route, beat: float, lease: float, prompt: str) -> Channel:
        return _run(station, agent_arguments(route, beat, lease, prompt), route, kill=False)

    return launch


def _run(station: Station, arguments: list[str], route: Route, *, kill: bool) -> Channel:
    try:
        return station.run(arguments, kill=kill)
    except TransportError as error:
        raise _told(error, route.host) from None


def _told(error: TransportError, host: str) -> TransportError:
    """An error of a host on the way, for a host behind it; of the host itself, as it is."""
    if error.host != host:
        return behind(host, error)
    made: Callable[..., TransportError] = type(error)
    again = made(error.message, host=error.host, remedy=error.remedy)
    again.password_refused = error.password_refused
    return again
