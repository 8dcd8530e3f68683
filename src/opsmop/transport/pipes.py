"""A process with pipes, spoken to without ever waiting on one end while the other has something to say."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from opsmop.wire.capacity import widen

if TYPE_CHECKING:
    from opsmop.transport.askpass import Askpass

_READ = 1 << 16
_MUCH = 3 << 17  # bytes to be sent, for which a wider pipe is worth asking for
_WIDE = 1 << 18  # bytes; a user may have 64 MiB in pipes before new ones become narrow (pipe(7))
_MOST_KEPT = 1 << 14  # bytes of stderr; the end is what tells
_TOGETHER = 256  # pieces that one write takes (writev(2): 1024 at most)
_DYING = 5.0  # seconds that a process which was killed may take to be gone


class Waker:
    """Something that wakes every wait that watches it, from then on."""

    def __init__(self) -> None:
        self.channel, self._other = os.pipe()
        self.called = False
        self._listeners: list[Callable[[], None]] = []

    def call(self) -> None:
        """Wake. Callable from any thread, and again."""
        if not self.called:
            self.called = True
            os.write(self._other, b"!")
            for listener in list(self._listeners):
                listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Let `listener` be called when this calls: for who waits for other things than files."""
        self._listeners.append(listener)
        if self.called:
            listener()

    def leave(self, listener: Callable[[], None]) -> None:
        """Call `listener` no more."""
        self._listeners.remove(listener)

    def __del__(self) -> None:
        for end in (self.channel, self._other):
            os.close(end)


@contextlib.contextmanager
def listening(wakers: Sequence[Waker], listener: Callable[[], None]) -> Iterator[None]:
    """Let `listener` be called when one of `wakers` calls, as long as this lasts."""
    for waker in wakers:
        waker.listen(listener)
    try:
        yield
    finally:
        for waker in wakers:
            waker.leave(listener)


