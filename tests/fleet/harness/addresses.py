"""Loopback addresses 127.0.3.N, each held by one host of one fleet at a time."""

import socket
from pathlib import Path

from .errors import FleetError
from .places import FileLock


class Address:
    """A free address, ours until `close` or the end of the process."""

    def __init__(self, text: str, lock: FileLock) -> None:
        self.text = text
        self._lock = lock

    def close(self) -> None:
        """Give the address back."""
        self._lock.close()


def take_address(folder: Path) -> Address:
    """Take the first free address; `folder` holds a lock file per address. FleetError when none is free."""
    for number in range(1, 255):
        text = f"127.0.3.{number}"
        lock = FileLock(folder / text)
        if lock.try_take() and _is_free(text):
            return Address(text, lock)
        lock.close()
    raise FleetError("port 22 is taken on each of 127.0.3.1 to 127.0.3.254; does an sshd listen on 0.0.0.0:22 here?")


def _is_free(address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that lingers does not matter
        try:
            probe.bind((address, 22))
        except OSError:
            return False
        return True
