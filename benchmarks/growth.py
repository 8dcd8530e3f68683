"""``python3 -m benchmarks.growth``: what one more host costs the controller, from 50 to 2,000 of them.

The hosts are light ones (tests/scale): an ssh that is the connection and an agent at once, with next to no work of its
own. What is measured is ours: drive, transport, reports.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.scale.light import environment, make_site

RESULTS = Path(__file__).parent / "results"
HOSTS = (50, 200, 500, 1000, 2000)


@dataclass(frozen=True)
class Point:
    """One run of two roles.

    :param hosts: on so many hosts
    :param workers: with so many processes
    :param wall: seconds
    :param cpu: seconds of the controller and its stand-ins for ssh
    :param memory: MiB, the most that the controller's own process held
    """

    hosts: int
    workers: int
    wall: float
    cpu: float
    memory: float


def measured(hosts: int, workers: int) -> Point:
    """Run it once."""
    with tempfile.TemporaryDirectory(prefix="opsmop-growth-") as name:
        folder = Path(name)
        make_site(folder, hosts)
        command = [sys.executable, str(folder / "site.py"), "--push", "--apply", "-j", str(workers)]
        started = time.perf_counter()
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=out, stderr=out)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        said = (folder / "out").read_text()
        if process.returncode or f"changed={hosts} " not in said:
            raise SystemExit(said[-3000:])
    return Point(hosts, workers, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.growth", description=__doc__.partition("\n")[0])
    parser.add_argument("--hosts", type=int, nargs="*", default=HOSTS)
    parser.add_argument("--workers", type=int, nargs="*", default=(1, 2))
    chosen = parser.parse_args()
    points = []
    print("hosts  workers  wall s  ms/host  CPU ms/host  MiB")
    for hosts in chosen.hosts:
        for workers in chosen.workers:
            point = measured(hosts, workers)
            points.append(point)
            each = 1000 / hosts
            print(
                f"{hosts:5}  {workers:7}  {point.wall:6.1f}  {point.wall * each:7.1f}  {point.cpu * each:11.1f}  {point.memory:3.0f}",
                flush=True,
            )
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"growth-{time.strftime('%Y%m%d-%H%M%S')}.json"
    kept.write_text(json.dumps([asdict(point) for point in points], indent=1))


if __name__ == "__main__":
    main()
