"""Running commands: in their own process group, without a terminal, with a plain environment and a time limit."""

from __future__ import annotations

import os
import time

from opsmop.errors import CommandFailed
from opsmop.language.machine import Completed
from opsmop.target.machine.spawning import ends_within, spawned
from opsmop.wire.lean import command_text, signal
from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO, Callable

    from opsmop.target.machine.hearing import Hearing
    from opsmop.target.machine.spawning import Process
    from opsmop.target.machine.speaking import Speaking

    Started = Callable[[int, float], None]

MOST_KEPT = 1024 * 1024  # bytes of each stream; the end is what tells
STARTING = -1  # instead of the number of a process group
GRACE = 5.0  # seconds between asking a command to end and ending it
_STRAGGLERS = 0.5  # seconds for which a pipe that a background child still holds is read after the command ended
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def search_path() -> str:
    """Where commands are searched: the evaluating user's PATH, then the system's directories that it lacks."""
    own = [part for part in os.environ.get("PATH", "").split(":") if part.startswith("/")]
    return ":".join(dict.fromkeys(own + _SYSTEM_PATH.split(":")))


def plain_environment(home: str, user: str) -> dict[str, str]:
    """The environment of every command: nothing of the operator's, and messages in English."""
    return {
        "HOME": home,
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "LOGNAME": user,
        "PATH": search_path(),
        "SHELL": "/bin/sh",
        "TERM": "dumb",
        "USER": user,
    }


@dataclass(frozen=True)
class Identity:
    """The numbers of a user and a group."""

    user: int
    group: int


class Output:
    """The end of what a command prints, on two streams and as both came together.

    :param speaking: says it while the command runs, where that is wanted
    """

    def __init__(self, speaking: Speaking | None = None) -> None:
        self.speaking = speaking
        self.kept = {"stdout": bytearray(), "stderr": bytearray(), "output": bytearray()}
        self.heard = {"stdout": 0, "stderr": 0}  # bytes

    def add(self, stream: str, data: bytes) -> None:
        """Take `data` from `stream`."""
        if self.speaking is not None:
            self.speaking.add(stream, data)
        self.heard[stream] += len(data)
        for name in (stream, "output"):
            kept = self.kept[name]
            kept += data
            if len(kept) > 2 * MOST_KEPT:
                del kept[:-MOST_KEPT]

    def speak(self, *, ended: bool = False) -> None:
        """Say what is to be said by now."""
        if self.speaking is not None:
            self.speaking.speak(ended=ended)

    def text(self, name: str) -> str:
        """What is kept of a stream, or of both under ``output``."""
        return self.kept[name][-MOST_KEPT:].decode("utf-8", "replace")


def run(
    argv: Sequence[str],
    *,
    input: bytes | None,  # noqa: A002 - subprocess's word
    cwd: str | None,
    env: dict[str, str],
    timeout: float | None,
    started: Started,
    grace: float = 0.0,
    identity: Identity | None = None,
    say: Callable[[str], None] | None = None,
) -> Completed:
    """Run a command to its end.

    :param input: what it reads; nothing if None
    :param timeout: seconds after which its whole process group is ended
    :param started: is told `STARTING` when the command is about to start (no interruption may come until its process is
        known, or nobody could end it), then the number of its process group, and 0 when it has ended; and `grace`
    :param grace: seconds for which it may go on all the same once its time is up or this is interrupted: for what must
        not be ended in the middle
    :param identity: whose its process is wholly to be, if it is not the evaluating user's
    :param say: takes what a long one prints while it runs
    :raises CommandFailed: if it cannot be started
    """
    from opsmop.target.machine.hearing import Hearing  # only with a command

    command = command_text(argv)
    hearing = Hearing()
    started(STARTING, grace)
    try:
        process = _begun(argv, hearing, cwd=cwd, env=env, identity=identity, takes_input=input is not None)
    except BaseException as error:
        hearing.close()
        started(0, grace)
        if isinstance(error, (OSError, ValueError)):
            raise _not_started(error, argv, cwd) from error
        raise
    output = _output(say)
    try:
        hearing.command_has_them()
        started(process.pid, grace)
        timed_out = _within(process, input or b"", output, hearing, timeout, grace)
    except BaseException as error:
        if not grace:
            end_group(process)
            raise
        _converse(process, b"", output, hearing, grace)
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(_awaited(argv[0], process.returncode)) from None
        raise
    finally:
        if process.stdin is not None:
            process.stdin.close()
        hearing.close()
        started(0, grace)
    stdout, stderr, both = (output.text(name) for name in ("stdout", "stderr", "output"))
    cut = output.heard["stdout"] > MOST_KEPT
    return Completed(command, process.returncode, stdout, stderr, both, timed_out, limit=timeout, cut=cut)


