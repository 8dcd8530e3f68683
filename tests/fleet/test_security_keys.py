"""Keys of a security key (FIDO): used as the user's own ssh uses them. The device is OpenSSH's own for tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.fleet.harness import Fleet, Host

Boot = Callable[..., Fleet]

POLICY = """\
from opsmop import *

class Web(Role):
    def inventory(self): return TomlInventory("inventory.toml").filter(groups="fleet")
    def sudo(self): return True
    def main(self): File("/srv/made", from_content="x")

class Site(Policy):
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""


def software_device(host: Host, folder: Path) -> Path:
    """The library with which OpenSSH's own tests stand in for a device, from Debian's package of these tests."""
    host.run("cd /srv && apt-get -qq update && apt-get -qq download openssh-tests && dpkg-deb -x openssh-tests_*.deb x")
    found = host.root / "srv/x/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so"
    return Path(shutil.copy(found, folder / "sk-dummy.so"))


def test_a_key_that_a_security_key_holds_logs_in_as_long_as_the_device_is_there(boot: Boot, tmp_path: Path) -> None:
    fleet = boot("bookworm")
    (host,) = fleet.hosts
    device, key = software_device(host, tmp_path), tmp_path / "key"
    making = {**os.environ, "SSH_SK_PROVIDER": str(device)}
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519-sk", "-N", "", "-f", str(key)], env=making, check=True)
    host.run(f"echo '{key.with_suffix('.pub').read_text().strip()}' > /home/ops/.ssh/authorized_keys")
    inventory = fleet.inventory(tmp_path / "inventory.toml", opsmop_ssh_key_file=str(key))
    # Debian's ssh asks real devices unless its configuration names another library (ssh_config(5)).
    option = f"-o SecurityKeyProvider={device} "
    inventory.write_text(inventory.read_text().replace('opsmop_ssh_args = "', f'opsmop_ssh_args = "{option}'))
    (tmp_path / "site.py").write_text(POLICY)
    done = pushed(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert host.run("cat /srv/made").stdout == "x"
    assert "ED25519-SK" in host.run("journalctl --no-pager -q -t sshd | grep 'Accepted publickey for ops'").stdout
    inventory.write_text(inventory.read_text().replace(option, ""))
    away = pushed(tmp_path)
    assert away.returncode == 1
    said = " ".join(away.stdout.split())
    assert "does not let user ops in with the key" in said
    assert "device not found" in said
    assert "Is the security key there that holds it" in said


def pushed(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(folder / "site.py"), "--push", "--apply"],
        env={**os.environ, "HOME": str(folder), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
