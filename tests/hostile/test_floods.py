"""A host that says more than anybody takes fills no memory here: it is made to wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.hostile.conftest import AGENT, Controller

# The program does not take the second event before the host has been made to wait: has found its pipe full for seconds.
PROGRAM = """
import os, resource, threading
from pathlib import Path
from opsmop import *
from opsmop.events import Warned

resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
waits = Path({waits!r})
inventory = TomlInventory("inventory.toml")

class One(Role):
    def inventory(self): return inventory

class Site(Policy):
    def set_roles(self): return Roles(One())

def heard(event):
    if isinstance(event, Warned):
        while not waits.exists():
            threading.Event().wait(0.05)
        print("it was made to wait", flush=True)
        # Of this program alone: ru_maxrss begins with what the process was forked from (getrusage(2)).
        print(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line), flush=True)
        os._exit(0)

run(Site(), Settings(mode="apply", reach="push"), events=heard, file=__file__)
"""


def test_a_flood_that_is_small_on_the_wire_and_large_in_memory_is_made_to_wait(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\nexec {sys.executable} {AGENT} 'heavy flood' {tmp_path}/flood.received {tmp_path} \"$@\"\n"
    )
    python.chmod(0o755)
    words = f"opsmop_connection=local opsmop_python_path={python}"
    (tmp_path / "inventory.toml").write_text(f'[groups.all.hosts]\nflood = "{words}"\n')
    (tmp_path / "program.py").write_text(PROGRAM.format(waits=str(tmp_path / "flood.waits")))
    done = subprocess.run(
        [sys.executable, tmp_path / "program.py"],
        env={**os.environ, "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    waited, memory = done.stdout.splitlines()
    assert waited == "it was made to wait"
    assert int(memory.split()[1]) < 400 << 10


FLOODS = {name.replace(" ", "-"): name for name in ("flood of failures", "flood of wide letters", "flood of warnings")}


@pytest.mark.parametrize("form", ["console", "json", "junit", "github"])
def test_a_flood_of_what_reports_keep_is_ended_before_it_fills_the_memory(
    form: str, sshd: PrivateSshd, tmp_path: Path
) -> None:
    victim = Controller(tmp_path, sshd, via=False).run(FLOODS, "--output", form)
    assert victim.status == 1
    assert all(f"{host} does not keep to the protocol: what one role said would take" in victim.said for host in FLOODS)
    assert (tmp_path / "made-variable-of-honest").read_text() == "served"
    assert victim.memory < 700 << 10
