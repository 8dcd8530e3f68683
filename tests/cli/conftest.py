"""A private sshd, and the command as a person would call it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def private_sshd() -> Iterator[PrivateSshd]:
    """Three addresses of one server."""
    with PrivateSshd(addresses=("127.0.3.1", "127.0.3.2", "127.0.3.3")) as server:
        yield server


@pytest.fixture
def three_hosts(private_sshd: PrivateSshd, tmp_path: Path) -> Path:
    """An inventory of three hosts, two of them web servers, that ssh reaches with no further word."""
    path = tmp_path / "inventory.toml"
    lines = [
        "[groups.web.hosts]",
        *(f'web{number} = "opsmop_host=127.0.3.{number} letter={letter}"' for number, letter in ((1, "a"), (2, "a"))),
        "[groups.db.hosts]",
        'db1 = "opsmop_host=127.0.3.3 letter=b"',
        "[groups.site]",
        'children = ["web"]',
        "[groups.all.vars]",
        f'opsmop_ssh_username = "{private_sshd.user}"',
        f"opsmop_ssh_port = {private_sshd.port}",
        f'opsmop_ssh_key_file = "{private_sshd.key_file}"',
        f"opsmop_ssh_args = {list(private_sshd.ssh_args)!r}",
        f'opsmop_python_path = "{os.path.realpath(sys.executable)}"',
        'opsmop_sudo_password = "very-hidden"',
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def opsmop(tmp_path: Path) -> Opsmop:
    """Call the command in an empty home, which is the current directory."""

    def call(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPSMOP_", "XDG_"))}
        return subprocess.run(
            [sys.executable, "-m", "opsmop", *words],
            cwd=tmp_path,
            env={**kept, "HOME": str(tmp_path), **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return call
