"""A role that runs for its hosts on another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

POLICY = """
from opsmop import *

class Certificates(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter(groups="web")
    def get_delegate_host(self, host): return "authority"
    def main(self):
        File(f"PLACE/{self.vars.certificate}", from_content=T("for {{ certificate }}"))

class Site(Policy):
    def set_roles(self): return Roles(Certificates())

if __name__ == "__main__":
    Cli(Site())
"""


WEB = '[groups.web.hosts]\nweb1 = "certificate=one"\nweb2 = "certificate=two"\n'


def applied(folder: Path, inventory: str, policy: str = POLICY) -> str:
    (folder / "hosts.toml").write_text(inventory)
    (folder / "site.py").write_text(policy.replace("PLACE", str(folder)))
    done = subprocess.run(
        [sys.executable, str(folder / "site.py"), "--push", "--apply"],
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(folder / name).read_text() for name in ("one", "two")] == ["for one", "for two"]
    assert "RESULT failed=0 unreachable=0 changed=2" in done.stdout
    return done.stdout


def test_a_delegate_evaluates_the_role_with_the_variables_of_the_host_that_it_is_for(tmp_path: Path) -> None:
    said = applied(tmp_path, f'{WEB}[groups.other.hosts]\nauthority = "opsmop_connection=local certificate=none"\n')
    assert "delegated  web1  Certificates runs on authority" in said


def test_the_control_machine_does_it_however_all_hosts_are_reached(tmp_path: Path) -> None:
    """What the group of all says of logins and Pythons is for the hosts of the inventory."""
    reached = 'opsmop_ssh_username = "deploy"\nopsmop_ssh_port = 1\nopsmop_python_path = "/no/such/python"\n'
    said = applied(tmp_path, f"{WEB}[groups.all.vars]\n{reached}", POLICY.replace('"authority"', '"localhost"'))
    assert "delegated  web1  Certificates runs on localhost" in said
