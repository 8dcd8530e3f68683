"""A link between this machine and a host that can be cut, frozen or slowed, by command or after so many bytes."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

_PIECE = 1 << 14


class Link:
    """Listens on a loopback address and passes on what comes, to `address` port 22 and back, until `close`.

    :param address: where to
    :param cut_after: bytes towards the host after which every connection is torn down, and each later one at once
    :param freeze_after: bytes towards the host after which nothing passes any more, in either direction
    :param rate: bytes a second that pass towards the host; any number if 0
    """

    def __init__(self, address: str, *, cut_after: int = 0, freeze_after: int = 0, rate: int = 0) -> None:
        self._address = address
        self._cut_after, self._freeze_after, self._rate = cut_after, freeze_after, rate
        self._open: list[socket.socket] = []
        self._moving = threading.Event()
        self._moving.set()
        self._closed = False
        self.passed = 0
        self._door = socket.create_server(("127.0.4.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """The port of 127.0.4.1 that leads to the host."""
        return int(self._door.getsockname()[1])

    def cut(self) -> None:
        """Tear down what is open. Each new connection is torn down at its first byte."""
        self._cut_after = 1
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Let nothing pass any more, and tell nobody."""
        self._moving.clear()

    def mend(self) -> None:
        """Be an ordinary link again: what froze is torn down, new connections pass."""
        self.cut()
        self._cut_after = self._freeze_after = self._rate = 0
        self._moving.set()

    def close(self) -> None:
        """End everything."""
        self._closed = True
        self.mend()
        self._door.close()

    def _accept(self) -> None:
        while not self._closed:
            with suppress(OSError):
                near, _ = self._door.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection((self._address, 22)) as far:
            self._open += [near, far]
            back = threading.Thread(target=self._pump, args=(far, near, False), daemon=True)
            back.start()
            self._pump(near, far, True)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, towards: bool) -> None:
        with suppress(OSError):
            while data := source.recv(_PIECE):
                if towards:
                    self._count(len(data))
                self._moving.wait()
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, length: int) -> None:
        self.passed += length
        if self._rate:
            time.sleep(length / self._rate)
        if self._cut_after and self.passed >= self._cut_after:
            self.cut()
        if self._freeze_after and self.passed >= self._freeze_after:
            self.freeze()
