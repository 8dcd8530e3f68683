"""Ctrl-C while a hook of the policy hangs on the control machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

POLICY = """
import pathlib, time
from opsmop import *

HERE = pathlib.Path(__file__).parent

class Web(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter()
    def before_connect(self, host):
        (HERE / f"begun-{host.name}").touch()
        while host.name != "done" and (HERE / "wait").exists():
            time.sleep(0.05)
    def after_connect(self, host): pass
    def main(self):
        Echo("here")

class Site(Policy):
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""
HOSTS = ("a", "b", "done")


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that hangs in the hooks of a and b, and is through with the third host."""
    lines = [f'{name} = "opsmop_connection=local"\n' for name in HOSTS]
    (tmp_path / "hosts.toml").write_text("[groups.all.hosts]\n" + "".join(lines))
    (tmp_path / "site.py").write_text(POLICY)
    (tmp_path / "wait").touch()
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "site.py"), "--push", "--apply", "-v"],
        env={**os.environ, "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        limit = threading.Timer(60, process.kill)
        limit.start()
        until = time.monotonic() + 60
        while not all((tmp_path / f"begun-{name}").exists() for name in HOSTS):
            assert time.monotonic() < until
            time.sleep(0.02)
        said_until(process, "done  Web")
        process.send_signal(signal.SIGINT)
        yield process
        limit.cancel()
        process.kill()


def said_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_the_first_says_which_hooks_are_waited_for_and_the_recap_who_is_out(
    hanging: subprocess.Popen[str], tmp_path: Path
) -> None:
    said = " ".join(said_until(hanging, "a second signal").split())
    assert "interrupted: waiting for before_connect() for a, b (a second signal ends all at once)" in said
    (tmp_path / "wait").unlink()
    out, err = hanging.communicate(timeout=60)
    assert hanging.returncode == 130, out + err
    recap = " ".join(out.partition("Left out: ")[2].split())
    assert recap.startswith("the hook before the role ran, the hook after it did not Web: a, b ")


def test_the_second_names_who_is_out_too_and_remembers_whom_it_cut_off(
    hanging: subprocess.Popen[str], tmp_path: Path
) -> None:
    said_until(hanging, "a second signal")
    hanging.send_signal(signal.SIGINT)
    _, err = hanging.communicate(timeout=60)
    assert hanging.returncode == 130
    assert "ended at once" in err
    assert "Left out: the hook before the role ran, the hook after it did not\n  Web: a, b\n" in err
    (tmp_path / "wait").unlink()
    again = subprocess.run(
        [sys.executable, str(tmp_path / "site.py"), "--push", "--apply", "--retry"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Web on 2 hosts: a, b\n" in again.stdout, again.stdout + again.stderr
