"""Runs of tools, measured: wall time, CPU time of the controller and of the hosts, bytes in memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.grounds import Grounds
from benchmarks.tools import Command, plain_environment

REPORTED_END = 20.0  # seconds that the sshds may take to notice the end of their sessions


@dataclass(frozen=True)
class Measurement:
    """One run, in seconds and MiB.

    :param wall: from start to end
    :param controller: CPU time of the tool and what it started
    :param targets: CPU time of the hosts' processes, sshd's own among them
    :param memory: the most that the tool's own process held
    """

    wall: float
    controller: float
    targets: float
    memory: float


class FailedRunError(Exception):
    """A tool ended with an error."""


def measured(command: Command, grounds: Grounds) -> Measurement:
    """Run a command.

    :raises FailedRunError: if it does not end well
    """
    before = _settled(grounds)
    environment = {**plain_environment(), **dict(command.environment)}
    log = command.folder / "output"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.words, cwd=command.folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise FailedRunError(f"{' '.join(command.words)} in {command.folder}:\n{log.read_text()[-3000:]}")
    targets = _settled(grounds) - before
    return Measurement(wall, usage.ru_utime + usage.ru_stime, targets, usage.ru_maxrss / 1024)


def _settled(grounds: Grounds) -> float:
    """The hosts' CPU time once their sessions have ended."""
    until = time.monotonic() + REPORTED_END
    while time.monotonic() < until and _sessions(grounds):
        time.sleep(0.01)
    return grounds.target_seconds()


def _sessions(grounds: Grounds) -> bool:
    return any(Path(f"/proc/{server}/task/{server}/children").read_text().strip() for server in grounds.servers)


def median(measurements: Iterable[Measurement], value: Callable[[Measurement], float]) -> float:
    """The median of one value."""
    return statistics.median(value(measurement) for measurement in measurements)


def summary(measurements: list[Measurement]) -> dict[str, object]:
    """The medians, and every run."""
    names = ("wall", "controller", "targets", "memory")
    medians = {name: median(measurements, lambda one, name=name: getattr(one, name)) for name in names}
    return {**medians, "runs": [asdict(one) for one in measurements]}
