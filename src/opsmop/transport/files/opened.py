"""A file of the controller, opened to be served."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from opsmop.errors import FileRefusedError


class Identity(NamedTuple):
    """What a file's content is known by: as long as all of it is the same, so is the content."""

    device: int
    inode: int
    size: int
    modified: int  # nanoseconds
    changed: int  # nanoseconds; who sets the time of modification back cannot set this one (inode(7))


def identity_of(status: os.stat_result) -> Identity:
    """The identity of the file that `status` tells of."""
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class OpenFile:
    """A file of the controller, opened.

    :param name: what the role calls it
    :param descriptor: closed with this
    """

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self._descriptor = descriptor
        status = os.fstat(descriptor)
        self.identity = identity_of(status)
        self.size = status.st_size
        self.mode = stat.S_IMODE(status.st_mode)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on.

        :raises FileRefusedError: if they are not there any more
        """
        with reading(self.name):
            data = os.pread(self._descriptor, length, offset)
        if len(data) < length:
            raise changed(self.name)
        return data

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say what the system says of a file as an error of ours.

    :param name: what the role calls it
    :raises FileRefusedError: if the system refuses meanwhile
    """
    try:
        yield
    except OSError as error:
        raise FileRefusedError(
            f"{name!r} cannot be read on the control machine: {error.strerror}",
            remedy="Whoever runs opsmop must be allowed to; excludes=[...] leaves something out of a directory.",
        ) from None


def changed(name: str) -> FileRefusedError:
    """What is said of a file that somebody works at while it is served."""
    return FileRefusedError(
        f"{name!r} changed on the control machine while it was being served",
        remedy="Run it again once nothing writes to that file.",
    )
