"""Three throw-away hosts: folders of this machine behind a private sshd, and the policy that is pushed to them."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from opsmop.demo.sshd import PrivateSshd

POLICY = Path(__file__).parent / "policy"
# The addresses that the policy's inventory names. All of 127.0.0.0/8 is loopback on Linux (ip(7)).
HOSTS = {"db1": "127.0.2.1", "web1": "127.0.2.2", "web2": "127.0.2.3"}
# What the policy makes on them.
FILES = (
    "db1/data/key",
    *(f"web{number}/{name}" for number in (1, 2) for name in ("app.log", "etc/app.conf", "etc/built-for")),
    *(f"web{number}/www/{name}" for number in (1, 2) for name in ("index.html", "live.html")),
)
_DROPPED_VARIABLES = ("SSH_", "OPSMOP_", "XDG_", "NO_COLOR", "FORCE_COLOR")


def lay_out(folder: Path) -> None:
    """Make in `folder` the hosts' folders, the homes of both sides, and a copy of the policy."""
    for name in ("home", "operator", *(f"hosts/{host}" for host in HOSTS)):
        (folder / name).mkdir(mode=0o700, parents=True)
    shutil.copytree(POLICY, folder / "policy", ignore=shutil.ignore_patterns("__pycache__"))


def write_connections(folder: Path, sshd: PrivateSshd) -> None:
    """Say at the end of the policy's inventory how the hosts are reached."""
    connection = {
        "opsmop_ssh_username": sshd.user,
        "opsmop_ssh_port": sshd.port,
        "opsmop_ssh_key_file": str(sshd.key_file),
        "opsmop_ssh_args": shlex.join(sshd.ssh_args),
        # Outside of a virtual environment, so that nothing of OpsMop's is installed there.
        "opsmop_python_path": os.path.realpath(sys.executable),
    }
    # A JSON string is a TOML basic string (toml.io, v1.0.0).
    lines = ["", "[groups.all.vars]", *(f"{name} = {json.dumps(value)}" for name, value in connection.items())]
    for host in HOSTS:
        lines += ["", f"[hosts.{host}.vars]", f"root = {json.dumps(str(folder / 'hosts' / host))}"]
    with (folder / "policy" / "inventory.toml").open("a") as inventory:
        inventory.write("\n".join(lines) + "\n")


def operator_environment(folder: Path, environ: Mapping[str, str], *, color: bool) -> dict[str, str]:
    """The environment of someone who pushes from this machine and has no files or settings of their own."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_DROPPED_VARIABLES)}
    columns = str(shutil.get_terminal_size((100, 24)).columns)
    kept |= {"HOME": str(folder / "operator"), "COLUMNS": columns, "PYTHONDONTWRITEBYTECODE": "1"}
    return kept | {"FORCE_COLOR" if color else "NO_COLOR": "1"}


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything that a change of the hosts would change: names, kinds, modes, owners, times, contents."""
    known: dict[str, tuple[object, ...]] = {}
    for path in sorted((folder / "hosts").rglob("*")):
        state = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(state.st_mode) else ""
        known[str(path.relative_to(folder))] = (state.st_mode, state.st_uid, state.st_ino, state.st_mtime_ns, content)
    return known
