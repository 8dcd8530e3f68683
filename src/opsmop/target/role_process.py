"""The process of one role: forked from the agent, so that nothing of one role leaks into the next.

It speaks with its agent through pipes, has its own session, and reads nothing from the controller itself.
"""

from __future__ import annotations

import os
import sys
import time

from opsmop.errors import ProviderError
from opsmop.events import EvaluationFinished, Event
from opsmop.events.wire import MOST_ELEMENTS, to_wire
from opsmop.target.log import Logged
from opsmop.target.printed import printing_as_events
from opsmop.target.supply import Far
from opsmop.wire import frames
from opsmop.wire.lean import signal
from opsmop.wire.order import Order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

COMMAND_GRACE = 15  # seconds: the machine takes up to ten to end a command (opsmop.target.machine.commands)
INTERRUPTIONS = frozenset((signal.SIGTERM, signal.SIGIO))
_CUTS = (32 * 1024, 2048, 128)  # characters that are left of each text of an event too long to be sent
_MOST_CHANGES = 500


class Interruption:
    """Turns the wish to end this process into KeyboardInterrupt, once, and never in the middle of a frame."""

    def __init__(self) -> None:
        self._wished = False
        self._busy = False  # writing a frame
        self._held = False  # starting a command

    def listen(self, lifeline: int) -> None:
        """Listen for SIGTERM, and for the death of the agent, which holds the other end of `lifeline`."""
        import fcntl  # needed here alone

        for number in INTERRUPTIONS:
            signal.signal(number, self)
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTIONS)

    def __call__(self, *_: object) -> None:
        """The wish."""
        for number in INTERRUPTIONS:
            signal.signal(number, lambda *_: None)  # ignored ones would be ignored by commands too
        self._wished = True
        self._fulfil()

    def hold(self) -> None:
        """Let interruptions wait until `release`."""
        self._held = True

    def release(self) -> None:
        """Let them come."""
        self._held = False
        self._fulfil()

    def write(self, channel: int, data: bytes) -> None:
        """Write all of `data`; an interruption waits until it is written."""
        self._busy = True
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(channel, rest) :]
        finally:
            self._busy = False
        self._fulfil()

    def _fulfil(self) -> None:
        if self._wished and not self._busy and not self._held:
            self._wished = False
            raise KeyboardInterrupt


class Line:
    """The role's line to its agent.

    :param incoming: the pipe that answers come on
    :param outgoing: the pipe that frames are written to
    :param knocker: the pipe that says that one of them waits for an answer: the agent lets others gather
    """

    def __init__(self, incoming: int, outgoing: int, knocker: int, interruption: Interruption) -> None:
        self._incoming, self._outgoing, self._knocker = incoming, outgoing, knocker
        self._decoder = frames.Decoder(frames.FROM_CONTROLLER)
        self._waiting: list[frames.Frame] = []
        self.supply = Far(self._request, self._answer)
        self._interruption = interruption
        self.finished = False

    def emit(self, event: Event) -> None:
        """Say `event`."""
        self.finished = self.finished or isinstance(event, EvaluationFinished)
        self._say(frames.EVENT, fitting(event))

    def command_started(self, group: int, grace: float) -> None:
        """Say which process group runs now, and for how many seconds it is not to be ended.

        :param group: 0 for none, -1 for one that is about to start
        """
        if group < 0:
            self._interruption.hold()
            return
        self._say(frames.COMMAND, group.to_bytes(4, "big") + (COMMAND_GRACE + int(grace)).to_bytes(2, "big"))
        self._interruption.release()

    def hide(self, text: str) -> None:
        """Say that `text` must not be seen in what is printed past Python, which the agent passes on."""
        secret = text.encode("utf-8", "surrogateescape")
        most = frames.FROM_ROLE[frames.HIDE]
        for start in range(0, len(secret), most):
            self._say(frames.HIDE, secret[start : start + most])

    def keep(self, plans: bytes) -> None:
        """Say what check has planned, for the role after this."""
        self._say(frames.PLANS, plans)

    def note_kept(self) -> None:
        """Say that this host has kept the code bundle."""
        self._say(frames.KEPT, b"")

    def _answer(self) -> bytes:
        while not self._waiting:
            data = os.read(self._incoming, 1 << 20)
            if not data:
                raise ProviderError("the controller is gone")
            self._waiting += self._decoder.feed(data)
        return self._waiting.pop(0)[1]

    def _request(self, kind: int, payload: bytes) -> None:
        self._say(kind, payload)
        try:
            os.write(self._knocker, b"\0")
        except BlockingIOError:
            return  # it was knocked at often enough

    def _say(self, kind: int, payload: bytes) -> None:
        self._interruption.write(self._outgoing, frames.frame(kind, payload))


