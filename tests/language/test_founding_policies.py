"""Policies in the shapes that the founding documentation shows run as they are, by its own command lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
from opsmop.core.easy import *
import getpass

USERNAME = getpass.getuser()
OUT = 'THE FOLDER'
inventory = None

class BaseRole(Role):
    def ssh_as(self): return (UserDefaults.ssh_username(), None)
    def sudo(self): return False
    def sudo_as(self): return ('root', None)
    def check_host_keys(self): return False

class CommonSetup(BaseRole):
    def inventory(self): return inventory.filter(groups='webservers*')
    def set_resources(self):
        return Roles(
        )

class WebServers(BaseRole):
    def inventory(self): return inventory.filter(groups=['webservers*', 'dbservers'])
    def set_variables(self): return dict(x=5, foo=dict(x=1, y=2), badwolf=True)
    def should_contact(self, host): return True
    def before_contact(self, host): pass
    def after_contact(self, host): pass
    def serial(self): return 5
    def allow_fileserving_paths(self): return [ '.', '/opt/foo' ]
    def main(self):
        car = "DeLorean"
        Directory(name=OUT + "/made/", owner=USERNAME, mode=0o755)
        f1 = File(name=OUT + "/made/a", from_content="Hey!")
        f2 = File(OUT + "/made/b", from_template="templates/foo.j2")
        File(OUT + "/made/c", from_file="files/foo.txt", mode=0o770)
        File(name=T(OUT + "/made/{{ car }}"), from_content=T("{{ say }} {{ foo.y }}"), overwrite=False)
        Shell("true"),
        cmd = Shell("/bin/false", ignore_errors=True, changed_when=lambda o: 'changed' in o.data)
        Shell("/bin/false", failed_when=lambda o: o.rc == 0, changed_when=False)
        Echo("rc {{ cmd.rc }}, {{ color }}, {{ asdf }}")
        try:
            Shell("/bin/false")
        except:
            Echo("exception recovered")
        if self.vars.x > 2 and (f1.changed() or f2.changed):
            Echo("changed")
        Shell("echo hi", register="said", changed_when=False)
        Echo("said {{ said.data }}")

class Flagged(BaseRole):
    def inventory(self): return inventory
    def should_process_when(self): return Platform.system() == "Darwin" or Chaos.random() > 2
    def main(self): Echo("never")

class Demo(Policy):
    def set_variables(self): return dict(asdf = 'jkl;')
    def set_roles(self):
        made = [ WebServers(name='webservers', tag='web', color=color) for color in ('red', 'blue') ]
        return Roles(CommonSetup(), *made, Flagged())
    def allow_fileserving_patterns(self): return [ '*.txt', '*.j2' ]
    def deny_fileserving_patterns(self): return Policy.DEFAULT_DENY_FILESERVING_PATTERNS

if __name__ == '__main__':
    inventory = TomlInventory("inventory/inventory.toml")
    Cli(Demo(say='Congratulations'))
"""
INVENTORY = """
[groups.webservers1.hosts]
example = "opsmop_host=127.0.0.1 z=3002"

[groups.dbservers.hosts]
example = ""

[groups.all.vars]
opsmop_python_path="{python}"
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, text in {
        "content/site.py": POLICY.replace("THE FOLDER", str(tmp_path)),
        "content/inventory/inventory.toml": INVENTORY.format(python=sys.executable),
        "content/templates/foo.j2": "x={{ x }} and {{ badwolf }}\n",
        "content/files/foo.txt": "FOO\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path / "content" / "site.py"


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, site.name, *words],
        cwd=site.parent,
        env={**os.environ, "HOME": str(site.parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("reach", ["--local", "--push"])
def test_a_policy_of_the_founding_documentation_runs_unmodified(site: Path, reach: str) -> None:
    assert "nothing found wrong" in run(site, "--validate", reach).stdout
    checked = run(site, "--check", reach, "--verbose")
    assert (checked.returncode, (site.parents[1] / "made").exists()) == (0, False), checked.stdout + checked.stderr
    done = run(site, "--apply", reach, "--extra-vars", "say='at last'")
    assert done.returncode == 0, done.stdout + done.stderr
    made = site.parents[1] / "made"
    assert {path.name: path.read_text() for path in made.iterdir()} == {
        "a": "Hey!",
        "b": "x=5 and True\n",
        "c": "FOO\n",
        "DeLorean": "at last 2",
    }
    for said in ("rc 1, red, jkl;", "rc 1, blue, jkl;", "exception recovered", "changed", "said hi"):
        assert said in done.stdout
    again = run(site, "--apply", reach, "--extra-vars", "say='another word'")
    assert (made / "DeLorean").read_text() == "at last 2", again.stdout


@pytest.mark.parametrize("words", [("--limit-groups", "nothing*"), ("--limit-hosts", "exam*")])
def test_its_limits_are_taken(site: Path, words: tuple[str, ...]) -> None:
    done = run(site, "--check", "--push", *words)
    assert ("example" in done.stdout.partition("Recap")[2]) == ("exam*" in words), done.stdout + done.stderr
