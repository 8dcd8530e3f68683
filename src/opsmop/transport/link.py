"""A connection to an agent: opening it, and frames over it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from opsmop.errors import ConnectError, ProtocolError, TransportError
from opsmop.ship.bundle import Bundle
from opsmop.transport.base import Route
from opsmop.transport.diagnosis import why_lost, why_no_connection
from opsmop.transport.filled import Filled
from opsmop.transport.opening import LAST_WORDS, Opening, shown
from opsmop.transport.openssh import ssh_arguments
from opsmop.transport.pipes import Pipes, Process, Waker
from opsmop.transport.stub import agent_arguments, boot_program, for_any_shell
from opsmop.wire import frames

if TYPE_CHECKING:
    from opsmop.transport.askpass import Askpass

_MOST_KEPT = 1000  # times: once for each role that compiled something


# Starts the process that leads to an agent: for a route, with the agent's beat and lease in seconds, and sudo's prompt.
Launch = Callable[[Route, float, float, str], Process]


class Link:
    """A connection to one host, as one user there.

    :param beat: seconds between two signs of life of the agent
    :param lease: seconds after which the agent ends its role if it hears nothing
    :param launch: starts the process that leads there
    :raises ConnectError: if it cannot even be tried
    """

    def __init__(self, route: Route, beat: float, lease: float, launch: Launch) -> None:
        self.route = route
        self.lease = lease
        self.packages = ""  # the digest of what the agent has
        self.accounted = (0, 0)  # bytes sent and received that earlier conversations have told
        self.used_at = time.monotonic()
        self._kept = 0  # how often it said so
        self._code_sent = False
        self._decoder = frames.Decoder(frames.FROM_AGENT)
        self._early: list[frames.Frame] = []
        self._prompt = f"[opsmop {os.urandom(8).hex()}]" if route.become and route.sudo_password else ""
        self.pipes = launch(route, beat, lease, self._prompt)

    def offer(self, code: Bundle, compiled: bytes, filled: Filled) -> None:
        """Let the host have what the agent is made of, once it can take it.

        :param code: that
        :param compiled: the same compiled, for a host that may be new (`opsmop.ship.compiled`); nothing for another
        :param filled: which hosts have kept it
        """
        self._code, self._compiled, self._filled = code, compiled, filled
        if not self._prompt:  # sudo would take it for the password
            self._send_program()

    @property
    def usable(self) -> bool:
        """Whether the agent can still be spoken to."""
        return self.pipes.alive

    def send(self, kind: int, *pieces: bytes) -> None:
        """Say something; it is sent while something is waited for."""
        self.pipes.send(frames.header(kind, sum(map(len, pieces))), *pieces)

    def send_code(self) -> None:
        """Send the code bundle, which the host has not kept.

        :raises ProtocolError: if it was sent already
        """
        if self._code_sent:
            raise off_protocol(self.route, "it needs the code again, which it was sent")
        self._code_sent = True
        self._filled.note(self.route, kept=False)
        if self._compiled:
            self.pipes.send(frames.header(frames.COMPILED, len(self._compiled)))
            self.pipes.send_shared(self._compiled)
        self._send_bundle(frames.CODE, self._code)

    def send_packages(self, packages: Bundle) -> None:
        """Send the packages that a role imports."""
        self._send_bundle(frames.PACKAGES, packages)
        self.packages = packages.digest

    def _send_bundle(self, kind: int, bundle: Bundle) -> None:
        digest = bundle.digest.encode()
        self.pipes.send(frames.header(kind, len(digest) + len(bundle.data)), digest)
        self.pipes.send_shared(bundle.data)

    def await_agent(self, wakers: Sequence[Waker]) -> None:
        """Wait until the host has started Python.

        :raises ConnectError: if it does not, and why; `SudoError` if sudo is why; `ProtocolError` for endless noise
        :raises HostLostError: if a waker called
        """
        early = Opening(self.route, self.pipes, self._prompt).await_ready(wakers)
        self.pipes.stop_answering()
        if self._prompt:
            self._send_program()
        self._early = self._decoded(early)

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
            raise why_lost(self.route, shown(self.route, self.pipes.complaint, self._prompt), self.pipes.status)
        return said

    def part(self) -> None:
        """Let the agent go."""
        self.send(frames.BYE)
        self.pipes.hang_up()

    def _send_program(self) -> None:
        self.pipes.send(boot_program())
        if self._filled.has(self.route):
            self.send(frames.CODE, self._code.digest.encode())
        else:
            self.send_code()

    def _decoded(self, data: bytes) -> list[frames.Frame]:
        try:
            said = self._decoder.feed(data)
        except ProtocolError as error:
            raise off_protocol(self.route, error.message) from None
        kept = sum(kind == frames.KEPT for kind, _ in said)
        if kept:
            self._note_kept(kept)
        return [frame for frame in said if frame[0] != frames.KEPT] if kept else said

    def _note_kept(self, times: int) -> None:
        self._kept += times
        if self._kept > _MOST_KEPT:
            raise off_protocol(self.route, "it keeps saying that it has kept the code")
        self._filled.note(self.route, kept=True)


def launched_here(route: Route, beat: float, lease: float, prompt: str) -> Process:
    """Start ssh, or a separate process, on this machine. See `Launch`.

    :raises ConnectError: if it cannot be started
    """
    arguments = agent_arguments(route, beat, lease, prompt)
    if not route.local:
        arguments = ssh_arguments(route, for_any_shell(arguments, route))
    askpass: Askpass | None = None
    try:
        if route.ssh_password is not None and not route.local:
            from opsmop.transport.askpass import Askpass  # few logins take a password

            askpass = Askpass(route.ssh_password)
        return Pipes(arguments, askpass)
    except OSError as error:
        if askpass is not None:
            askpass.close()
        raise _cannot_start(route, arguments[0], error) from None


def _cannot_start(route: Route, program: str, error: OSError) -> TransportError:
    if route.local:
        return why_no_connection(route, f"{program}: {error.strerror}", 127)
    return ConnectError(
        f"{program} cannot be started on this machine: {error.strerror}",
        host=route.host,
        remedy="OpsMop uses the OpenSSH client: install it (Debian: apt-get install openssh-client).",
    )


def off_protocol(route: Route, what: str) -> ProtocolError:
    """The host said something that is not the protocol."""
    return ProtocolError(
        f"{route.host} does not keep to the protocol: {what}",
        host=route.host,
        remedy="Does something on the host write into the connection, or is it not the host it seems to be?",
    )