def fitting(event: Event) -> bytes:
    """`event` for the wire, its texts and lists shortened as far as a frame's length demands."""
    data = to_wire(event)
    for longest in _CUTS:
        if len(data) <= frames.FROM_ROLE[frames.EVENT] and len(getattr(event, "changes", ())) <= MOST_ELEMENTS:
            break
        event = _shortened(event, longest)
        data = to_wire(event)
    return data


def _shortened(value: Any, longest: int) -> Any:
    from opsmop.wire.records import fields, is_dataclass, replace  # loaded with the events

    if isinstance(value, str):
        return value if len(value) <= longest else value[: longest // 2] + " [...] " + value[-longest // 2 :]
    if isinstance(value, tuple):
        return tuple(_shortened(entry, longest) for entry in value[:_MOST_CHANGES])
    if is_dataclass(value) and not isinstance(value, type):
        short = {entry.name: _shortened(getattr(value, entry.name), longest) for entry in fields(value)}
        return replace(value, **short)
    return value


def become_role(order: bytes, packages: tuple[str, bytes] | None, plans: bytes, pipes: Mapping[str, int]) -> None:
    """Evaluate `order` in this process, freshly forked, and end it. Never returns.

    :param plans: what check has planned in earlier roles
    :param pipes: ``incoming``, ``outgoing``, ``knocker``, ``output`` (what is printed past Python) and ``lifeline``
    """
    status = 1
    try:
        os.setsid()
        _redirect(pipes["output"])
        os.chdir("/")
        os.umask(0o022)
        interruption = Interruption()
        line = Line(pipes["incoming"], pipes["outgoing"], pipes["knocker"], interruption)
        interruption.listen(pipes["lifeline"])
        logged = Logged(line.emit)
        with printing_as_events(logged) as emit:
            _evaluate(order, packages, plans, line, logged, emit)
        if compiled_here() and kept():
            line.note_kept()
        status = 0
    except KeyboardInterrupt:
        status = 0  # it was asked to end, and said so
    except BaseException:  # noqa: BLE001 - nothing may run on in the agent's own code
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _redirect(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for given, taken in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(given, taken)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _evaluate(
    order: bytes,
    packages: tuple[str, bytes] | None,
    plans: bytes,
    line: Line,
    logged: Logged,
    emit: Callable[[Event], None],
) -> None:
    try:
        if packages is not None:
            _install(*packages)
        run_role = evaluation_entry()
        read = Order.from_bytes(order)
        logged.open(read)
        run_role(
            read,
            emit,
            line.supply,
            command_started=line.command_started,
            hidden=line.hide,
            plans=(plans, line.keep),
        )
    except Exception as error:
        if line.finished:
            raise
        from opsmop.target.failures import failure_of  # only for what failed outside of the policy

        emit(EvaluationFinished(ts=time.time(), status="failed", failure=failure_of(error)))


def evaluation_entry() -> Callable[..., Any]:
    """`run_role`. The agent calls this before it forks, so that every role finds it imported."""
    from opsmop.target.run_role import run_role  # what it brings is not needed to read orders

    return run_role


def compiled_here() -> bool:
    """Whether code of the bundle was compiled, which a next push need not do again."""
    return any(getattr(finder, "fresh", False) for finder in sys.meta_path)


def kept() -> bool:
    """Keep that code; whether it could be kept."""
    from opsmop.target.kept import keep  # only after something was compiled

    return keep()


def _install(digest: str, data: bytes) -> None:
    from opsmop.wire.arriving import raw_of  # likewise
    from opsmop.wire.boot import install  # only where packages were shipped

    install(raw_of(data), digest)
