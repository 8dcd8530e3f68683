"""A connection to an agent: opening it, and frames over it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from opsmop.errors import ConnectError, HostLostError, ProtocolError, TransportError
from opsmop.events.wire import clean
from opsmop.ship.bundle import Bundle
from opsmop.transport.base import Route
from opsmop.transport.diagnosis import (
    remote_text,
    why_lost,
    why_no_connection,
    why_no_python,
    why_not_in_time,
    why_too_old,
)
from opsmop.transport.openssh import ssh_arguments
from opsmop.transport.pipes import Pipes, Waker
from opsmop.transport.stub import NO_PYTHON, READY, TOO_OLD, agent_arguments, boot_program, for_any_shell
from opsmop.wire import frames

MOST_NOISE = 64 << 10  # bytes that a login may print before the agent answers
LAST_WORDS = 2.0  # seconds for which the reason of an end is waited for
_PATIENCE_OF_SSH = 2.0  # seconds that ssh's own time limit, which says more, has to be first


class Link:
    """A connection to one host, as one user there.

    :param code: what the agent is made of
    :param beat: seconds between two signs of life of the agent
    :param lease: seconds after which the agent ends its role if it hears nothing
    :raises ConnectError: if it cannot even be tried
    """

    def __init__(self, route: Route, code: Bundle, beat: float, lease: float) -> None:
        self.route = route
        self.lease = lease
        self.packages = ""  # the digest of what the agent has
        self.accounted = (0, 0)  # bytes sent and received that earlier conversations have told
        self.used_at = time.monotonic()
        self._code = code
        self._decoder = frames.Decoder(frames.FROM_AGENT)
        self._early: list[frames.Frame] = []
        self.pipes = _started(route, beat, lease)
        self.pipes.send(boot_program())
        self.send_code()

    @property
    def usable(self) -> bool:
        """Whether the agent can still be spoken to."""
        return self.pipes.alive

    def send(self, kind: int, *pieces: bytes) -> None:
        """Say something; it is sent while something is waited for."""
        self.pipes.send(frames.header(kind, sum(map(len, pieces))), *pieces)

    def send_code(self) -> None:
        """Send the code bundle."""
        self.send(frames.CODE, self._code.digest.encode(), self._code.data)

    def await_agent(self, wakers: Sequence[Waker]) -> None:
        """Wait until the host has started Python.

        :raises ConnectError: if it does not, and why; `SudoError` if sudo is why; `ProtocolError` for endless noise
        :raises HostLostError: if a waker called
        """
        deadline = time.monotonic() + self.route.connect_timeout + _PATIENCE_OF_SSH
        noise = b""
        while READY not in noise:
            noise += self.pipes.read(deadline, wakers)
            self._check_opening(noise, deadline, wakers)
        self._early = self._decoded(noise.partition(READY)[2])

    def read(self, until: float, wakers: Sequence[Waker] = ()) -> list[frames.Frame]:
        """The frames that come next; none if time is up or a waker called.

        :raises HostLostError: if the connection has ended
        :raises ProtocolError: if something else than frames comes
        """
        if self._early:
            early, self._early = self._early, []
            return early
        said = self._decoded(self.pipes.read(until, wakers))
        if self.pipes.ended and not said:
            self.pipes.last_words(LAST_WORDS)
            raise why_lost(self.route, self.pipes.complaint, self.pipes.status)
        return said

    def part(self) -> None:
        """Let the agent go."""
        self.send(frames.BYE)
        self.pipes.hang_up()

    def _check_opening(self, noise: bytes, deadline: float, wakers: Sequence[Waker]) -> None:
        route = self.route
        if READY in noise:
            return
        if any(waker.called for waker in wakers):
            raise stopped(route)
        for mark, why in ((TOO_OLD, why_too_old), (NO_PYTHON, why_no_python)):
            told, ended, _ = noise.partition(mark)[2].partition(b"\n")
            if ended:
                raise why(route, told.decode("utf-8", "replace"))
        if len(noise) > MOST_NOISE:
            raise ProtocolError(
                f"{route.host} printed {len(noise)} bytes without an answer of Python:\n    {_beginning(noise)}",
                host=route.host,
                remedy="Do the login's rc files print without end?",
            )
        if self.pipes.ended:
            self.pipes.last_words(LAST_WORDS)
            raise why_no_connection(route, self.pipes.complaint, self.pipes.status)
        if time.monotonic() >= deadline:
            raise why_not_in_time(route, self.pipes.complaint)

    def _decoded(self, data: bytes) -> list[frames.Frame]:
        try:
            return self._decoder.feed(data)
        except ProtocolError as error:
            raise off_protocol(self.route, error.message) from None


def _started(route: Route, beat: float, lease: float) -> Pipes:
    arguments = agent_arguments(route, beat, lease)
    if not route.local:
        arguments = ssh_arguments(route, for_any_shell(arguments, route))
    try:
        return Pipes(arguments)
    except OSError as error:
        raise _cannot_start(route, arguments[0], error) from None


def _cannot_start(route: Route, program: str, error: OSError) -> TransportError:
    if route.local:
        return why_no_connection(route, f"{program}: {error.strerror}", 127)
    return ConnectError(
        f"{program} cannot be started on this machine: {error.strerror}",
        host=route.host,
        remedy="OpsMop uses the OpenSSH client: install it (Debian: apt-get install openssh-client).",
    )


def _beginning(noise: bytes) -> str:
    return remote_text(clean(noise[:200].decode("utf-8", "replace")))


def off_protocol(route: Route, what: str) -> ProtocolError:
    """The host said something that is not the protocol."""
    return ProtocolError(
        f"{route.host} does not keep to the protocol: {what}",
        host=route.host,
        remedy="Does something on the host write into the connection, or is it not the host it seems to be?",
    )


def stopped(route: Route) -> HostLostError:
    """The run was stopped here."""
    return HostLostError(f"the run was stopped before the role ended on {route.host}", host=route.host)
