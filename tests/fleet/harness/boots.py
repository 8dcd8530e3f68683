"""One boot of a system: the process that runs it, and the cgroup that knows all of its processes."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .errors import FleetError

HALT_SECONDS = 30


class Boot:
    """A process that runs a whole system, in a cgroup of its own.

    :param cgroup: the cgroup; it is made here
    :param words: what to run, by a shell that has the cgroup as its first argument
    :param output: takes what that says
    :param environment: its environment; this process's if None
    """

    rebooted: int  # the status with which it ends when its system reboots

    def __init__(
        self, cgroup: Path, words: Sequence[str], output: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.cgroup = cgroup
        cgroup.mkdir(parents=True, exist_ok=True)
        with output.open("ab") as file:
            self._process = subprocess.Popen(
                ["sh", "-c", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                # a Ctrl-C in the terminal is the fleet's to answer
                start_new_session=True,
            )

    def wants_reboot(self) -> bool:
        """Say whether the system has rebooted, and is to be booted anew."""
        return self._process.poll() == self.rebooted

    def is_running(self) -> bool:
        return self._process.poll() is None

    def halt(self) -> None:
        """Have it end in order; after HALT_SECONDS end it."""
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(HALT_SECONDS)
        self.end()

    def end(self) -> None:
        """Take the power away: every process of the system is gone when this returns."""
        end_processes(self.cgroup)
        if self.is_running():  # not yet in the cgroup
            self._process.kill()
        self._process.wait()
        end_processes(self.cgroup)
        remove_cgroup(self.cgroup)


def end_processes(cgroup: Path, seconds: float = 20) -> None:
    """Kill each process of a cgroup of ours by its number, until none is left; raise FleetError after `seconds`.

    A killed systemd-nspawn leaves its container running, so the cgroup is what knows all of them.
    """
    deadline = time.monotonic() + seconds
    while numbers := _processes(cgroup):
        if time.monotonic() > deadline:
            raise FleetError(f"processes {numbers} of {cgroup} do not end, though killed")
        for number in numbers:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.02)


def remove_cgroup(cgroup: Path) -> None:
    """Remove a cgroup without processes, and those in it."""
    for folder, _, _ in os.walk(cgroup, topdown=False):
        with suppress(FileNotFoundError):
            Path(folder).rmdir()


def _processes(cgroup: Path) -> list[int]:
    numbers: list[int] = []
    for path in cgroup.rglob("cgroup.procs"):
        with suppress(FileNotFoundError, OSError):  # a cgroup that was removed while it was read
            numbers += [int(line) for line in path.read_text().split()]
    return sorted(set(numbers) - {0})  # 0 stands for a process of another namespace: never ours
