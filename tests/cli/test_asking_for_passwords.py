"""Passwords that are typed: once, on the terminal, before anything runs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
from opsmop import *

class Web(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter(groups="web")
    def main(self): Echo("reached")

class Site(Policy):
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "hosts.toml").write_text('[groups.web.hosts]\nhere = "opsmop_connection=local"\n')
    path = tmp_path / "site.py"
    path.write_text(POLICY)
    return path


def on_a_terminal(words: list[str], typed: bytes) -> tuple[int, bytes]:
    """The status and the screen of a program whose user types each time that it asks."""
    pid, screen = pty.fork()
    if not pid:
        os.execv(words[0], words)
    seen, answered = b"", 0
    while True:
        try:
            data = os.read(screen, 4096)
        except OSError:  # Linux's word for the end of a terminal's other side
            data = b""
        if not data:
            break
        seen += data
        if seen.count(b"Password for") > answered:
            answered += 1
            os.write(screen, typed)
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


def test_passwords_are_asked_for_once_at_the_start_and_not_shown(site: Path) -> None:
    words = [sys.executable, str(site), "--push", "--check", "--ask-ssh-pass", "--ask-sudo-pass"]
    status, screen = on_a_terminal(words, b"hidden-7731\n")
    assert status == 0, screen
    assert (screen.count(b"Password for ssh: "), screen.count(b"Password for sudo: ")) == (1, 1)
    assert screen.index(b"Password for sudo") < screen.index(b"reached")
    assert b"hidden-7731" not in screen


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(site), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )


def test_without_a_terminal_another_way_is_named(site: Path) -> None:
    done = run(site, "--push", "--check", "--ask-sudo-pass")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no terminal to ask on" in done.stderr
    assert "password_file" in done.stderr


@pytest.mark.parametrize("words", [("--ask-ssh-pass",), ("--role-timeout", "5")])
def test_what_is_about_connections_goes_with_push(site: Path, words: tuple[str, ...]) -> None:
    done = run(site, "--local", "--check", *words)
    assert done.returncode == 2
    assert f"{words[0]} goes with --push" in done.stderr


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_a_time_limit_is_a_number_of_seconds(site: Path, seconds: str) -> None:
    done = run(site, "--push", "--check", f"--connect-timeout={seconds}")
    assert done.returncode == 2
    assert "whole number above 0" in done.stderr
