"""A directory of the controller with all in it."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from opsmop.errors import FileRefusedError
from opsmop.language.trees import TreeEntry
from opsmop.transport.files.depot import Turn
from opsmop.transport.files.opened import Identity, OpenFile, changed, identity_of, reading
from opsmop.wire.records import dataclass, replace

if TYPE_CHECKING:
    from opsmop.transport.base import Files

MOST_ENTRIES = 200_000
_STEP = 256  # entries that are looked at before whoever waits for them has a look around


@dataclass(frozen=True)
class Found:
    """One thing that was found in a directory; the digest of a file is not known yet.

    :param identity: what its content is known by
    """

    entry: TreeEntry
    identity: Identity


@dataclass(frozen=True)
class Survey:
    """A directory with all in it.

    :param name: what the role calls it
    """

    name: str
    found: tuple[Found, ...]

    @cached_property
    def manifest(self) -> bytes:
        """What is told of it to a host."""
        entries = (found.entry for found in self.found)
        return json.dumps(
            [(one.path, one.kind, one.mode, one.size, one.digest, one.target) for one in entries]
        ).encode()

    def named(self, number: int) -> str:
        """What the role would call one of its files."""
        return f"{self.name}/{self.found[number].entry.path}"


def found_in(folder: int, name: str, excluded: Callable[[str], bool], above: str = "") -> Iterator[Found]:
    """All in the open directory `folder`, in the order of their names, links as links; what is `excluded` is left out.

    :param name: what the role calls it
    :raises FileRefusedError: if something in it cannot be looked at
    """
    with reading(f"{name}/{above}"), os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for inner in names:
        path = above + inner
        if excluded(path):
            continue
        with reading(f"{name}/{path}"):
            found = _found(folder, inner, path)
        yield found
        if found.entry.kind == "directory":
            with reading(f"{name}/{path}"):
                below = os.open(inner, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                yield from found_in(below, name, excluded, f"{path}/")
            finally:
                os.close(below)


def _found(folder: int, name: str, path: str) -> Found:
    status = os.lstat(name, dir_fd=folder)
    kind, mode = _kind(status.st_mode), stat.S_IMODE(status.st_mode)
    size = status.st_size if kind == "file" else 0
    target = os.readlink(name, dir_fd=folder) if kind == "link" else ""
    return Found(TreeEntry(path, kind, mode, size, target=target), identity_of(status))


def _kind(mode: int) -> str:
    for kind, fits in (("file", stat.S_ISREG), ("directory", stat.S_ISDIR), ("link", stat.S_ISLNK)):
        if fits(mode):
            return kind
    return "other"


def surveyed(files: Files, name: str, excludes: Sequence[str]) -> Generator[Turn, None, Survey]:
    """Look through a directory, and at the digest of each file in it; once for all who ask for it meanwhile.

    :raises FileRefusedError: if the role may not have it, or something in it; if there is too much in it
    """
    wanted = (files.rules, name, *excludes)
    return (yield from files.depot.together(wanted, lambda: _surveyed(files, name, excludes)))


def _surveyed(files: Files, name: str, excludes: Sequence[str]) -> Generator[Turn, None, Survey]:
    found: list[Found] = []
    for one in files.walk(name, excludes):
        if len(found) == MOST_ENTRIES:
            raise FileRefusedError(f"{name!r} holds more than {MOST_ENTRIES} files and directories")
        digest = ""
        if one.entry.kind == "file":
            digest = files.depot.known(one.identity) or (yield from _digest(files, f"{name}/{one.entry.path}"))
        found.append(replace(one, entry=replace(one.entry, digest=digest)))
        if len(found) % _STEP == 0:
            yield Turn.AGAIN
    return files.depot.shared(Survey(name, tuple(found)), (name, *excludes))


def _digest(files: Files, name: str) -> Generator[Turn, None, str]:
    with files.open(name) as file:
        return (yield from files.depot.digest(file))


class Joined:
    """Several files of a directory, one after the other, as if they were one.

    :param numbers: which of its files
    """

    def __init__(self, files: Files, survey: Survey, numbers: Sequence[int]) -> None:
        self._files, self._survey = files, survey
        self._left = [number for number in reversed(numbers) if survey.found[number].entry.size]
        self._file: OpenFile | None = None
        self._at = 0
        self.size = sum(survey.found[number].entry.size for number in numbers)

    def read(self, _offset: int, length: int) -> bytes:
        """What comes next, at most `length` bytes of it.

        :raises FileRefusedError: if a file is not any more what it was
        """
        if self._file is not None and self._at == self._file.size:
            self.close()
        if self._file is None and not self._left:
            return b""
        if self._file is None:
            number = self._left.pop()
            self._file, self._at = self._files.open(self._survey.named(number)), 0
            if self._file.identity != self._survey.found[number].identity:
                raise changed(self._survey.named(number))
        data = self._file.read(self._at, min(length, self._file.size - self._at))
        self._at += len(data)
        return data

    def close(self) -> None:
        """Let go of what is open."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Text:
    """Bytes at hand, to be sent as files are."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on."""
        return self._data[offset : offset + length]
