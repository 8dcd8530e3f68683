"""A host on the way, or a user on a host: the controller's end of a relay."""

from __future__ import annotations

import builtins
import itertools
import json
import pkgutil
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import mitogen.core
import mitogen.parent

from opsmop.errors import ConnectError, ProtocolError, TransportError
from opsmop.transport.base import Route
from opsmop.transport.diagnosis import stopped
from opsmop.transport.mitogen import relay, speech
from opsmop.transport.mitogen.channel import Channel
from opsmop.transport.pipes import Waker, listening

_CARRIED = ("speech", "reaching", "child", "relay")
_PACKAGE = "opsmop.transport.mitogen"
_MOST_SAID = 64 << 10  # bytes of what is not a process's word
_ANSWER_TIME = 10.0  # seconds for a relay to answer at all

# Makes the relay's modules on the host, so that the one call that follows finds it. Nothing of ours is imported there.
_CARRY = """\
import sys, types, zlib
parent = None
for name in ("opsmop", "opsmop.transport", "opsmop.transport.mitogen"):
    parent = sys.modules[name] = types.ModuleType(name)
    parent.__path__ = []
for name, source in carried:
    module = sys.modules[parent.__name__ + "." + name] = types.ModuleType(parent.__name__ + "." + name)
    setattr(parent, name, module)
    exec(compile(zlib.decompress(source), "<" + module.__name__ + ">", "exec"), module.__dict__)
"""
_NOTHING = mitogen.core.Message.pickled(None).data  # what a call answers that went well


@cache
def _sources() -> tuple[tuple[str, bytes], ...]:
    found = ((name, pkgutil.get_data(_PACKAGE, f"{name}.py")) for name in _CARRIED)
    return tuple((name, zlib.compress(source, 9)) for name, source in found if source is not None)


