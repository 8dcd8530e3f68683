"""`opsmop vars` shows each variable of a host, its value, and the layer that it came from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
from opsmop import *

inventory = TomlInventory("inventory.toml")

class Web(Role):
    def inventory(self): return inventory.filter(groups="web")
    def set_variables(self): return dict(port=8080, key=Secret("very-hidden"), nested=[Secret("very-hidden")])
    def main(self): raise RuntimeError("main() ran")

class Later(Role):
    def inventory(self): return inventory.filter(groups="web")
    def set_variables(self): return dict(heard=self.results["web1"])
    def main(self): pass

class Site(Policy):
    def set_variables(self): return dict(env="prod", port=1)
    def set_roles(self): return Roles(Web(color="blue"), Later())
"""
INVENTORY = """
[groups.web.hosts]
web1 = { opsmop_host = "192.0.2.1", rack = 3, opsmop_ssh_key_file = "/secret/key" }
web2 = "rack=4"
[groups.all.vars]
zone = "north"
rack = 0
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "inventory.toml").write_text(INVENTORY)
    (tmp_path / "site.py").write_text(POLICY)
    return tmp_path / "site.py"


def run_vars(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opsmop", "vars", str(site), *words],
        cwd=site.parent / "..",
        env={**os.environ, "HOME": str(site.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("program", ["", "\nif __name__ == '__main__':\n    Cli(Site(env='made'))\n"])
def test_each_variable_its_value_and_its_layer_are_shown_and_secrets_are_not(site: Path, program: str) -> None:
    site.write_text(POLICY + program)
    done = run_vars(site, "--host", "web1", "--extra-vars", "extra=given")
    assert done.returncode == 0, done.stderr
    rows = {tuple(row.split()[:2]): row.split()[2:] for row in done.stdout.splitlines() if row.startswith("  ")}
    assert rows["port", "8080"] == ["Web.set_variables()"]
    assert rows["port", "1"] == ["Site.set_variables()"]
    assert rows["env", "'made'" if program else "'prod'"] == ["Site(...)" if program else "Site.set_variables()"]
    assert rows["color", "'blue'"] == ["Web(...)"]
    assert rows["rack", "3"] == ["inventory", "host", "web1"]
    assert rows["zone", "'north'"] == ["inventory", "group", "all"]
    assert rows["extra", "'given'"] == ["--extra-vars"]
    assert rows["key", "Secret(********)"] == ["Web.set_variables()"]
    assert "very-hidden" not in done.stdout
    assert "/secret/key" not in done.stdout
    assert "Later on web1 (without Later.set_variables(), which needs what an earlier role returns)" in done.stdout


def test_one_variable_can_be_asked_for(site: Path) -> None:
    done = run_vars(site, "--host", "web2", "rack")
    assert done.stdout.splitlines()[:2] == ["Web on web2", "  rack  '4'  inventory host web2"]


def test_in_local_mode_it_is_this_machine_by_that_name(site: Path) -> None:
    done = run_vars(site, "--local", "--host", "web2", "rack")
    assert done.stdout.splitlines()[:2] == ["Web on web2", "  rack  '4'  inventory host web2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "opsmop vars takes the host"),
        (("--host", "web9"), "no role goes to a host 'web9'"),
        (("--host", "web1", "prot"), "nothing defines 'prot' on web1"),
    ],
)
def test_what_is_not_there_is_2_and_says_what_is_close(site: Path, words: tuple[str, ...], said: str) -> None:
    done = run_vars(site, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 2
