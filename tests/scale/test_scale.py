"""Thousands of hosts through the real drive, transport and reports, and hundreds of real sshd sessions in one run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from tests.scale.light import environment, make_site

from opsmop.demo.sshd import PrivateSshd

LIMIT = 600  # seconds after which a run is ended
MIB = 1 << 20


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Runs]:
    runs = Runs(tmp_path)
    yield runs
    for process in runs.started:
        process.kill()


class Runs:
    """Runs of the command line over light hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, hosts: int, *options: str, before: tuple[str, ...] = ()) -> Run:
        folder = self.folder / f"{hosts}-{len(self.started)}"
        folder.mkdir()
        make_site(folder, hosts)
        command = [*before, sys.executable, str(folder / "site.py"), "--push", "--apply", *options]
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(
                command, cwd=folder, env=environment(folder), stdout=out, stderr=subprocess.STDOUT
            )
        self.started.append(process)
        return Run(process, folder / "out")


class Run:
    """One of them: what it holds while it runs, and what it came to."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path) -> None:
        self._process, self._out = process, out
        self.held: list[tuple[int, int, int, int]] = []  # memory, open files, children, processor time; at moments

    def watch(self) -> str:
        """Look at it until it ends, and give what it printed."""
        deadline = time.monotonic() + LIMIT
        while self._process.poll() is None:
            assert time.monotonic() < deadline, self._out.read_text()[-2000:]
            held = _held(self._process.pid)
            self.held += [held] if held else []
            time.sleep(0.05)
        assert self._process.returncode == 0, self._out.read_text()[-2000:]
        return self._out.read_text()


def _held(process: int) -> tuple[int, int, int, int] | None:
    """Bytes of memory, open files, children, and ticks of processor time (proc(5))."""
    folder = Path(f"/proc/{process}")
    try:
        memory = re.search(r"VmRSS:\s+(\d+) kB", (folder / "status").read_text())
        children = [path.read_text().split() for path in folder.glob("task/*/children")]
        spent = sum(map(int, (folder / "stat").read_text().rpartition(")")[2].split()[11:13]))
        held = int(memory[1]) * 1024 if memory else 0
        return held, len([*(folder / "fd").iterdir()]), sum(map(len, children)), spent
    except FileNotFoundError:
        return None


def _most(run: Run, which: int) -> int:
    return max(held[which] for held in run.held)


SIZES = (50, 200, 500, 1000, 2000)


def test_memory_and_work_grow_with_the_hosts_and_no_faster(run: Runs) -> None:
    memory, work = {}, {}
    for hosts in SIZES:
        one = run.start(hosts)
        assert f"RESULT failed=0 unreachable=0 changed={hosts} ok=0 skipped=0" in one.watch()
        memory[hosts], work[hosts] = _most(one, 0), _most(one, 3)
    steps = [*pairwise(SIZES)]
    more = {step: (memory[step[1]] - memory[step[0]]) / (step[1] - step[0]) for step in steps}
    assert max(more.values()) < 100 * 1024, f"bytes for each host more: {more}"
    # Ticks of the controller's own processor time, which no other load adds to: twice as many hosts, twice the work.
    # What grows with the square would have four times as much for each host from 500 on.
    assert work[2000] / 2000 < 2 * work[500] / 500, f"processor time: {work}"


def test_rolling_through_batches_leaks_neither_memory_nor_files_nor_processes(run: Runs) -> None:
    rolling = run.start(1000, "--serial", "50")
    assert "changed=1000" in rolling.watch()
    half = len(rolling.held) // 2
    assert max(held[0] for held in rolling.held[half:]) < max(held[0] for held in rolling.held[:half]) + 8 * MIB
    assert _most(rolling, 2) <= 1000, "each connection of the first role serves the second too"
    assert _most(rolling, 1) <= 1000 * 3 + 50


def test_fewer_open_files_than_hosts_make_them_wait_and_nothing_fails(run: Runs) -> None:
    tight = run.start(300, "--serial", "300", before=("prlimit", "--nofile=200:200"))
    assert "RESULT failed=0 unreachable=0 changed=300 ok=0 skipped=0" in tight.watch()
    assert _most(tight, 1) < 200


def test_a_soft_limit_of_open_files_is_raised(run: Runs) -> None:
    raised = run.start(100, "--serial", "100", before=("prlimit", "--nofile=128:4096"))
    assert "changed=100 " in raised.watch()
    assert _most(raised, 1) > 128


REAL = """\
from opsmop import *


class Real(Role):
    def inventory(self):
        return TomlInventory("inventory.toml").filter(groups="real")

    def main(self):
        Directory(self.vars.place)
        File(self.vars.place + "/name", from_content=self.vars.place + "\\n")
        Shell(f"hostname > {self.vars.place}/ran", creates=self.vars.place + "/ran")


class Site(Policy):
    def set_roles(self):
        return Roles(Real())


if __name__ == "__main__":
    Cli(Site())
"""
ADDRESSES = 16  # that one sshd listens on


def test_two_hundred_real_hosts_in_one_run_are_done_and_then_silent(tmp_path: Path) -> None:
    hosts = 200
    with ExitStack() as stack:
        sites = ["[groups.real.hosts]"]
        for first in range(0, hosts, ADDRESSES):
            addresses = tuple(f"127.0.6.{1 + number}" for number in range(first, min(first + ADDRESSES, hosts)))
            sshd = stack.enter_context(PrivateSshd(addresses=addresses))
            sites += [_real(sshd, address, tmp_path / "places" / address) for address in addresses]
        (tmp_path / "places").mkdir()
        (tmp_path / "inventory.toml").write_text("\n".join(sites) + "\n")
        (tmp_path / "site.py").write_text(REAL)
        for expected in (f"changed={hosts} ok=0 ", f"changed=0 ok={hosts} "):
            with (tmp_path / "out").open("wb") as out:
                command = [sys.executable, "site.py", "--push", "--apply"]
                process = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT)
            run = Run(process, tmp_path / "out")
            try:
                assert f"RESULT failed=0 unreachable=0 {expected}" in run.watch()
            finally:
                process.kill()
            assert _most(run, 0) < 120 * MIB
        texts = {path.name: (path / "name").read_text() for path in (tmp_path / "places").iterdir()}
        assert texts == {
            f"127.0.6.{1 + number}": f"{tmp_path}/places/127.0.6.{1 + number}\n" for number in range(hosts)
        }


def _real(sshd: PrivateSshd, address: str, place: Path) -> str:
    values = {
        "opsmop_host": address,
        "opsmop_ssh_port": sshd.port,
        "opsmop_ssh_key_file": str(sshd.key_file),
        "opsmop_ssh_args": shlex.join(sshd.ssh_args),
        "opsmop_ssh_username": sshd.user,
        "opsmop_python_path": sys.executable,
        "place": str(place),
    }
    return (
        f'"real-{address}" = {{ ' + ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items()) + " }"
    )
