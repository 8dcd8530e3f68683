"""What else a machine can be asked: its system, its network, and who holds what."""

from __future__ import annotations

import os

_ANSWER_SECONDS = 5.0


class Surroundings:
    """Looks that no planned effect of ours is modelled for."""

    def uname(self) -> tuple[str, str, str, str, str]:
        """See `Machine.uname`."""
        found = os.uname()
        return (found.sysname, found.nodename, found.release, found.version, found.machine)

    def environment(self) -> dict[str, str]:
        """See `Machine.environment`."""
        return dict(os.environ)

    def cpus(self) -> int:
        """See `Machine.cpus`."""
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def default_address(self, version: int) -> str:
        """See `Machine.default_address`. Connecting a datagram socket sends nothing; it only chooses a route (udp(7))."""
        import socket  # only for this look

        family, elsewhere = (socket.AF_INET, "192.0.2.1") if version == 4 else (socket.AF_INET6, "2001:db8::1")  # noqa: PLR2004
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                address: str = probe.getsockname()[0]
        except OSError:
            return ""
        return address

    def connects(self, host: str, port: int) -> bool:
        """See `Machine.connects`."""
        import socket  # only for this look

        try:
            with socket.create_connection((host, port), timeout=_ANSWER_SECONDS):
                return True
        except OSError:
            return False

    def writable(self, path: str) -> bool:
        """See `Machine.writable`."""
        return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)

    def locked(self, path: str) -> bool:
        """See `Machine.locked`. Source: proc(5), ``/proc/locks``: the last part of the sixth word is the file's number."""
        try:
            number = os.stat(path).st_ino
            with open("/proc/locks", encoding="ascii", errors="replace") as table:
                held = [line.split() for line in table if "->" not in line]
        except FileNotFoundError:
            return False
        return any(len(words) > 5 and words[5].rpartition(":")[2] == str(number) for words in held)  # noqa: PLR2004 - the sixth
