"""`opsmop config` shows each setting, its value and where it was said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opsmop.settings.defaults import DEFAULTS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".opsmop").mkdir()
    own = tmp_path / ".opsmop" / "defaults.toml"
    own.write_text('[sudo]\npassword = "very-hidden"\nusrname = "x"\n')
    own.chmod(0o600)
    (tmp_path / "opsmop.toml").write_text('[ssh]\nargs = "-4 -q"\nport = 2222\n')
    return tmp_path


def config(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPSMOP_", "XDG_"))}
    return subprocess.run(
        [sys.executable, "-m", "opsmop", "config", *words],
        cwd=folder,
        env={**kept, "HOME": str(folder), **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_each_setting_is_shown_with_its_origin_and_passwords_are_not(folder: Path) -> None:
    done = config(folder, OPSMOP_SSH_CONNECT_TIMEOUT="7")
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert list(rows) == list(DEFAULTS)
    assert rows["ssh_port"].endswith(f" {folder}/opsmop.toml")
    assert '["-4", "-q"]' in rows["ssh_args"]
    assert rows["ssh_connect_timeout"].split()[1:] == ["7", "OPSMOP_SSH_CONNECT_TIMEOUT"]
    assert rows["sudo_password"].split()[1:] == ['"********"', f"{folder}/.opsmop/defaults.toml"]
    assert rows["sudo_username"].endswith(" built in")
    assert "very-hidden" not in done.stdout + done.stderr
    assert done.stderr.startswith(f"opsmop: warning: {folder}/.opsmop/defaults.toml: [sudo] usrname means nothing")


def test_one_setting_is_there_for_programs(folder: Path) -> None:
    done = config(folder, "ssh_port", "--json")
    assert json.loads(done.stdout) == {
        "ssh_port": {
            "value": 2222,
            "origin": f"{folder}/opsmop.toml",
            "meaning": DEFAULTS["ssh_port"].doc,
        }
    }


def test_only_what_somebody_has_set(folder: Path) -> None:
    assert [line.split()[0] for line in config(folder, "--set").stdout.splitlines()] == [
        "ssh_port",
        "ssh_args",
        "sudo_password",
    ]


def test_an_unknown_name_is_2_and_says_what_is_close(folder: Path) -> None:
    done = config(folder, "ssh_prot")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'ssh_port'?" in done.stderr
