"""The agent's side of a role's process: starting it, ending it, and what it left behind."""

from __future__ import annotations

import gc
import os
import time

from opsmop.target.role_process import COMMAND_GRACE, INTERRUPTIONS, become_role
from opsmop.wire import frames
from opsmop.wire.lean import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

_MUCH = 1 << 16  # bytes
WIDE = 1 << 20  # bytes that the pipe to a role holds once a large file comes
_KILLED_WITHIN = 2.0  # seconds between two attempts to kill


class Warden:
    """Starts the process of a role, and watches it.

    :param order: the bytes of its `Order`
    :param packages: digest and data of the packages that it imports, or None
    :param plans: what check has planned in earlier roles
    :param knocker: the pipe on which the role says that it waits for an answer
    """

    def __init__(self, order: bytes, packages: tuple[str, bytes] | None, plans: bytes, knocker: int) -> None:
        incoming, self.answers = os.pipe()
        self.frames, outgoing = os.pipe()
        self.output, output = os.pipe()
        lifeline, self._lifeline = os.pipe()
        given = {"incoming": incoming, "outgoing": outgoing, "output": output, "lifeline": lifeline}
        self._starved_before = _starved()
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)  # one that comes too early waits
        gc.freeze()  # nobody looks through what was imported, and its memory stays shared
        self.pid = os.fork()
        gc.enable()
        if not self.pid:
            for end in (self.answers, self.frames, self.output, self._lifeline):
                os.close(end)
            become_role(order, packages, plans, {**given, "knocker": knocker})
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTIONS)
        for end in given.values():
            os.close(end)
        for end in (self.answers, self.frames, self.output):
            os.set_blocking(end, False)
        self.decoder = frames.Decoder(frames.FROM_ROLE)
        self.unanswered = bytearray()
        self._wide = False
        self.line = b""
        self.secrets: set[str] = set()
        self.group = 0
        self._grace = COMMAND_GRACE
        self.kill_at: float | None = None

    def answer(self, kind: int, payload: bytes) -> None:
        """Let it have what the controller says about files, as it takes it."""
        if len(payload) > _MUCH and not self._wide:
            from opsmop.wire.capacity import widen  # only for large files

            self._wide = True
            widen(self.answers, WIDE)
        self.unanswered += frames.header(kind, len(payload))
        self.unanswered += payload

    def note_command(self, payload: bytes) -> None:
        """Remember the process group of the command that runs now, and its grace, also if the role is to end already."""
        self.group = int.from_bytes(payload[:4], "big")
        self._grace = int.from_bytes(payload[4:], "big") if self.group else COMMAND_GRACE
        if self.kill_at is not None and self._grace > COMMAND_GRACE:
            self.kill_at = time.monotonic() + self._grace
        elif self.kill_at is not None and not self.group:
            self.kill_at = min(self.kill_at, time.monotonic() + COMMAND_GRACE)

    def cancel(self) -> None:
        """Ask it to end, once; it is killed if it does not within the grace of what it does."""
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self._grace
            _signal(os.kill, self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and its command."""
        self.kill_at = time.monotonic() + _KILLED_WITHIN
        for group in (self.group, self.pid):
            if group:
                _signal(os.killpg, group, signal.SIGKILL)
        _signal(os.kill, self.pid, signal.SIGKILL)

    def buried(self, status: int) -> bytes:
        """The pipes closed and what it left behind ended, now that it has ended with `status`; what to say of it."""
        for end in (self.answers, self.frames, self.output, self._lifeline):
            os.close(end)
        if self.group and self._grace <= COMMAND_GRACE:  # what must not be ended in the middle ends by itself
            _signal(os.killpg, self.group, signal.SIGKILL)
        if self.kill_at is not None:
            _signal(os.killpg, self.pid, signal.SIGKILL)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            starved = number == signal.SIGKILL and self.kill_at is None and _starved() != self._starved_before
            return bytes((frames.STARVED if starved else frames.KILLED, number))
        return bytes((frames.EXITED, os.WEXITSTATUS(status)))


def _starved() -> bytes:
    """The line in which Linux counts what it has killed for want of memory (proc(5), /proc/vmstat; since 4.13)."""
    try:
        with open("/proc/vmstat", "rb") as file:
            return next((line for line in file if line.startswith(b"oom_kill ")), b"")
    except OSError:
        return b""


def _signal(send: Callable[[int, int], None], whom: int, number: int) -> None:
    try:
        send(whom, number)
    except (ProcessLookupError, PermissionError):
        return  # it has ended already
