"""Where the measurements happen: private sshds on loopback, a home and a root for each host, a proxy that delays."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from opsmop.demo.sshd import PrivateSshd

ADDRESSES_PER_SSHD = 16  # OpenSSH's limit
# Without it the key exchange with sntrup761 costs each client 0.1 s of CPU and hides what is measured.
KEY_EXCHANGE = "KexAlgorithms=curve25519-sha256"
PYTHON = (
    "/usr/bin/python3" if Path("/usr/bin/python3").exists() else os.path.realpath(sys.executable)
)  # a distribution's, as on hosts
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Target:
    """One host.

    :param number: its number, from 0
    :param address: where ssh finds it
    :param port: likewise
    :param root: the folder that jobs write into
    :param home: HOME of its sessions
    """

    number: int
    address: str
    port: int
    root: Path
    home: Path

    @property
    def name(self) -> str:
        return f"host{self.number:03}"


@dataclass(frozen=True)
class Grounds:
    """Hosts, and how ssh reaches them.

    :param folder: holds all
    :param targets: the hosts
    :param delayed: the same hosts behind the proxy
    :param user: whom to log in as
    :param key_file: the key that lets in
    :param ssh_args: what ssh needs besides
    :param servers: the process ids of the sshds, whose children are the hosts' processes
    """

    folder: Path
    targets: tuple[Target, ...]
    delayed: tuple[Target, ...]
    user: str
    key_file: Path
    ssh_args: tuple[str, ...]
    servers: tuple[int, ...]

    def empty(self, *, homes: bool) -> None:
        """Make the roots empty, and the homes too if asked."""
        for target in self.targets:
            for place in (target.root, target.home) if homes else (target.root,):
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir(parents=True, mode=0o700)

    def trees(self, count: int) -> dict[int, dict[str, tuple[str, int, str]]]:
        """What stands on the first `count` hosts: per path its kind, mode and digest."""
        return {target.number: tree(target.root) for target in self.targets[:count]}

    def target_seconds(self) -> float:
        """The CPU time that ended sessions have used since the sshds began, with what they started."""
        return sum(_children_seconds(server) for server in self.servers)


def tree(root: Path) -> dict[str, tuple[str, int, str]]:
    """What stands below a folder; the host's own name for its root does not count."""
    found = {}
    for path in sorted(root.rglob("*")):
        kind, digest = "folder", ""
        if path.is_file():
            kind, digest = "file", hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(root))] = (kind, path.stat().st_mode & 0o7777, digest)
    return found


def _children_seconds(process: int) -> float:
    # proc(5): fields 16 and 17 of stat are the time of children that were waited for.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS


@contextmanager
def grounds(count: int, delay: float) -> Iterator[Grounds]:
    """Hosts, as long as this lasts.

    :param count: how many
    :param delay: milliseconds of a round trip to the delayed ones
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(_folder()))
        known = folder / "known_hosts"
        targets: list[Target] = []
        servers: list[PrivateSshd] = []
        for start in range(0, count, ADDRESSES_PER_SSHD):
            numbers = range(start, min(count, start + ADDRESSES_PER_SSHD))
            server = stack.enter_context(_server(folder, numbers))
            servers.append(server)
            targets += [_target(folder, number, server.port) for number in numbers]
        proxied = stack.enter_context(_proxies(targets, delay))
        delayed = [_behind(target, port) for target, port in zip(targets, proxied, strict=True)]
        known.write_text(_known_hosts(servers, targets, delayed))
        yield Grounds(
            folder,
            tuple(targets),
            tuple(delayed),
            servers[0].user,
            _shared_key(folder, servers),
            _ssh_arguments(known),
            tuple(server._process.pid for server in servers if server._process),  # noqa: SLF001 - only here
        )


@contextmanager
def _folder() -> Iterator[str]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="opsmop-bench-") as folder:
        yield folder


def _server(folder: Path, numbers: range) -> PrivateSshd:
    addresses = tuple(_address(number) for number in numbers)
    # sshd_config(5): what a Match block sets holds instead of what was set before it.
    extra = "".join(
        f"Match LocalAddress {_address(number)}\n  SetEnv HOME={_home(folder, number)}\n" for number in numbers
    )
    return PrivateSshd(addresses=addresses, extra="Subsystem sftp internal-sftp\n" + extra)


def _target(folder: Path, number: int, port: int) -> Target:
    return Target(number, _address(number), port, folder / "hosts" / f"{number:03}", _home(folder, number))


def _behind(target: Target, port: int) -> Target:
    return Target(target.number, target.address.replace("127.1.", "127.2."), port, target.root, target.home)


def _address(number: int) -> str:
    return f"127.1.{number // 200}.{number % 200 + 1}"


def _home(folder: Path, number: int) -> Path:
    return folder / "homes" / f"{number:03}"


@contextmanager
def _proxies(targets: list[Target], delay: float) -> Iterator[list[int]]:
    ways = [f"{_behind(target, 0).address}={target.address}:{target.port}" for target in targets]
    command = [sys.executable, str(Path(__file__).parent / "proxy.py"), str(delay / 2000), *ways]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield [int(port) for port in process.stdout.readline().split()]
    finally:
        process.kill()
        process.wait()


def _known_hosts(servers: list[PrivateSshd], targets: list[Target], delayed: list[Target]) -> str:
    lines = []
    for target, behind in zip(targets, delayed, strict=True):
        key = (servers[target.number // ADDRESSES_PER_SSHD].folder / "host_key.pub").read_text().strip()
        lines += [f"[{place.address}]:{place.port} {key}\n" for place in (target, behind)]
    return "".join(lines)


def _shared_key(folder: Path, servers: list[PrivateSshd]) -> Path:
    """The key of the first server, which the others let in as well."""
    for server in servers[1:]:
        shutil.copyfile(servers[0].folder / "authorized_keys", server.folder / "authorized_keys")
    key = folder / "key"
    shutil.copyfile(servers[0].key_file, key)
    key.chmod(0o600)
    return key


def _ssh_arguments(known: Path) -> tuple[str, ...]:
    options = (
        f"UserKnownHostsFile={known}",
        "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "ControlPath=none",
        KEY_EXCHANGE,
    )
    return ("-F", "none", *(f"-o{option}" for option in options))
