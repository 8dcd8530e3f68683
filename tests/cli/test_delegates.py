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


def test_a_delegate_evaluates_the_role_with_the_variables_of_the_host_that_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "hosts.toml").write_text(
        '[groups.web.hosts]\nweb1 = "certificate=one"\nweb2 = "certificate=two"\n'
        '[groups.other.hosts]\nauthority = "opsmop_connection=local certificate=none"\n'
    )
    (tmp_path / "site.py").write_text(POLICY.replace("PLACE", str(tmp_path)))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "site.py"), "--push", "--apply"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(tmp_path / name).read_text() for name in ("one", "two")] == ["for one", "for two"]
    assert "delegated  web1  Certificates runs on authority" in done.stdout
    assert "RESULT failed=0 unreachable=0 changed=2" in done.stdout
