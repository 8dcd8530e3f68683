"""What a long command prints is told while it runs, to whom wants to watch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
from opsmop.core.easy import *
from opsmop import Secret

class Web(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter()
    def set_variables(self): return dict(password=Secret("xyzzy-plugh-1"))
    def main(self):
        Shell("echo hush; sleep 1.5; echo hush", sensitive=True)
        Shell("echo first; mkfifo go; echo the password is {{ password }}; read line < go; echo after $line", cwd="HERE")
        Shell("echo quiet", cwd="HERE")

class Site(Policy):
    def set_roles(self): return Roles(Web())

Cli(Site())
"""


@pytest.mark.parametrize("reach", [["--local", "--host", "here"], ["--push"]])
def test_lines_come_while_the_command_still_runs_and_not_again_at_its_end(tmp_path: Path, reach: list[str]) -> None:
    (tmp_path / "site.py").write_text(
        POLICY.replace("HERE", str(tmp_path))
        .replace('"echo first', 'T("echo first')
        .replace('line", cwd', 'line"), cwd')
    )
    (tmp_path / "hosts.toml").write_text('[groups.all.hosts]\nhere = "opsmop_connection=local"\n')
    with subprocess.Popen(
        [sys.executable, "site.py", "--apply", "-v", *reach],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        early = ""
        while "the password is ********" not in early:
            early += (line := running.stdout.readline())
            assert line, early
        assert "after" not in early, "the command has not ended, and is heard already"
        (tmp_path / "go").write_text("all\n")
        rest = running.stdout.read()
    assert running.returncode == 0, early + rest
    told = early + rest
    assert [told.count(word) for word in ("      first", "prints   here  first", "after all", "| quiet")] == [
        0,
        1,
        1,
        1,
    ]
    assert "xyzzy" not in told
    assert not any(line.strip(" |").endswith("hush") for line in told.splitlines()), "nobody may see what it prints"
