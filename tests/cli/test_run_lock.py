"""Two operators at once."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

POLICY = """
from opsmop import *

class Long(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter()
    def main(self):
        Shell(f"touch HERE/begun-{self.vars.name}")
        Shell("while test -e HERE/wait; do sleep 0.1; done")

class Site(Policy):
    def set_roles(self): return Roles(Long())

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    lines = [f'{name} = "opsmop_connection=local name={name}"\n' for name in ("a", "b")]
    (tmp_path / "hosts.toml").write_text("[groups.all.hosts]\n" + "".join(lines))
    (tmp_path / "site.py").write_text(POLICY.replace("HERE", str(tmp_path)))
    (tmp_path / "wait").touch()
    return tmp_path / "site.py"


def started(site: Path, *options: str, output: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(site), "--apply", *options],
        env={**os.environ, "HOME": str(site.parent)},
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    output = process.communicate(timeout=60)[0]
    return process.returncode, output


@contextmanager
def at_work(site: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Somebody's run that waits in the middle of both hosts, until it may go on."""
    process = started(site, "--push", *options, output=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while len(list(site.parent.glob("begun-*"))) < 2:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    try:
        yield process
    finally:
        (site.parent / "wait").unlink(missing_ok=True)
        process.wait(30)


@pytest.mark.parametrize("reach", [("--push",), ("--local", "--host", "a")])
def test_the_second_of_two_runs_is_told_who_is_at_work_and_since_when(site: Path, reach: tuple[str, ...]) -> None:
    with at_work(site) as first:
        status, output = ended(started(site, *reach))
        assert status == 1
        who = re.escape(os.environ.get("SUDO_USER") or getpass.getuser())
        assert re.search(rf"a is busy: {who}@\S+ has been applying Long\s+to it since\s+20\d\d-\S+Z", output), output
        assert "--force-lock goes on regardless" in output
        assert first.poll() is None, "the first goes on"
    assert first.returncode == 0, "both of its hosts are this machine, and share the lock"
    assert ended(started(site, *reach))[0] == 0, "the lock is free again"


def test_a_killed_run_leaves_no_lock_behind(site: Path) -> None:
    with at_work(site) as first:
        first.kill()
        first.wait(30)
    until = time.monotonic() + 60
    while ended(started(site, "--push"))[0]:
        assert time.monotonic() < until


def test_force_lock_goes_on_regardless_and_check_never_asks(site: Path) -> None:
    with at_work(site) as first:
        check = subprocess.run(
            [sys.executable, str(site), "--check", "--push"],
            env={**os.environ, "HOME": str(site.parent)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert check.returncode == 0, check.stdout
        second = started(site, "--push", "--force-lock")
        time.sleep(1)
        assert second.poll() is None
        assert first.poll() is None
    assert ended(second)[0] == 0


def test_a_home_that_takes_no_lock_is_told_and_fails_nothing(site: Path) -> None:
    (site.parent / "wait").unlink()
    (site.parent / ".opsmop").write_text("in the way")
    status, output = ended(started(site, "--push"))
    assert status == 0, output
    assert "cannot be locked, so another run may be at work here at the same time" in " ".join(output.split())
