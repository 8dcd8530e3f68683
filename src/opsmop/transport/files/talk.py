"""The part of a conversation with a host that is about files. The host may ask for one at a time, and is not trusted."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol

from opsmop.errors import OpsMopError, ProtocolError
from opsmop.transport.base import Files
from opsmop.transport.files.arrivals import Arrival
from opsmop.transport.files.depot import Turn, Work
from opsmop.transport.files.opened import changed
from opsmop.transport.files.trees import Joined, Survey, Text, surveyed
from opsmop.wire import frames
from opsmop.wire.order import Order

LEAST = 64 << 10  # bytes that may be on their way to a host for which the budget has nothing left
_CLAIM = 2 * frames.PIECE  # bytes: a piece that is being sent, and the next
_LATER = 0.05  # seconds until it is looked again whether somebody else's work is done

Send = Callable[..., None]


class Readable(Protocol):
    """What can be sent."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on."""


class FileTalk:
    """What one role on one host asks about files.

    :param files: what the role may have
    :param order: what the role was told to do
    :param send: says a frame to the host
    :param backlog: how many bytes are still to be sent to it
    :ivar requests: how often it has asked for something
    :ivar accepted: bytes of files that it was let leave here
    """

    def __init__(self, files: Files, order: Order, send: Send, backlog: Callable[[], int]) -> None:
        self._files, self._send, self._backlog = files, send, backlog
        self._arrivals = files.arrivals(order.host, writing=order.mode == "apply")
        self._arrival: Arrival | None = None
        self.accepted = 0
        self._work: Work | None = None
        self._credit = 0
        self._enough = False
        self._survey: Survey | None = None
        self.requests = 0

    def hear(self, kind: int, payload: bytes) -> None:
        """Take what the host says about files.

        :raises ProtocolError: if it asks for the next file before it has taken the last
        """
        if kind == frames.TOOK:
            self._credit += int.from_bytes(payload, "big")
        elif kind == frames.ENOUGH:
            self._enough = True
        elif kind == frames.LOAD:
            self._take_piece(payload)
        else:
            self._begin(kind, payload)

    def go_on(self, now: float) -> float:
        """Do the next bit of what was asked for.

        :returns: the moment at which there is more to do, whatever the host says or takes until then
        """
        turn = Turn.BLOCKED if self._work is None else self._next_turn()
        return {Turn.AGAIN: now, Turn.LATER: now + _LATER, Turn.BLOCKED: float("inf")}[turn]

    def close(self) -> None:
        """Drop what was asked for: the host has gone, or its role has ended."""
        if self._work is not None:
            self._work.close()
            self._work = None

    def _begin(self, kind: int, payload: bytes) -> None:
        if self._work is not None:
            self._next_turn()  # it may only have waited for the host to take the last piece
        if self._work is not None or self._backlog() > LEAST:
            raise ProtocolError("it asks for files faster than it takes them")
        self.requests += 1
        self._work = self._refusing(self._answer(kind, payload))

    def _answer(self, kind: int, payload: bytes) -> Work:
        if kind == frames.TREE:
            return self._look_through(payload)
        if kind == frames.PARTS:
            return self._deliver_parts(payload)
        if kind in {frames.COMPARE, frames.LEAVE}:
            answer = self._compare if kind == frames.COMPARE else self._let_come
            return answer(frames.Leaving.from_bytes(payload))
        return self._answer_for_file(kind, payload)

    def _answer_for_file(self, kind: int, payload: bytes) -> Work:
        digest, name = payload[: frames.CONTENT_DIGEST_LENGTH], payload[frames.CONTENT_DIGEST_LENGTH :]
        answer = self._offer if kind == frames.ASK else self._deliver
        return answer(digest, name.decode("utf-8", "surrogateescape"))

    def _next_turn(self) -> Turn:
        assert self._work is not None
        try:
            return next(self._work)
        except StopIteration:
            self._work = None
            return Turn.BLOCKED

    def _refusing(self, work: Work) -> Work:
        try:
            yield from work
        except OpsMopError as error:
            text = f"{error.message}\n{error.remedy}".encode("utf-8", "replace")
            self._send(frames.FILE, frames.REFUSED, text[: frames.PIECE])

    def _offer(self, has: bytes, name: str) -> Work:
        with self._files.open(name) as file:
            digest = bytes.fromhex((yield from self._files.depot.digest(file)))
            follows = file.size <= frames.SMALL and digest != has
            offer = frames.Offer(file.size, file.mode, digest, follows)
            self._send(frames.FILE, frames.OFFER, offer.to_bytes())
            if follows:
                yield from self._sent(file)

    def _deliver(self, digest: bytes, name: str) -> Work:
        with self._files.open(name) as file:
            if bytes.fromhex((yield from self._files.depot.digest(file))) != digest:
                raise changed(name)
            yield from self._sent(file)

    def _look_through(self, payload: bytes) -> Work:
        name, *excludes = payload.decode("utf-8", "surrogateescape").split("\0")
        self._survey = None
        self._survey = yield from surveyed(self._files, name, excludes)
        yield from self._sent(Text(self._survey.manifest))

    def _deliver_parts(self, wanted: bytes) -> Work:
        if self._survey is None:
            raise ProtocolError("it wants files of a directory that it did not ask for")
        numbers = [number for number in frames.numbers(wanted) if number < len(self._survey.found)]
        with closing(Joined(self._files, self._survey, numbers)) as joined:
            yield from self._sent(joined)

    def _compare(self, leaving: frames.Leaving) -> Work:
        with self._files.telling(), self._arrivals.kept(leaving.to, leaving.path) as file:
            same = file is not None and file.size == leaving.size
            if file is not None and same:
                same = bytes.fromhex((yield from self._files.depot.digest(file))) == leaving.digest
            self._send(frames.FILE, frames.HAVE if same else frames.GIVE)

    def _let_come(self, leaving: frames.Leaving) -> Work:
        with self._files.telling():
            arrival = self._arrivals.begin(leaving.to, leaving.path, leaving.size, leaving.digest)
        with closing(arrival):
            self._arrival, self._enough = arrival, False
            self._send(frames.FILE, frames.GIVE)
            try:
                while not arrival.complete:
                    if self._enough:
                        return
                    yield Turn.BLOCKED
            finally:
                self._arrival = None
            arrival.finish()
            self._send(frames.FILE, frames.HAVE)

    def _take_piece(self, data: bytes) -> None:
        if self._arrival is None or not self._arrival.take(data):
            raise ProtocolError("it sends more of a file than it was let")
        self.accepted += len(data)

    def _sent(self, file: Readable) -> Work:
        """Send a file as fast as the host takes it; what is on its way is bounded for each host, and for all together."""
        budget = self._files.depot.budget
        self._credit, self._enough = frames.WINDOW, False
        offset, claimed = 0, False
        try:
            while True:
                claimed = claimed or budget.claim(_CLAIM)
                longest = frames.PIECE if claimed else LEAST
                yield from self._until_it_may_have(longest)
                if self._enough:
                    self._send(frames.FILE, frames.REFUSED, b"as it was asked for")
                    return
                data = file.read(offset, min(longest, file.size - offset))
                offset += len(data)
                self._credit -= len(data)
                self._send(frames.FILE, frames.LAST if offset >= file.size else frames.MORE, data)
                if offset >= file.size:
                    break
            yield from self._until_it_may_have(LEAST)
        finally:
            if claimed:
                budget.give_back(_CLAIM)

    def _until_it_may_have(self, longest: int) -> Generator[Turn, None, None]:
        while (self._backlog() > longest or self._credit <= 0) and not self._enough:
            yield Turn.BLOCKED
