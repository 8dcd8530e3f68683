"""A file that is larger than the memory that anybody may take for it, to several hosts at once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd

GIB, MIB = 1 << 30, 1 << 20
HOSTS = ("web1", "web2", "web3", "web4")
POLICY = """
import atexit
from opsmop import *

@atexit.register
def tell():
    with open("/proc/self/status") as status:
        print("held", *[line.split()[1] for line in status if line.startswith("VmHWM")])

class Everywhere(Role):
    def inventory(self): return TomlInventory("inventory.toml")
    def main(self): File("HOME/" + self.vars.own, from_file="large")

class Site(Policy):
    def set_roles(self): return Roles(Everywhere())

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A policy beside a file of 1 GiB. What is large goes when the test ends, as pytest would keep it."""
    with PrivateSshd() as sshd:
        lines = [f'{name} = "own={name}"' for name in HOSTS]
        common = (
            f'opsmop_host = "{sshd.address}"\nopsmop_ssh_port = {sshd.port}\nopsmop_ssh_username = "{sshd.user}"\n'
            f'opsmop_ssh_key_file = "{sshd.key_file}"\nopsmop_python_path = "{sys.executable}"\n'
            f"opsmop_ssh_args = {json.dumps(sshd.ssh_args)}\n"
        )
        (tmp_path / "inventory.toml").write_text(
            "[groups.all.hosts]\n" + "\n".join(lines) + "\n[groups.all.vars]\n" + common
        )
        (tmp_path / "site.py").write_text(POLICY.replace("HOME", str(tmp_path)))
        with (tmp_path / "large").open("wb") as file:  # sparse, but for what tells its parts from each other
            file.truncate(GIB)
            for place in range(0, GIB, 16 * MIB):
                file.seek(place)
                file.write(place.to_bytes(8, "big"))
        yield tmp_path
    for name in ("large", *HOSTS):
        (tmp_path / name).unlink(missing_ok=True)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_gibibyte_to_four_hosts_stays_under_200_mib_of_the_controllers_memory(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "site.py", "--push", "--apply"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (held,) = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("held ")]
    assert held << 10 < 200 * MIB
    whole = digest(folder / "large")
    assert [name for name in HOSTS if digest(folder / name) != whole] == []
