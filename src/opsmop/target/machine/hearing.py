"""Hearing what a command prints on two streams, in the order in which it printed it."""

from __future__ import annotations

import os
import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

INPUT = "stdin"
_STREAMS = ("stdout", "stderr")
_SET_SIZE = 1031  # F_SETPIPE_SZ (fcntl(2)), which Python names since 3.10
_PAGE = 4096
_MOST = 65536  # bytes that are read at a time


class Hearing:
    """The pipes of a command.

    On Linux each has room for one write: as packets (pipe(7), O_DIRECT) they take a page each, and the pipe has one page.
    The kernel tells of pipes in the order in which something came into them (epoll(7), edge-triggered). So what was
    written first is heard first, on whichever stream. Elsewhere two streams that alternate quickly may change places; so
    may what is written right after something that went to ``/dev/stderr`` by that name, which is no packet.

    :ivar writers: the ends for the command, by stream
    """

    def __init__(self) -> None:
        self._ordered = hasattr(select, "epoll")
        self._waiting: Any = select.epoll() if self._ordered else select.poll()
        self._readers: dict[int, str] = {}
        self._input = -1
        self.writers: dict[str, int] = {}
        for name in _STREAMS:
            self._open(name)

    def _open(self, name: str) -> None:
        reader, writer, packets = _pipe() if self._ordered else (*os.pipe(), False)
        os.set_blocking(reader, False)
        self._readers[reader] = name
        self.writers[name] = writer
        self._waiting.register(reader, select.POLLIN | (select.EPOLLET if packets else 0))

    @property
    def open(self) -> bool:
        """Whether there may be something to hear, or something to say is left."""
        return bool(self._readers) or self._input >= 0

    def command_has_them(self) -> None:
        """Let go of the command's ends, so that its end is heard."""
        for writer in self.writers.values():
            os.close(writer)
        self.writers = {}

    def watch_input(self, descriptor: int) -> None:
        """Tell, as `INPUT`, when the command can take something."""
        if self._input < 0:
            self._input = descriptor
            self._waiting.register(descriptor, select.POLLOUT)

    def leave_input(self) -> None:
        """There is nothing to say any more."""
        if self._input >= 0:
            self._waiting.unregister(self._input)
            self._input = -1

    def hear(self, seconds: float) -> Iterator[tuple[str, bytes]]:
        """What comes within that time: a stream, and what was written to it."""
        for descriptor, flags in self._waiting.poll(seconds if self._ordered else seconds * 1000):
            if descriptor == self._input:
                yield INPUT, b""
            elif descriptor in self._readers:
                yield from self._read(descriptor, ended=bool(flags & select.POLLHUP))

    def _read(self, reader: int, *, ended: bool) -> Iterator[tuple[str, bytes]]:
        name = self._readers[reader]
        while True:
            try:
                data = os.read(reader, _MOST)
            except BlockingIOError:
                return
            if not data:
                self._waiting.unregister(reader)
                del self._readers[reader]
                os.close(reader)
                return
            yield name, data
            if not ended:
                return

    def close(self) -> None:
        """Hear no more."""
        self.command_has_them()
        for reader in self._readers:
            os.close(reader)
        self._readers = {}
        if self._ordered:
            self._waiting.close()


def _pipe() -> tuple[int, int, bool]:
    """A pipe's ends, and whether it has room for one write."""
    import fcntl  # with a command

    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
    try:
        fcntl.fcntl(writer, _SET_SIZE, _PAGE)
    except OSError:  # pages are larger, or it is not allowed: what is heard together keeps no order
        return reader, writer, False
    return reader, writer, fcntl.fcntl(writer, _SET_SIZE + 1) == _PAGE
