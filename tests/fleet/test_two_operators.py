"""Two operators, each with a control machine's home of their own, at one host at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host

Boot = Callable[..., Fleet]

POLICY = """\
from opsmop import *

class Web(Role):
    def inventory(self): return TomlInventory("inventory.toml").filter(groups="fleet")
    def sudo(self): return True
    def main(self):
        Shell("touch /srv/busy; while test -e /srv/hold; do sleep 0.1; done", creates="/srv/busy")
        File("/srv/last", from_content="x")

class Site(Policy):
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""


class Operator:
    """One of them, with a checkout and a home of their own."""

    def __init__(self, name: str, folder: Path, fleet: Fleet) -> None:
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        fleet.inventory(self.folder / "inventory.toml")
        (self.folder / "site.py").write_text(POLICY)

    def start(self, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "site.py", "--push", "--apply", *options],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder), "SUDO_USER": self.name, "COLUMNS": "300"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def apply(self, *options: str) -> tuple[int, str]:
        process = self.start(*options)
        output = process.communicate(timeout=120)[0]
        return process.returncode, output


@contextmanager
def in_the_middle(operator: Operator, host: Host) -> Iterator[subprocess.Popen[str]]:
    host.run("touch /srv/hold")
    with operator.start() as process:
        until = time.monotonic() + 60
        while not (host.root / "srv/busy").exists():
            assert time.monotonic() < until
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        try:
            yield process
        finally:
            host.run("rm -f /srv/hold")


@pytest.fixture
def fleet(boot: Boot) -> Fleet:
    return boot("bookworm", "bullseye")


def test_the_second_is_told_who_is_there_and_since_when_and_works_with_the_other_hosts(
    fleet: Fleet, tmp_path: Path
) -> None:
    held, free = fleet.hosts
    ann, bob = (Operator(name, tmp_path, fleet) for name in ("ann", "bob"))
    with in_the_middle(ann, held) as first:
        until = time.monotonic() + 60
        while not (free.root / "srv/last").exists():  # ann's run is done there; only one host is held
            assert time.monotonic() < until
            time.sleep(0.05)
        status, output = bob.apply()
        assert status == 1
        said = rf"{held.name} is busy: ann@\S+ has been applying Web to it since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        assert re.search(said, output), output
        assert "--force-lock goes on regardless" in output
        assert "RESULT failed=1 unreachable=0 changed=0 ok=1" in output
        status, output = bob.apply("--force-lock", "--limit-hosts", held.name)
        assert status == 0, output
        assert first.poll() is None
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert bob.apply()[0] == 0, "the lock is free again"


def test_a_control_machine_that_is_gone_holds_no_lock(fleet: Fleet, tmp_path: Path) -> None:
    ann, bob = (Operator(name, tmp_path, fleet) for name in ("ann", "bob"))
    held = fleet.hosts[0]
    with in_the_middle(ann, held) as first:
        first.kill()
        first.communicate()
        until = time.monotonic() + 90
        while bob.apply("--limit-hosts", held.name)[0]:
            assert time.monotonic() < until
    assert (held.root / "srv/last").exists()