def _begun(
    argv: Sequence[str],
    hearing: Hearing,
    *,
    cwd: str | None,
    env: dict[str, str],
    identity: Identity | None,
    takes_input: bool,
) -> Process:
    writers = hearing.writers
    if cwd in (None, _here()) and identity is None and not takes_input:
        process = spawned(argv, env, (writers["stdout"], writers["stderr"]))
        if process is not None:
            return process
    import subprocess  # 10 ms that most roles do not pay

    return subprocess.Popen(  # noqa: S603 - an argument list, never a shell string
        list(argv),
        stdin=subprocess.PIPE if takes_input else subprocess.DEVNULL,
        stdout=writers["stdout"],
        stderr=writers["stderr"],
        cwd=cwd,
        env=env,
        start_new_session=True,
        close_fds=True,
        user=identity.user if identity else None,
        group=identity.group if identity else None,
    )


def _here() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # somebody has removed it
        return None


def _output(say: Callable[[str], None] | None) -> Output:
    if say is None:
        return Output()
    from opsmop.target.machine.speaking import Speaking  # only for who wants to watch

    return Output(Speaking(say))


def _not_started(error: OSError | ValueError, argv: Sequence[str], cwd: str | None) -> CommandFailed:
    """What kept it from starting: its words, the program, or the directory in which it was to run."""
    command, missing = command_text(argv), isinstance(error, FileNotFoundError)
    if isinstance(error, ValueError):  # a NUL in a word, or what the encoding of file names cannot express
        return CommandFailed(f"cannot start {argv[0]!r}: {error}", command=command)
    if cwd is not None and error.filename == cwd:
        remedy = "Manage it with Directory before this." if missing else ""
        return CommandFailed(f"cannot run in {cwd}: {error.strerror}", command=command, remedy=remedy)
    remedy = "Is it installed? The Package that brings it comes before this." if missing else ""
    return CommandFailed(f"cannot start {argv[0]}: {error.strerror}", command=command, remedy=remedy)


def _within(
    process: Process, data: bytes, output: Output, hearing: Hearing, timeout: float | None, grace: float
) -> bool:
    """Whether it took longer than `timeout`, whether or not `grace` let it end by itself."""
    begun = time.monotonic()
    ended = _converse(process, data, output, hearing, None if timeout is None else timeout + grace)
    return ended or bool(grace and timeout is not None and time.monotonic() - begun > timeout)


def _awaited(program: str, status: int | None) -> str:
    ending = f"it ended with exit status {status}" if (status or 0) >= 0 else f"it was ended by signal {-(status or 0)}"
    return f"interrupted; {program} must not be ended in the middle and was awaited: {ending}"


def end_group(process: Process) -> None:
    """End the process group of a process: ask, wait for `GRACE` seconds, then insist."""
    group = process.pid
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            return  # it is gone, or became another user's and cannot be ended from here
        if not ends_within(process, GRACE):
            continue
        if number == signal.SIGTERM:
            _sweep(group)
        return


def _sweep(group: int) -> None:
    """The command itself has ended; what is left of its group may not outlive it."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _converse(process: Process, data: bytes, output: Output, hearing: Hearing, timeout: float | None) -> bool:
    """Feed and read a process until it has ended; whether its time ran out."""
    deadline = None if timeout is None else time.monotonic() + timeout
    rest = memoryview(data)
    if process.stdin is not None and not process.stdin.closed:
        os.set_blocking(process.stdin.fileno(), False)
        hearing.watch_input(process.stdin.fileno())
    ended_at = 0.0
    while hearing.open:
        now = time.monotonic()
        if not ended_at and process.poll() is not None:
            ended_at = now
        if ended_at and now - ended_at > _STRAGGLERS:
            break
        if deadline is not None and not ended_at and now >= deadline:
            end_group(process)
            return True
        for stream, said in hearing.hear(_patience(deadline, now, ended_at=bool(ended_at))):
            if said:
                output.add(stream, said)
            elif process.stdin is not None:
                rest = _fed(process.stdin, rest, hearing)
        output.speak()
    output.speak(ended=True)
    return _await(process, deadline)


def _patience(deadline: float | None, now: float, *, ended_at: bool) -> float:
    """How long to wait for the pipes: a child in the background may hold them open after the command has ended."""
    longest = 0.1 if ended_at else 0.5
    return longest if deadline is None else max(0.0, min(longest, deadline - now))


def _fed(pipe: IO[bytes], rest: memoryview, hearing: Hearing) -> memoryview:
    """What is left to be said to the command; its stdin is closed when that is nothing."""
    try:
        rest = rest[os.write(pipe.fileno(), rest[:65536]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        rest = rest[:0]
    if not rest:
        hearing.leave_input()
        pipe.close()
    return rest


def _await(process: Process, deadline: float | None) -> bool:
    """The pipes are closed; the process may still run."""
    if ends_within(process, None if deadline is None else max(0.0, deadline - time.monotonic())):
        return False
    end_group(process)
    return True
