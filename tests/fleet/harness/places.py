"""Where a fleet keeps its things on this machine, and locks on files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEFAULT = "/var/cache/opsmop-fleet"


@dataclass(frozen=True)
class Places:
    """Folders of bases, running fleets and taken addresses, below one root."""

    root: Path

    @classmethod
    def of_environment(cls) -> "Places":
        """Use OPSMOP_FLEET_CACHE or the default; make the folders, readable by their owner only."""
        places = cls(Path(os.environ.get("OPSMOP_FLEET_CACHE", DEFAULT)).absolute())
        for folder in (places.root, places.bases, places.fleets, places.addresses):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return places

    @property
    def bases(self) -> Path:
        return self.root / "bases"

    @property
    def fleets(self) -> Path:
        return self.root / "fleets"

    @property
    def addresses(self) -> Path:
        return self.root / "addresses"


class FileLock:
    """A lock on a file that ends with the process at the latest; children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self, *, shared: bool = False) -> None:
        """Wait for the lock; a shared one is held by any number of readers."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def try_take(self) -> bool:
        """Take the lock if nobody has it, without waiting."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give the lock back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file for the length of a block."""
    lock = FileLock(path)
    try:
        lock.take()
        yield
    finally:
        lock.close()
