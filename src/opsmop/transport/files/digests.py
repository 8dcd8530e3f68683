"""Digests of large files, remembered on the control machine from run to run.

A file that has the same device, inode, size and times has the same content (`Identity`), but for one thing: a file may be
changed twice within one tick of its file system's clock. So only those are remembered that have not been changed for a
while when they are read.
"""

from __future__ import annotations

import threading
import time

from opsmop.ship import store
from opsmop.transport.files.opened import Identity

LARGE = 4 << 20  # bytes; a smaller one is hashed before what is remembered has been read
_SETTLED = 3 * 10**9  # nanoseconds: no file system of today has coarser times than FAT, with its two seconds
_MOST = 500
_NAME = "digests-sha256"


class Digests:
    """The sha256 of large files, by what their content is known by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def recall(self, identity: Identity) -> str:
        """The digest of such a file, in hexadecimal; empty if it is not remembered."""
        return self._kept().get(_mark(identity), "") if identity.size >= LARGE else ""

    def remember(self, identity: Identity, digest: str) -> None:
        """Remember a digest, if it is sure to stay that of every file with this identity."""
        if identity.size < LARGE or time.time_ns() - max(identity.modified, identity.changed) < _SETTLED:
            return
        with self._lock:
            known = self._kept()
            known.pop(_mark(identity), None)
            known[_mark(identity)] = digest
            lines = [f"{mark} {digest}" for mark, digest in known.items()]
            store.write(_NAME, "\n".join(lines[-_MOST:]).encode())

    def _kept(self) -> dict[str, str]:
        lines = (store.read(_NAME) or b"").decode("ascii", "replace").splitlines()
        return dict(line.split(" ") for line in lines)


def _mark(identity: Identity) -> str:
    return ":".join(map(str, identity))