class Process(Protocol):
    """A process that can be spoken to, on this machine (`Pipes`) or elsewhere, as `Pipes` describes it."""

    @property
    def askpass(self) -> Askpass | None: ...
    @property
    def alive(self) -> bool: ...
    @property
    def status(self) -> int | None: ...
    @property
    def complaint(self) -> str: ...
    @property
    def sent(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def backlog(self) -> int: ...
    @property
    def ended(self) -> bool: ...
    def send(self, *pieces: bytes) -> None: ...
    def send_shared(self, data: bytes) -> None: ...
    def read(self, until: float, wakers: Sequence[Waker] = ()) -> bytes: ...
    def last_words(self, patience: float) -> None: ...
    def hang_up(self) -> None: ...
    def stop_answering(self) -> None: ...
    def interrupt(self) -> None: ...
    def bury(self, patience: float) -> None: ...


class Pipes:
    """A process in a session of its own, so that a terminal's Ctrl-C does not reach it.

    :param arguments: the command; its environment is ours, with messages in English
    :param askpass: answers it if it asks for a password; closed with the pipes
    :raises OSError: if it cannot be started
    """

    def __init__(self, arguments: Sequence[str], askpass: Askpass | None = None) -> None:
        self.askpass: Askpass | None = askpass
        more: Mapping[str, str] = askpass.environment if askpass is not None else {}
        self._process = subprocess.Popen(  # noqa: S603 - an argument list, never a shell string
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C", **more},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._input, self._output, self._errors = self._process.stdin, self._process.stdout, self._process.stderr
        for pipe in (self._input, self._output, self._errors):
            os.set_blocking(pipe.fileno(), False)
        self._unsent: deque[memoryview] = deque()
        self._complaint = bytearray()
        self.sent = self.received = 0
        self.backlog = 0
        self._wide = False
        self.ended = False  # whether its stdout is closed

    @property
    def alive(self) -> bool:
        """Whether it runs and its stdout is open."""
        return not self.ended and self._process.poll() is None

    @property
    def status(self) -> int | None:
        """Its exit status, once it has ended."""
        return self._process.poll()

    @property
    def complaint(self) -> str:
        """The end of what it said on stderr."""
        return self._complaint.decode("utf-8", "replace")

    def send(self, *pieces: bytes) -> None:
        """Put `pieces` behind what is still to be sent; `read` sends them."""
        for piece in pieces:
            self._unsent.append(memoryview(piece))
            self.backlog += len(piece)
        if self.backlog > _MUCH and not self._wide:
            self._wide = True
            widen(self._input.fileno(), _WIDE)

    def send_shared(self, data: bytes) -> None:
        """As `send`, for what other hosts are sent too."""
        self.send(data)

    def read(self, until: float, wakers: Sequence[Waker] = ()) -> bytes:
        """What it says next on stdout, sending meanwhile what is to be sent.

        :param until: the moment (monotonic, seconds) at which to give up waiting
        :returns: nothing if it has ended, a waker called or time is up; also when some bytes were sent
        """
        waiting = select.poll()
        waiting.register(self._output, select.POLLIN)
        if not self._errors.closed:
            waiting.register(self._errors, select.POLLIN)
        if self._unsent:
            waiting.register(self._input, select.POLLOUT)
        for waker in wakers:
            waiting.register(waker.channel, select.POLLIN)
        if self.askpass is not None:
            waiting.register(self.askpass.channel, select.POLLIN)
        ready = {channel for channel, _ in waiting.poll(max(0.0, until - time.monotonic()) * 1000)}
        if self.askpass is not None and self.askpass.channel in ready:
            self.askpass.answer(self._process.pid)
        if not self._errors.closed and self._errors.fileno() in ready:
            self._hear_complaint()
        if not self._input.closed and self._input.fileno() in ready:
            self._push()
        return self._pull() if self._output.fileno() in ready else b""

    def last_words(self, patience: float) -> None:
        """Wait for its end, `patience` seconds at most, taking what it says on stderr."""
        until = time.monotonic() + patience
        while not self._errors.closed and time.monotonic() < until:
            waiting = select.poll()
            waiting.register(self._errors, select.POLLIN)
            if waiting.poll(max(0.0, until - time.monotonic()) * 1000):
                self._hear_complaint()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, until - time.monotonic()))

    def hang_up(self) -> None:
        """Close its stdin, after what can still be sent without waiting."""
        if not self._input.closed:
            if self._unsent:
                self._push()
            self._input.close()

    def stop_answering(self) -> None:
        """There is no password to be asked for any more."""
        if self.askpass is not None:
            self.askpass.close()
            self.askpass = None

    def interrupt(self) -> None:
        """Hang up and ask its whole session to end."""
        self.hang_up()
        self._signal(signal.SIGTERM)

    def bury(self, patience: float) -> None:
        """Wait for its end, kill it after `patience` seconds, and close the pipes."""
        self.hang_up()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in the kernel, or is held by a debugger
                self._process.wait(_DYING)
        self.stop_answering()
        for pipe in (self._output, self._errors):
            pipe.close()

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _push(self) -> None:
        try:
            while self._unsent:
                written = os.writev(self._input.fileno(), list(islice(self._unsent, _TOGETHER)))
                self.sent += written
                self.backlog -= written
                while self._unsent and written >= len(self._unsent[0]):
                    written -= len(self._unsent.popleft())
                if written:
                    self._unsent[0] = self._unsent[0][written:]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()  # it has gone; its stdout and stderr say so too
            self.backlog = 0

    def _pull(self) -> bytes:
        try:
            data = os.read(self._output.fileno(), _READ)
        except BlockingIOError:
            return b""
        self.received += len(data)
        self.ended = not data
        return data

    def _hear_complaint(self) -> None:
        try:
            data = os.read(self._errors.fileno(), _READ)
        except BlockingIOError:
            return
        if not data:
            self._errors.close()
        self._complaint += data
        del self._complaint[:-_MOST_KEPT]
