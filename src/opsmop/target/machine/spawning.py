"""Starting commands without the standard library's subprocess, whose import costs a host more than most commands do.

posix_spawn(3) starts a process as vfork(2) does, without a copy of this one. What it cannot do (another directory,
another user, something to read) is subprocess's as before.
"""

from __future__ import annotations

import os
import time

from opsmop.wire.lean import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from subprocess import Popen
    from typing import Any, Union

    Process = Union["Spawned", Popen[bytes]]

_PAUSES = (0.0005, 0.05)  # seconds between two looks at a process that still runs: the first, and the longest


class Spawned:
    """A command's process.

    :param pid: its number
    :ivar returncode: its exit status, or the negative number of the signal that ended it; None while it runs
    """

    stdin = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its status, if it has ended."""
        return self._reaped(os.WNOHANG)

    def wait(self) -> int | None:
        """Its status, once it has ended."""
        return self._reaped(0)

    def _reaped(self, options: int) -> int | None:
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # somebody else has waited for it; as subprocess has it
                pid, status = self.pid, 0
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def spawned(argv: Sequence[str], env: Mapping[str, str], outputs: tuple[int, int]) -> Spawned | None:
    """A command, started in a session of its own with nothing to read; None where that is impossible.

    :param outputs: what its stdout and stderr are
    :raises OSError: if it cannot be started
    """
    try:
        actions: list[tuple[Any, ...]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            *((os.POSIX_SPAWN_DUP2, given, taken) for taken, given in enumerate(outputs, 1)),
            *((os.POSIX_SPAWN_CLOSE, strange) for strange in _inherited()),
        ]
        return Spawned(_first(argv, env, actions))
    except (NotImplementedError, AttributeError):  # a C library without POSIX_SPAWN_SETSID, or without posix_spawn
        return None


def ends_within(process: Process, seconds: float | None) -> bool:
    """Whether a process ends within that time.

    :param seconds: None for as long as it takes
    """
    if seconds is None:
        process.wait()
        return True
    until = time.monotonic() + seconds
    pause, longest = _PAUSES
    while process.poll() is None:
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, longest)
    return True


def _first(argv: Sequence[str], env: Mapping[str, str], actions: list[tuple[Any, ...]]) -> int:
    """The number of the process of the first program of that name that can be started, as execvp(3) has it."""
    refused: OSError | None = None
    for path in _paths(argv[0], env):
        try:
            # What Python ignores for itself, commands would find ignored.
            return os.posix_spawn(
                path, list(argv), env, file_actions=actions, setsid=True, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ)
            )
        except (FileNotFoundError, NotADirectoryError) as error:  # noqa: PERF203 - the next may be there
            refused = refused or error
        except PermissionError as error:
            refused = error
    raise refused or FileNotFoundError(2, os.strerror(2), argv[0])


def _paths(program: str, env: Mapping[str, str]) -> Iterator[str]:
    if "/" in program:
        yield program
        return
    for folder in env.get("PATH", os.defpath).split(":"):
        yield os.path.join(folder, program)


def _inherited() -> list[int]:
    """What this process was started with besides the three streams, and a command would be started with too.

    :raises NotImplementedError: if that cannot be told
    """
    try:
        known = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        raise NotImplementedError from None
    return [one for one in known if one > 2 and _is_passed_on(one)]  # noqa: PLR2004 - stderr


def _is_passed_on(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:  # the one that listed the others
        return False
