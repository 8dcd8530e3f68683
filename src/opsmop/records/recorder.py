"""Writing the record of a run."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from opsmop.events import HOST_EVENTS, ContactFinished, Event, RoleFinished, RunFinished, RunStarted
from opsmop.events.wire import to_wire

LARGEST_RECORDS = 512 << 20  # bytes of all records together
LARGEST_RECORD = 128 << 20  # bytes of one, beyond which nothing that hosts say is kept
_UNWRITTEN = 256 << 10  # bytes that may wait to be written
_SAFE_AFTER = (RunStarted, ContactFinished, RoleFinished, RunFinished)


class Recorder:
    """A report that keeps every event. What cannot be written is no failure of the run.

    :param folder: where records are kept
    :param keep: how many of them, with this one
    :ivar error: why there is no record, or not a whole one
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.error: OSError | None = None
        self._folder, self._keep = folder, keep
        self._file = -1
        self._size = 0
        self._waiting = bytearray()

    def __call__(self, event: Event) -> None:
        """Keep `event`."""
        try:
            if isinstance(event, RunStarted) and self._file < 0:
                self._open(event)
            if self._file >= 0:
                self._take(event)
        except OSError as error:
            self.error = error
            self.close()

    def close(self) -> None:
        """Write no more."""
        try:
            self._write()
        except OSError as error:
            self.error = self.error or error
        opened, self._file = self._file, -1
        if opened >= 0:
            os.close(opened)

    def _open(self, event: RunStarted) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        rotate(self._folder, self._keep - 1)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(event.ts or time.time()))
        path = self._folder / f"{stamp}-{event.run[:8]}.ndjson"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def _take(self, event: Event) -> None:
        if self._size > LARGEST_RECORD and type(event).__name__ in HOST_EVENTS:
            self.error = OSError(errno.EFBIG, "the hosts said too much")
            return
        line = to_wire(event) + b"\n"
        self._size += len(line)
        self._waiting += line
        if len(self._waiting) > _UNWRITTEN or isinstance(event, _SAFE_AFTER):
            self._write()

    def _write(self) -> None:
        rest = memoryview(bytes(self._waiting))
        self._waiting.clear()
        while rest:
            rest = rest[os.write(self._file, rest) :]


def rotate(folder: Path, keep: int, largest: int = LARGEST_RECORDS) -> None:
    """Remove the oldest records, until at most `keep` are left, of at most `largest` bytes together.

    :raises OSError: if one cannot be removed
    """
    left = 0
    for number, path in enumerate(sorted(folder.glob("*.ndjson"), reverse=True), 1):
        with suppress(FileNotFoundError):  # another run rotates them too
            left += path.stat().st_size
            if number > keep or left > largest:
                path.unlink()
