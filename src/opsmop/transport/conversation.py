"""One role's conversation with an agent, which nobody here trusts."""

from __future__ import annotations

import time

from opsmop.errors import HostLostError, ProtocolError, TransportError
from opsmop.events import HOST_EVENTS, INTERRUPTION, EvaluationFinished, Event, Printed, ResourceFailed
from opsmop.events.wire import from_wire
from opsmop.ship.bundle import Bundle
from opsmop.transport.base import Files, Receive, Traffic
from opsmop.transport.diagnosis import stopped, why_role_died, why_role_too_long
from opsmop.transport.files.talk import FileTalk
from opsmop.transport.link import Link, off_protocol
from opsmop.transport.pipes import Waker
from opsmop.transport.weight import weight_of
from opsmop.wire import frames
from opsmop.wire.order import Order
from opsmop.wire.records import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """What one role on one host may say; far above what any honest one says.

    :param frames: events, signs of life and whatever else
    :param received: bytes
    :param requests: files that it asks for
    :param memory: bytes that its events would take here, about, if all of them were kept
    """

    frames: int = 500_000
    received: int = 512 << 20
    requests: int = 20_000
    memory: int = 64 << 20


_CANCEL_GRACE = 90.0  # seconds for a cancelled role to end
_SIGN_OF_LIFE = 4096  # bytes of a message that has not come whole