class Station:
    """One Python of mitogen's that starts processes for us and reaches further.

    :param router: the tree's
    :param context: mitogen's context
    :param route: how it was reached
    :param parent: the station that has reached it; None for the controller
    :param wakers: call when nothing is to be waited for any more
    :param on_lost: called once when it is lost
    """

    def __init__(
        self,
        router: Any,
        context: Any,
        route: Route,
        parent: Station | None,
        wakers: Sequence[Waker],
        on_lost: Callable[[Station], None],
    ) -> None:
        self.router, self.context, self.route, self.parent = router, context, route, parent
        self._wakers, self._on_lost = wakers, on_lost
        router.expect_more()
        self._stream = router.stream_by_id(context.context_id)
        # Mitogen's routers see to it that nobody speaks in the name of what is not behind it.
        self.way: frozenset[int] = (parent.way if parent else frozenset()) | {context.context_id}
        self._changed = threading.Condition()
        self._giving = threading.Lock()
        self._given: set[str] = set()
        self._channels: dict[int, Channel] = {}
        self._reached: dict[int, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._about: dict[str, Any] = {}
        self.lost: TransportError | None = None
        self._here = router.add_handler(self._hear, persist=True, policy=self._is_its_own, respondent=context)

    @property
    def user(self) -> str:
        """Who it runs as."""
        return str(self._about["user"])

    @property
    def python(self) -> str:
        """The path of its Python."""
        return str(self._about["python"])

    def open(self) -> None:
        """Start the relay.

        :raises ConnectError: if it does not start in time, or cannot
        """
        self._call(builtins.exec, _CARRY, {"carried": _sources()})
        self._call(relay.main, self._here)
        if not self._await(lambda: bool(self._about), self.route.connect_timeout):
            raise self._fault("its relay does not start")

    def run(self, arguments: list[str], *, kill: bool) -> Channel:
        """Start a process there.

        :param kill: whether it is killed if nobody listens to it any more
        :raises ConnectError: if it cannot be started
        """
        number = next(self._numbers)
        channel = self._channels[number] = Channel(self, number)
        if self.lost is not None:
            channel.lose(self.lost)
        self.say(speech.RUN, number, json.dumps({"arguments": arguments, "kill": kill}).encode())
        answer = channel.await_start(time.monotonic() + _ANSWER_TIME, self._wakers)
        if answer == b"":
            return channel
        self.forget(number)
        if any(waker.called for waker in self._wakers):
            raise stopped(self.route)
        if answer is None:
            self._break_off("it does not answer any more")
            raise self._lost_again()
        raise self._fault(f"{arguments[0]} cannot be started there: {answer.decode('utf-8', 'replace')}")

    def reach(self, wanted: dict[str, Any]) -> Any:
        """The context that `opsmop.transport.mitogen.reaching.reached` comes to there.

        :raises StreamError: mitogen's, with what was said last
        :raises ConnectError: if the relay does not answer
        """
        number = next(self._numbers)
        self.say(speech.REACH, number, json.dumps(wanted).encode())
        if not self._await(lambda: number in self._reached, wanted["timeout"] + _ANSWER_TIME):
            self._break_off("it does not answer any more")
            raise self._fault("it does not answer any more")
        told = self._reached.pop(number)
        if "error" in told:
            raise mitogen.core.StreamError(str(told["error"]))
        return self._new_context(told.get("id"))

    def give(self, digest: str, data: bytes) -> None:
        """Let the relay have a blob, by way of those before it, each of which gets it once."""
        with self._giving:
            if digest in self._given:
                return
            if self.parent is None:
                for message in speech.blob_messages(digest, data):
                    self._send(message)
            else:
                self.parent.give(digest, data)
                where = speech.number(self.context.context_id) + speech.number(self._about["handle"])
                self.parent.say(speech.PASS_ON, 0, where + digest.encode())
            self._given.add(digest)

    def say(self, kind: int, channel: int, payload: bytes = b"") -> None:
        """Say something to the relay."""
        self._send(speech.said(kind, channel, payload))

    def forget(self, number: int) -> None:
        """Nobody listens to a channel any more."""
        if self._channels.pop(number, None) is not None:
            self.say(speech.FORGET, number)

    def cut(self) -> None:
        """End the connection to it, from the host before: what is not behind it goes on."""
        if self.parent is None:
            self.router.disconnect_stream(self._stream)
        else:
            self.parent.say(speech.CUT, 0, speech.number(self.context.context_id))

    # With mitogen

    def _send(self, data: bytes) -> None:
        handle = self._about.get("handle")
        if handle is not None and self.lost is None:
            self._deliver(mitogen.core.Message(handle=handle, data=data))

    def _deliver(self, message: Any) -> None:
        try:
            self.context.send(message)
        except mitogen.core.Error:  # the broker has ended
            self._lose(self._fault("the connection to it was ended"))

    def _call(self, function: Any, *arguments: Any) -> None:
        message = mitogen.parent.CallChain(self.context).make_msg(function, *arguments)
        message.reply_to = self.router.add_handler(self._note_call, persist=False, respondent=self.context)
        self._deliver(message)

    def _note_call(self, message: Any) -> None:
        # Never unpickled: that it is not what it should be says enough, and the text in it can be seen without.
        if not message.is_dead and message.data != _NOTHING:
            self._lose(self._fault(f"its Python cannot run the relay: {message.data[:400].decode('latin-1')}"))

    def _is_its_own(self, message: Any, stream: Any) -> bool:
        """Whether it may say this: it itself anything, and the hosts on the way to it, and we, that it is gone."""
        if stream is None:
            return bool(message.is_dead)
        if stream is not self._stream:
            return False
        return message.src_id == self.context.context_id or (message.is_dead and message.src_id in self.way)

    def _new_context(self, number: Any) -> Any:
        """The context of what was reached; a relay may name no number but its own."""
        if not isinstance(number, int) or not self.router.id_allocator.belongs(number, self.context.context_id):
            self._break_off("it names a connection that is not its own")
            raise self._off("it names a connection that is not its own")
        return self.router.context_by_id(number, via_id=self.context.context_id)

    # What the relay says, in mitogen's thread

    def _hear(self, message: Any) -> None:
        if message.is_dead:
            self._lose(self._fault("the connection to it ended"))
            return
        try:
            kind, number, payload = speech.heard(message.data)
            allowed = self._take(kind, number, payload)
        except (ValueError, TypeError, LookupError, RecursionError):
            allowed = False
        if not allowed:
            self._lose(self._off("its relay does not keep to what it may say"))
            self.cut()

    def _take(self, kind: int, number: int, payload: bytes) -> bool:
        if kind in (speech.READY, speech.REACHED, speech.FAILED):
            with self._changed:
                self._take_word(kind, number, payload)
                self._changed.notify_all()
            return True
        channel = self._channels.get(number)
        return channel is None or channel.take(kind, payload)

    def _take_word(self, kind: int, number: int, payload: bytes) -> None:
        if len(payload) > _MOST_SAID:
            raise ValueError("too long")
        if kind == speech.FAILED:
            self._lose(self._fault(f"its relay has ended: {payload.decode('utf-8', 'replace')}"))
            return
        told = json.loads(payload)
        if not isinstance(told, dict):
            raise TypeError("not a table")
        if kind == speech.REACHED:
            self._reached[number] = told
        elif not self._about:
            handle, user, python = told["handle"], told["user"], told["python"]
            if not (
                isinstance(handle, int) and 0 < handle < 1 << 32 and isinstance(user, str) and isinstance(python, str)
            ):
                raise TypeError("not what it should be")
            self._about = told

    def _lose(self, why: TransportError) -> None:
        with self._changed:
            first, self.lost = self.lost is None, self.lost or why
            self._changed.notify_all()
        if first:
            for channel in list(self._channels.values()):
                channel.lose(self.lost)
            self._on_lost(self)

    def _break_off(self, what: str) -> None:
        """Give up a relay, and with it whatever is behind it."""
        self._lose(self._fault(what))
        self.cut()

    # Waiting, and what to say of it

    def _await(self, happened: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        with listening(self._wakers, self._stir), self._changed:
            while not happened():
                if self.lost is not None:
                    raise self._lost_again()
                if any(waker.called for waker in self._wakers):
                    raise stopped(self.route)
                if not self._changed.wait(until - time.monotonic()):
                    return happened()
        return True

    def _stir(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _lost_again(self) -> TransportError:
        assert self.lost is not None
        return type(self.lost)(self.lost.message, host=self.lost.host, remedy=self.lost.remedy)

    def _fault(self, what: str) -> ConnectError:
        return ConnectError(
            f"{self.route.host} was to be the way to other hosts or users, and {what}",
            host=self.route.host,
            remedy="Is the host up and its Python 3.9 or newer? What it was doing may still be going on behind it.",
        )

    def _off(self, what: str) -> ProtocolError:
        return ProtocolError(
            f"{self.route.host} does not keep to the protocol: {what}",
            host=self.route.host,
            remedy="Is it the host that it seems to be?",
        )
