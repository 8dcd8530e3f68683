"""The agent: reads framed bytes, answers with framed bytes; knows no ssh.

It forks a fresh process for every role, passes on what that process says, and ends it when the controller says so, is
gone, or has not been heard for the length of its lease. It never blocks on anything but its one poll().
"""

from __future__ import annotations

import os
import select
import sys
import time

from opsmop.events.wire import to_wire
from opsmop.language.secrets import masked, spellings
from opsmop.target.printed import LONGEST_LINE, printed
from opsmop.target.role_process import evaluation_entry
from opsmop.target.warden import WIDE, Warden
from opsmop.wire import frames
from opsmop.wire.lean import signal
from opsmop.wire.memory import leave_no_core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

IDLE = 3600.0  # seconds that an agent without a role waits for the next
_BACKLOG = 1 << 20  # bytes for the controller, above which the role has to wait
_READ = 1 << 16
_BREATH = 0.01  # seconds in which what a role says gathers, to be passed on at once
_NOBODY_WAITS = frozenset((frames.EVENT, frames.COMMAND, frames.HIDE, frames.PLANS))  # for an answer to these
_MOST_LAST_READS = 16


class Agent:
    """One connection's agent.

    :param beat: seconds between two signs of life while a role runs
    :param lease: seconds without a word of the controller after which the role is cancelled
    :param early: frames that came before the code of which this is made
    """

    def __init__(self, beat: float, lease: float, early: bytes = b"") -> None:
        self._beat, self._lease = beat, lease
        self._decoder = frames.Decoder(frames.FROM_CONTROLLER)
        self._early = early
        self._outgoing = bytearray()
        self._open = True
        self._role: Warden | None = None
        self._relayed = 0.0  # when something of the role was passed on last
        self._packages: tuple[str, bytes] | None = None
        self._plans = b""  # of check, from one role to the next
        self._heard = self._beaten = time.monotonic()
        self._woken, self._wake_up = self._listen_for_signals()
        for end in (0, 1):
            os.set_blocking(end, False)

    def serve(self) -> None:
        """Do what the controller says until it is gone and nothing of it runs."""
        self._take(self._early)
        while self._open or self._role is not None:
            self._pass_on()
            self._look_after_role()
            self._look_after_controller()

    def _listen_for_signals(self) -> tuple[int, int]:
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # the wakeup is all that is wanted
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: self._lose())
        return woken, wake

    def _pass_on(self) -> None:
        """Wait until something can be read, written or is due; then read and write."""
        waiting = select.poll()
        gathering = self._gathering()
        channels = self._channels(hears_role=not gathering)
        for channel, (wanted, _) in channels.items():
            waiting.register(channel, wanted)
        for channel, _ in waiting.poll((gathering or self._patience()) * 1000):
            channels[channel][1]()

    def _channels(self, *, hears_role: bool) -> dict[int, tuple[int, Callable[[], object]]]:
        channels: dict[int, tuple[int, Callable[[], object]]] = {self._woken: (select.POLLIN, self._wake)}
        if self._open:
            channels[0] = (select.POLLIN, self._hear)
            if self._outgoing:
                channels[1] = (select.POLLOUT, self._speak)
        role = self._role
        if role is not None and hears_role and len(self._outgoing) < _BACKLOG:
            channels[role.frames] = (select.POLLIN, self._relay)
            channels[role.output] = (select.POLLIN, self._relay_output)
        if role is not None and role.unanswered:
            channels[role.answers] = (select.POLLOUT, self._answer)
        return channels

    def _patience(self) -> float:
        if self._role is None:
            return IDLE
        return max(0.05, min(self._beat, (self._role.kill_at or float("inf")) - time.monotonic()))

    def _gathering(self) -> float:
        """Seconds for which what the role says still gathers: to pass on each word costs more than to say it."""
        return max(0.0, self._relayed + _BREATH - time.monotonic()) if self._role is not None else 0.0

    def _wake(self) -> None:
        """A signal came, or the role waits for an answer: nothing gathers any longer."""
        os.read(self._woken, 4096)
        self._relayed = 0.0

    def _lose(self) -> None:
        """The controller is gone: nobody is spoken to any more."""
        self._open = False
        self._outgoing.clear()

    # With the controller

    def _hear(self) -> None:
        try:
            data = os.read(0, 1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
        self._take(data)

    def _take(self, data: bytes) -> None:
        self._heard = time.monotonic()  # a piece of a large file may be on its way for long
        for kind, payload in self._decoder.feed(data):
            self._obey(kind, payload)

    def _obey(self, kind: int, payload: bytes) -> None:
        role = self._role
        if kind == frames.BYE:
            self._lose()
        elif kind == frames.PACKAGES:
            self._packages = payload[: frames.DIGEST_LENGTH].decode(), payload[frames.DIGEST_LENGTH :]
        elif kind == frames.ORDER and role is None:
            wanted = payload[: frames.DIGEST_LENGTH] != frames.NO_DIGEST
            evaluation_entry()
            packages = self._packages if wanted else None
            self._role = Warden(payload[frames.DIGEST_LENGTH :], packages, self._plans, self._wake_up)
        elif kind == frames.CANCEL and role is not None:
            self._cancel(role)
        elif kind == frames.FILE and role is not None:
            role.answer(kind, payload)

    def _say(self, kind: int, payload: bytes = b"") -> None:
        if self._open:
            self._outgoing += frames.frame(kind, payload)
            self._speak()

    def _put(self, kind: int, payload: bytes) -> None:
        """Let something be said with what comes next."""
        if self._open:
            self._outgoing += frames.frame(kind, payload)

    def _speak(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: os.write(1, self._outgoing[:_READ])]
        except BlockingIOError:
            return
        except OSError:
            self._lose()

    def _look_after_controller(self) -> None:
        now = time.monotonic()
        if self._role is None:
            if now - self._heard > IDLE:
                self._lose()
            return
        if not self._open or now - self._heard > self._lease:
            self._cancel(self._role)
        if now - self._beaten >= self._beat and not self._outgoing:
            self._beaten = now
            self._say(frames.BEAT)

    # With the role

    def _relay(self) -> bool:
        """Pass on what the role says; whether it said anything."""
        role = self._role
        data = _readable(role.frames) if role is not None else b""
        if role is None or not data:
            return False
        said = role.decoder.feed(data)
        for kind, payload in said:
            if kind == frames.COMMAND:
                role.note_command(payload)
            elif kind == frames.HIDE:
                role.secrets |= spellings(payload.decode("utf-8", "surrogateescape"))
            elif kind == frames.PLANS:
                self._plans = payload
            else:
                self._put(kind, payload)
        self._speak()
        if said and len(data) < _READ and all(kind in _NOBODY_WAITS for kind, _ in said):
            self._relayed = time.monotonic()
        return True

    def _relay_all(self) -> None:
        """Pass on all that the role has said by now, of which its pipe may hold more than one read gives."""
        for _ in range(_MOST_LAST_READS):
            if not self._relay():
                break

    def _cancel(self, role: Warden) -> None:
        self._relay_all()  # it may have said what it has begun
        role.cancel()

    def _relay_output(self) -> bool:
        """Pass on what the role prints past Python; whether it printed anything.

        What it said before in frames comes first, and is read last: it may be what must not be seen.
        """
        role = self._role
        data = _readable(role.output) if role is not None else b""
        if role is None or not data:
            return False
        self._relay_all()
        *lines, role.line = (role.line + data).split(b"\n")
        if len(role.line) > LONGEST_LINE:
            lines, role.line = lines + [role.line], b""
        for line in lines:
            self._say_printed(line)
        return True

    def _answer(self) -> None:
        role = self._role
        if role is None:
            return
        try:
            del role.unanswered[: os.write(role.answers, role.unanswered[:WIDE])]
        except BlockingIOError:
            return
        except OSError:
            role.unanswered.clear()

    def _look_after_role(self) -> None:
        role = self._role
        if role is None:
            return
        ended, status = os.waitpid(role.pid, os.WNOHANG)
        if ended:
            self._drain()
            self._role = None
            self._say(frames.ENDED, role.buried(status))
            self._heard = time.monotonic()
        elif role.kill_at is not None and time.monotonic() >= role.kill_at:
            self._relay_all()
            role.kill()

    def _drain(self) -> None:
        """Take what the role said before it ended. What still prints then is not the role."""
        while self._relay():
            continue
        for _ in range(_MOST_LAST_READS):
            if not self._relay_output():
                break
        if self._role is not None and self._role.line:
            self._say_printed(self._role.line)

    def _say_printed(self, line: bytes) -> None:
        secrets = self._role.secrets if self._role is not None else set()
        self._say(frames.EVENT, to_wire(printed(masked(line.decode("utf-8", "replace"), secrets))))


def _readable(channel: int) -> bytes:
    try:
        return os.read(channel, _READ)
    except BlockingIOError:
        return b""


def main(early: bytes) -> None:
    """Be the agent of this process's stdin and stdout; its arguments give the beat and the lease. Never returns.

    :param early: frames that came before the code of which this is made
    """
    os.chdir("/")
    os.umask(0o022)
    leave_no_core()
    beat, lease = map(float, sys.argv[2:4])
    Agent(beat, lease, early).serve()
    os._exit(0)