class Conversation:
    """One role's conversation.

    :param limits: what the host may say at most
    :param cancelled: calls when the role is to end cleanly
    :param closed: calls when everything is to end at once
    """

    def __init__(
        self,
        link: Link,
        order: Order,
        receive: Receive,
        files: Files,
        *,
        limits: Limits,
        cancelled: Waker,
        closed: Waker,
    ) -> None:
        self._link, self._order = link, order
        self._receive = receive
        self._files = FileTalk(files, order, link.send, lambda: link.pipes.backlog)
        self._limits, self._cancelled, self._closed = limits, cancelled, closed
        self._before = link.accounted
        self._frames = self._weight = 0
        self._finished = self._ended = self._cancel_sent = False
        self._give_up_at = float("inf")
        self._late_at = time.monotonic() + (link.route.role_timeout or float("inf"))
        self._late = False
        self._heard = self._pinged = time.monotonic()
        self._sent, self._received = link.pipes.sent, link.pipes.received

    def hold(self, packages: Bundle | None) -> Traffic:
        """Give the order and take what comes, until the role has ended. See `Transport.evaluate`."""
        try:
            self._give_order(packages)
            while not self._ended:
                self._turn()
        except TransportError as error:
            traffic = self._traffic()
            error.spent = (traffic.sent, traffic.received, traffic.requests)
            raise
        finally:
            self._files.close()
        if self._late:
            raise why_role_too_long(self._link.route)
        return self._traffic()

    def _turn(self) -> None:
        self._keep_alive()
        more = self._files.go_on(time.monotonic())
        said = self._link.read(min(more, self._next_moment()), self._wakers())
        for kind, payload in said:
            self._take(kind, payload)
        self._check_stops()
        self._check_silence(spoke=bool(said))

    def _give_order(self, packages: Bundle | None) -> None:
        digest = frames.NO_DIGEST
        if packages is not None:
            digest = packages.digest.encode()
            if self._link.packages != packages.digest:
                self._link.send_packages(packages)
        self._link.send(frames.ORDER, digest, *self._order.to_pieces())

    def _traffic(self) -> Traffic:
        pipes = self._link.pipes
        self._link.accounted = (pipes.sent, pipes.received)
        return Traffic(pipes.sent - self._before[0], pipes.received - self._before[1], self._files.requests)

    # Time

    def _wakers(self) -> list[Waker]:
        return [self._closed] if self._cancel_sent else [self._cancelled, self._closed]

    def _next_moment(self) -> float:
        return min(
            self._pinged + self._ping_every,
            self._heard + self._link.route.silence_timeout,
            self._give_up_at,
            self._late_at,
        )

    @property
    def _ping_every(self) -> float:
        return self._link.lease / 6

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if now - self._pinged >= self._ping_every:
            self._pinged = now
            self._link.send(frames.PING)

    def _check_stops(self) -> None:
        now = time.monotonic()
        if self._closed.called or now >= self._give_up_at:
            raise why_role_too_long(self._link.route) if self._late else stopped(self._link.route)
        if now >= self._late_at:
            self._late, self._late_at = not self._cancel_sent, float("inf")
        if (self._late or self._cancelled.called) and not self._cancel_sent:
            self._cancel_sent = True
            self._give_up_at = now + _CANCEL_GRACE
            self._link.send(frames.CANCEL)

    def _check_silence(self, *, spoke: bool) -> None:
        now = time.monotonic()
        pipes, sent = self._link.pipes, self._sent
        self._sent = pipes.sent
        # A long message that goes on coming or leaving is a sign of life; a short one, such as a ping, fits into any pipe.
        coming = pipes.received - self._received >= _SIGN_OF_LIFE
        if spoke or coming or (pipes.backlog and pipes.sent != sent):
            self._received = pipes.received
            self._heard = now
            return
        route = self._link.route
        if now - self._heard >= route.silence_timeout:
            raise HostLostError(
                f"{route.host} has said nothing for {route.silence_timeout:g} seconds",
                host=route.host,
                remedy="It hangs, is overloaded or was cut off. What it was doing may still be going on there.",
            )

    # What the agent says

    def _take(self, kind: int, payload: bytes) -> None:
        self._check_amount()
        if self._ended:
            raise self._off("it spoke after its role had ended")
        if kind == frames.EVENT:
            self._take_event(payload)
        elif kind in frames.ABOUT_FILES:
            self._hear_about_files(kind, payload)
        elif kind == frames.NEED:
            self._link.send_code()
        elif kind == frames.ENDED:
            self._take_end(payload)

    def _take_event(self, payload: bytes) -> None:
        try:
            event = from_wire(payload)
        except ProtocolError as error:
            raise self._off(error.message) from None
        self._check_event(event)
        self._weight += weight_of(payload, event)
        if self._weight > self._limits.memory:
            raise self._off(f"what one role said would take {self._weight} bytes of memory")
        self._finished = self._finished or isinstance(event, EvaluationFinished)
        self._receive(self._with_reason(event) if self._late else event)

    def _with_reason(self, event: Event) -> Event:
        """What the end of the role's time has interrupted, with that for a reason: the host knows of none."""
        if not isinstance(event, (ResourceFailed, EvaluationFinished)):
            return event
        failure = event.failure
        if failure is None or failure.error != INTERRUPTION:
            return event
        why = why_role_too_long(self._link.route)
        message = f"{why.message}: {failure.message}" if failure.message else why.message
        told = replace(failure, error=type(why).__name__, message=message, remedy=why.remedy, trace="")
        return replace(event, failure=told)

    def _check_event(self, event: Event) -> None:
        name, order = type(event).__name__, self._order
        if name not in HOST_EVENTS:
            raise self._off(f"it said {name}, which only the controller says")
        for what, said, own in (
            ("host", event.host, order.host),
            ("role", event.role, order.role),
            ("run", event.run, order.run),
        ):
            if said not in ("", own):
                raise self._off(f"it spoke for the {what} {said[:80]!r}")
        if self._finished and not isinstance(event, Printed):
            raise self._off(f"it said {name} after its evaluation had finished")

    def _take_end(self, payload: bytes) -> None:
        if len(payload) != 2:  # noqa: PLR2004 - how it ended, and the number
            raise self._off("a malformed ending")
        if not self._finished:
            raise why_role_died(self._link.route, *payload)
        self._ended = True

    def _hear_about_files(self, kind: int, payload: bytes) -> None:
        if self._finished:
            raise self._off("it asked for a file after its role had ended")
        try:
            self._files.hear(kind, payload)
        except ProtocolError as error:
            raise self._off(error.message) from None

    def _check_amount(self) -> None:
        self._frames += 1
        limits, received = self._limits, self._link.pipes.received - self._before[1] - self._files.accepted
        if self._frames > limits.frames or received > limits.received or self._files.requests > limits.requests:
            raise self._off(
                f"one role said {self._frames} frames of {received} bytes and asked for {self._files.requests} files"
            )

    def _off(self, what: str) -> ProtocolError:
        return off_protocol(self._link.route, what)
