"""A host's disk: an overlay on a base, and what makes one host differ from another."""

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from . import commands
from .errors import CommandError
from .login import Login, make_key

# volatile: nothing waits for the machine's disk. redirect_dir: folders of the base can be renamed, as on a real disk.
OPTIONS = "volatile,index=off,metacopy=off,redirect_dir=on"
LOGINS = {"root": "root", "ops": "home/ops", "plain": "home/plain"}


def mount(folder: Path, base: Path) -> Path:
    """Mount a fresh overlay on a base below `folder` and return its merged root."""
    upper, work, root = (folder / name for name in ("upper", "work", "root"))
    for path in (upper, work, root):
        path.mkdir(parents=True)
    shutil.copystat(base, upper)
    options = f"lowerdir={base},upperdir={upper},workdir={work},{OPTIONS}"
    commands.run("mount", "-t", "overlay", "-o", options, "overlay", root)
    return root


def personalise(root: Path, name: str, address: str, neighbours: dict[str, str], login: Login) -> None:
    """Give a host its name, address, identity, keys and logins. `neighbours` maps names to addresses."""
    hosts = [f"{neighbour} {host}" for host, neighbour in neighbours.items()]
    texts = {
        "etc/hostname": name,
        "etc/hosts": "\n".join(["127.0.0.1 localhost", *hosts]),
        "etc/machine-id": uuid.uuid4().hex,
        "etc/resolv.conf": Path("/etc/resolv.conf").read_text().rstrip("\n"),
        "etc/ssh/sshd_config.d/60-address.conf": f"ListenAddress {address}",
    }
    for path, text in texts.items():
        (root / path).write_text(text + "\n")
    host_key = root / "etc/ssh/ssh_host_ed25519_key"
    make_key(host_key, f"root@{name}")
    login.learn(address, host_key.with_suffix(".pub").read_text())
    for home in LOGINS.values():
        _authorise(root / home, login.public_key)


def let_on(root: Path, login: Login, addresses: set[str]) -> None:
    """Let the users of a host go on to hosts at other addresses, whose keys are known to the fleet."""
    known = [line for line in login.known_hosts.read_text().splitlines() if line.split()[0] in addresses]
    (root / "etc/ssh/ssh_known_hosts").write_text("\n".join(known) + "\n")
    for home in LOGINS.values():
        owner = (root / home).stat()
        key = root / home / ".ssh/id_ed25519"
        key.write_text(login.key.read_text())
        key.chmod(0o600)
        os.chown(key, owner.st_uid, owner.st_gid)


def _authorise(home: Path, public_key: str) -> None:
    owner = home.stat()
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    keys = folder / "authorized_keys"
    keys.write_text(public_key)
    keys.chmod(0o600)
    for path in (folder, keys):
        os.chown(path, owner.st_uid, owner.st_gid)


def unmount_below(folder: Path) -> None:
    """Unmount everything mounted below a folder, innermost first."""
    for place in reversed(mounts_below(folder)):
        try:
            commands.run("umount", place)
        except CommandError:  # somebody still looks at it: it goes when they stop looking
            with suppress(CommandError):
                commands.run("umount", "--lazy", place)


def mounts_below(folder: Path) -> list[Path]:
    """Return what is mounted below a folder, outermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = [Path(line.split()[4].replace("\\040", " ")) for line in lines]
    return [place for place in places if folder in place.parents]
