"""A rolling update of twelve hosts in batches of four, seen from the load balancer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet

HERE = Path(__file__).parent
BATCH = 4


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(["bookworm"] * 12) as fleet:
        yield fleet


@pytest.fixture
def site(fleet: Fleet, tmp_path: Path) -> Path:
    shutil.copy(HERE / "policies" / "rolling.py", tmp_path / "site.py")
    fleet.inventory(tmp_path / "inventory.toml")
    for host in fleet.hosts:
        host.run("rm -f /srv/release /srv/broken")
    return tmp_path / "site.py"


def run(site: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(site), "--push", *options], capture_output=True, text=True, timeout=300, check=False
    )


def calls(site: Path) -> list[tuple[str, str]]:
    """What the balancer was told: in or out, and the host."""
    log = site.with_name("balancer.log")
    lines = log.read_text().splitlines() if log.exists() else []
    return [(word, name) for word, _, name in (line.partition(" ") for line in lines)]


def most_out(told: list[tuple[str, str]]) -> int:
    """How many hosts were out of the pool at once, at most."""
    out: set[str] = set()
    most = 0
    for word, name in told:
        out = out | {name} if word == "out" else out - {name}
        most = max(most, len(out))
    return most


def test_never_more_than_a_batch_is_out_and_all_come_back(fleet: Fleet, site: Path) -> None:
    done = run(site, "--apply")
    assert done.returncode == 0, done.stdout + done.stderr
    told = calls(site)
    assert most_out(told) == BATCH
    assert sorted(told) == sorted((word, host.name) for word in ("in", "out") for host in fleet.hosts)
    batches = [told[start : start + 2 * BATCH] for start in range(0, len(told), 2 * BATCH)]
    assert all(len({name for _, name in batch}) == BATCH for batch in batches), "a batch begins when the last has ended"
    assert {host.run("cat /srv/release").stdout for host in fleet.hosts} == {"2\n"}


def test_after_a_failing_batch_no_host_is_taken_out(fleet: Fleet, site: Path) -> None:
    broken = fleet.hosts[5]
    broken.run("touch /srv/broken")
    done = run(site, "--apply")
    assert done.returncode == 1, done.stdout + done.stderr
    told = calls(site)
    first, last = fleet.hosts[:8], fleet.hosts[8:]
    assert {name for word, name in told if word == "out"} == {host.name for host in first}
    assert {name for word, name in told if word == "in"} == {host.name for host in first if host is not broken}
    assert most_out(told) == BATCH
    assert {host.run("test -e /srv/release", check=False).returncode for host in last} == {1}
    recap = done.stdout
    assert f"ran, the hook after it did not\n  Rolling: {broken.name}\n" in recap
    assert f"Not contacted\n  Rolling: {', '.join(host.name for host in last)}\n" in recap
    assert "RESULT failed=1 unreachable=0 changed=7 ok=0 skipped=0 not_contacted=4" in recap


def test_check_leaves_the_balancer_alone_and_says_what_apply_would_call(site: Path) -> None:
    done = run(site, "--check", "--serial", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert calls(site) == []
    assert "apply would call before_connect and after_connect here for each host" in done.stdout
