"""The types and providers of docs/extending.md, on a real host."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host

Boot = Callable[..., Fleet]
PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
SUPERVISE = """#!/bin/sh
case $1 in status) test "$2" = worker || exit 4; test -e /run/worker;; start) touch /run/worker;; esac
"""


@pytest.fixture
def bookworm(boot: Boot) -> Fleet:
    return boot("bookworm")


@pytest.fixture
def host(bookworm: Fleet) -> Host:
    (host,) = bookworm.hosts
    host.run("cat > /usr/local/bin/supervise && chmod 755 /usr/local/bin/supervise", input=SUPERVISE)
    return host


def blocks() -> dict[str, str]:
    """The page's files, by name."""
    return dict(re.findall(r"""```python title="(\S+)"\n(.*?)```""", PAGE.read_text(), re.DOTALL))


def run(folder: Path, *flags: str) -> str:
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "site.py", "--push", *flags],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_type_and_a_provider_of_ones_own_are_short() -> None:
    for name in ("hosts_entry.py", "supervised.py"):
        code = [line for line in blocks()[name].splitlines() if line.strip()]
        assert len(code) < 30, name


def test_a_type_and_a_provider_of_ones_own_travel_to_a_host(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    for name, text in blocks().items():
        (tmp_path / name).write_text(text)
    bookworm.inventory(tmp_path / "inventory.toml")
    before = host.run("cat /etc/hosts").stdout
    announced = run(tmp_path, "--check", "--diff")
    assert "+10.0.0.7\tdb.internal" in announced
    assert host.run("cat /etc/hosts").stdout == before
    run(tmp_path, "--apply")
    assert host.run("cat /etc/hosts").stdout == before + "10.0.0.7\tdb.internal\n"
    assert host.run("getent hosts db.internal").stdout.split()[0] == "10.0.0.7"
    host.run("test -e /run/worker")
    assert "changed=0" in run(tmp_path, "--apply").splitlines()[-1]
