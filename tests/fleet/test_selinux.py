"""What SELinux needs and can be seen without a kernel that enforces it: labels are extended attributes like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.pushing import apply

Boot = Callable[..., Fleet]
LABEL = "system_u:object_r:net_conf_t:s0"
LABELLED = "import os, sys; os.setxattr(sys.argv[1], 'security.selinux', sys.argv[2].encode() + bytes(1))"
TOLD = "import os, sys; print(os.getxattr(sys.argv[1], 'security.selinux').rstrip(bytes(1)).decode())"


@pytest.fixture
def fleet(boot: Boot) -> Fleet:
    return boot("bookworm", "bullseye")


def labelled(host: Host, path: str) -> None:
    host.run(f"printf 'port 1\\n' > {path}; chmod 644 {path}")
    host.run(["python3", "-c", LABELLED, path, LABEL])


def label(host: Host, path: str) -> str:
    return host.run(["python3", "-c", TOLD, path]).stdout.strip()


@pytest.mark.parametrize(
    "main",
    [
        'File("/srv/conf", from_content="port 2\\n")',
        'File("/srv/conf", from_content="port 2\\n", backup=True, mode=0o600)',
        'Line("/srv/conf", "port 2", regexp="^port")',
        'Block("/srv/conf", "port 2\\n")',
        'Replace("/srv/conf", "port 1", "port 2")',
    ],
)
def test_a_changed_file_keeps_its_label(fleet: Fleet, tmp_path: Path, main: str) -> None:
    for host in fleet.hosts:
        labelled(host, "/srv/conf")
    apply(fleet, tmp_path, main)
    for host in fleet.hosts:
        assert "port 2" in host.run("cat /srv/conf").stdout
        assert label(host, "/srv/conf") == LABEL


def test_a_role_and_a_type_in_sudoers_are_in_nobodys_way(fleet: Fleet, tmp_path: Path) -> None:
    for host in fleet.hosts:
        rule = "ops ALL=(ALL:ALL) ROLE=unconfined_r TYPE=unconfined_t NOPASSWD: ALL"
        host.run(f"rm -f /etc/sudoers.d/*; echo '{rule}' > /etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops; visudo -c")
    apply(fleet, tmp_path, 'File("/root/made", from_content="x")')
    assert {host.run("cat /root/made").stdout for host in fleet.hosts} == {"x"}
