"""Contents of files, at hand as bytes or coming in pieces, without a large one ever being held."""

from __future__ import annotations

import os

from opsmop.errors import ProviderError
from opsmop.language.machine import Content

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Union

    Given = Union[bytes, Content]

PIECE = 1 << 20  # bytes read at a time
_SOON = 4 << 20  # bytes of a large file after which the disk may begin with them
LARGEST_WHOLE = 64 << 20  # bytes; what somebody wants to have at once is held in memory


def size_of(content: Given) -> int:
    """Its length in bytes."""
    return len(content) if isinstance(content, bytes) else content.size


def digest_of(content: Given) -> str:
    """Its sha256, in hexadecimal."""
    if isinstance(content, Content):
        return content.digest
    import hashlib  # 5 ms that a role without contents to compare saves

    return hashlib.sha256(content).hexdigest()


def whole(content: Given) -> bytes:
    """All of it.

    :raises ProviderError: if that is too much to be held
    """
    if isinstance(content, bytes):
        return content
    if content.size > LARGEST_WHOLE:
        raise ProviderError(f"{content.size} bytes are too many to be read at once; {LARGEST_WHOLE} are the most")
    return b"".join(content.pieces())


def file_digest(path: str) -> str:
    """The sha256 of the file at `path`, in hexadecimal.

    :raises OSError: as the system says it
    """
    return file_content(path).digest


def file_content(path: str) -> Content:
    """The content of the file at `path`.

    :raises OSError: as the system says it
    """
    import hashlib  # as above

    found, size = hashlib.sha256(), 0
    for piece in _file_pieces(path):  # a file of /proc does not say its size
        found.update(piece)
        size += len(piece)
    return Content(size, found.hexdigest(), lambda: _file_pieces(path))


def in_pieces(content: Given) -> Content:
    """`content`, whatever it is, as what comes in pieces."""
    if isinstance(content, Content):
        return content
    return Content(len(content), digest_of(content), lambda: iter((content,)))


def _file_pieces(path: str) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield from pieces_of(descriptor)
    finally:
        os.close(descriptor)


def pieces_of(descriptor: int) -> Iterator[bytes]:
    """What is left to be read of an open file, piece by piece."""
    while True:
        piece = os.read(descriptor, PIECE)
        if not piece:
            return
        yield piece


def fill(descriptor: int, content: Given) -> None:
    """Write `content` to an open file, and see that it is what was announced.

    :raises ProviderError: if what came is something else
    :raises OSError: as the system says it
    """
    if isinstance(content, bytes):
        _write(descriptor, content)
        return
    import hashlib  # as above

    found, written, begun = hashlib.sha256(), 0, 0
    for piece in content.pieces():
        found.update(piece)
        _write(descriptor, piece)
        written += len(piece)
        if written - begun >= _SOON:
            _begin_to_sync(descriptor, begun, written)
            begun = written
    if found.hexdigest() != content.digest:
        raise ProviderError(
            "what came over is not what was announced (its sha256 differs)", remedy="Did the file change meanwhile?"
        )


def _begin_to_sync(descriptor: int, start: int, end: int) -> None:
    """Let the disk begin with what has come of a large file, so that little is left to be waited for at its end.

    What is dirty is written, without being waited for, and stays in memory (mm/fadvise.c of Linux: POSIX_FADV_DONTNEED).
    """
    if not hasattr(os, "posix_fadvise"):  # Linux has it; others that run Python may not
        return
    try:
        os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_DONTNEED)
    except OSError:  # it is a hint: what is synced at the end is synced all the same
        return


def copy(path: str, descriptor: int) -> None:
    """Write what the file at `path` holds to an open file.

    :raises OSError: as the system says it
    """
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for piece in pieces_of(source):
            _write(descriptor, piece)
    finally:
        os.close(source)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
