"""How to log in to the hosts of one fleet: a key of its own, known host keys, nothing of the user's ssh."""

import socket
from collections.abc import Sequence
from pathlib import Path

from . import commands


class Login:
    """The key and the known hosts of a fleet, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "key"
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.touch()
        make_key(self.key, "fleet")

    @property
    def public_key(self) -> str:
        """The line for authorized_keys."""
        return self.key.with_suffix(".pub").read_text()

    @property
    def options(self) -> list[str]:
        """Options for ssh that leave the user's and the machine's configuration out of it."""
        known = [f"UserKnownHostsFile={self.known_hosts}", "GlobalKnownHostsFile=/dev/null"]
        settings = [*known, "IdentitiesOnly=yes", "IdentityAgent=none"]
        return ["-F", "/dev/null", *(word for setting in settings for word in ("-o", setting))]

    def arguments(self, address: str, user: str, before: Sequence[str] = ()) -> list[str]:
        """Return the ssh command, to which the remote command is added; `before` stands before it."""
        settings = ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15", "LogLevel=ERROR"]
        extra = [word for setting in settings for word in ("-o", setting)]
        return [*before, "ssh", *self.options, *extra, "-i", str(self.key), "-l", user, address]

    def learn(self, address: str, public_key: str) -> None:
        """Remember a host's key."""
        kind, key = public_key.split()[:2]
        with self.known_hosts.open("a") as file:
            file.write(f"{address} {kind} {key}\n")

    def answers(self, address: str, before: Sequence[str] = ()) -> bool:
        """Say whether an sshd greets at that address (RFC 4253, section 4.2), met from where `before` leads."""
        if before:
            greeting = ["timeout", "2", "bash", "-c", f"head -c4 <>/dev/tcp/{address}/22"]
            return commands.tried(*before, *greeting) == "SSH-"
        try:
            with socket.create_connection((address, 22), timeout=2) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False


def make_key(path: Path, comment: str) -> None:
    """Make an ed25519 key pair without a passphrase."""
    commands.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path)
