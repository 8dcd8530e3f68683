"""Files that hosts leave on the control machine, where a role's policy said that they may, and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from opsmop.errors import FileRefusedError
from opsmop.transport.files.opened import OpenFile
from opsmop.transport.files.rules import ForbiddenError

LARGEST_OF_A_CONTACT = 1 << 30  # bytes that one host may leave for one role
_LONGEST_PATH = 1024  # characters
_REMEDY = "The role's allow_fetching() says which, and where to: {'fetched': ['/etc/hostname']}."


class Arrivals:
    """What one role on one host may leave on the control machine.

    A file goes to ``DIRECTORY/HOST/PATH``: the directory and the patterns of paths are the policy's, the host's name is
    the inventory's, and a path that matches no pattern, part by part, goes nowhere.

    :param granted: patterns of paths on the host, by the directory that what matches them goes to
    :param base: what relative directories are relative to
    :param host: the host's name in the inventory
    :param writing: whether something may be left at all; only compared otherwise
    """

    def __init__(self, granted: Mapping[str, tuple[str, ...]], base: Path, host: str, *, writing: bool) -> None:
        self._granted, self._base, self._host, self._writing = granted, base, host, writing
        self._left = LARGEST_OF_A_CONTACT

    @contextmanager
    def kept(self, to: str, path: str) -> Iterator[OpenFile | None]:
        """What is there of a file by now; None if nothing.

        :raises FileRefusedError: if it may not be left there
        """
        file: OpenFile | None = None
        folder = self._folder(to, path, make=False)
        if folder is not None:
            try:
                name = path.rpartition("/")[2]
                file = OpenFile(
                    path, os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
                )
            except OSError:
                file = None
            finally:
                os.close(folder)
        try:
            yield file
        finally:
            if file is not None:
                file.close()

    def begin(self, to: str, path: str, size: int, digest: bytes) -> Arrival:
        """Let a file come.

        :param size: how many bytes it will have
        :param digest: its sha256
        :raises FileRefusedError: if it may not be left there, or is too large
        """
        self._check(to, path)
        if not self._writing:
            raise ForbiddenError(f"{path!r} is not fetched in check mode")
        if size > self._left:
            raise FileRefusedError(f"{path!r} has {size} bytes; {self._left} more are taken of this host for this role")
        folder = self._folder(to, path, make=True)
        assert folder is not None
        try:
            return Arrival(path, folder, size, digest, self._note)
        except BaseException:
            os.close(folder)
            raise

    def _note(self, size: int) -> None:
        self._left -= size

    def _check(self, to: str, path: str) -> None:
        patterns = self._granted.get(to)
        if patterns is None:
            allowed = ", ".join(map(repr, self._granted)) or "nothing"
            raise ForbiddenError(f"{path!r} may not be fetched to {to!r} (what may: {allowed})", remedy=_REMEDY)
        if not _is_plain(path) or not any(_matches(path, pattern) for pattern in patterns):
            raise ForbiddenError(f"{path[:80]!r} may not be fetched to {to!r} (what may: {patterns})", remedy=_REMEDY)
        if "/" in self._host or self._host in {".", ".."}:
            raise FileRefusedError(f"{self._host!r} cannot be the name of a directory")

    def _folder(self, to: str, path: str, *, make: bool) -> int | None:
        """The directory for a file, opened part by part, so that no link leads elsewhere."""
        self._check(to, path)
        top = self._base / to
        try:
            if make:
                top.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(path, error) from None
        for part in (self._host, *path.split("/")[1:-1]):
            above = folder
            try:
                if make:
                    _make(part, above)
                folder = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise _refused(path, error) from None
            finally:
                os.close(above)
        return folder


class Arrival:
    """A file on its way from a host, whole or not there at all.

    :param folder: the open directory that it goes to; closed with this
    :param count: is told how many bytes came, whatever becomes of them
    """

    def __init__(self, path: str, folder: int, size: int, digest: bytes, count: Callable[[int], None]) -> None:
        self._path, self._folder, self._size, self._digest, self._count = path, folder, size, digest, count
        import hashlib  # 5 ms that a run without such files saves

        self._come = 0
        self._found = hashlib.sha256()
        self._trouble: FileRefusedError | None = None
        self._temporary = f".{os.urandom(12).hex()}"
        self._refuse_to_fill_the_disk()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._file = os.open(self._temporary, flags, 0o600, dir_fd=folder)
        except OSError as error:
            raise _refused(path, error) from None

    @property
    def complete(self) -> bool:
        """Whether as much has come as was announced."""
        return self._come == self._size

    def take(self, data: bytes) -> bool:
        """Take what comes next; whether it was no more than was announced. Trouble with it is told by `finish`."""
        self._come += len(data)
        self._count(len(data))
        if self._come > self._size:
            return False
        if self._trouble is None:
            self._found.update(data)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError as error:
                self._trouble = _refused(self._path, error)
        return True

    def finish(self) -> None:
        """Give it its name.

        :raises FileRefusedError: if it is not what was announced, or could not be written
        """
        if self._trouble is not None:
            raise self._trouble
        if self._found.digest() != self._digest:
            raise FileRefusedError(
                f"{self._path!r} changed on the host while it was being fetched",
                remedy="Run it again once it does not.",
            )
        name = self._path.rpartition("/")[2]
        try:
            os.fsync(self._file)
            os.rename(self._temporary, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            os.fsync(self._folder)
        except OSError as error:
            raise _refused(self._path, error) from None
        self._temporary = ""

    def close(self) -> None:
        """Let go of it; what is not finished is gone."""
        if self._temporary:
            os.unlink(self._temporary, dir_fd=self._folder)
        os.close(self._file)
        os.close(self._folder)

    def _refuse_to_fill_the_disk(self) -> None:
        found = os.fstatvfs(self._folder)
        free = found.f_bavail * found.f_frsize
        if self._size > free // 2:
            raise FileRefusedError(
                f"{self._path!r} has {self._size} bytes, more than half of what is free for it ({free})"
            )


def _make(name: str, above: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=above)
    except FileExistsError:
        return


def _is_plain(path: str) -> bool:
    """Whether a path of a host says the same wherever it stands: absolute, no dots, nothing twice."""
    parts = path.split("/")
    return (
        len(path) <= _LONGEST_PATH and path.isprintable() and path[:1] == "/" and not {"", ".", ".."} & set(parts[1:])
    )


def _matches(path: str, pattern: str) -> bool:
    parts, patterns = path.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _refused(path: str, error: OSError) -> FileRefusedError:
    return FileRefusedError(f"{path!r} cannot be put on the control machine: {error.strerror}")
