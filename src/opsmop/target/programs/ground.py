"""Working in a directory that is held: what programs of ours share (`opsmop.target.programs.source`)."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from typing import Any

from opsmop.target.machine.stepping import PlantedLinkError, can_step, stepped

_PIECE = 1 << 20  # bytes
_GO = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Refusal(Exception):  # noqa: N818 - it is an answer
    """What cannot be done, why, and what helps."""

    def __init__(self, error: str, remedy: str = "") -> None:
        self.answer = {"error": error, "remedy": remedy}
        super().__init__(error)


@contextlib.contextmanager
def held(folder: str) -> Iterator[int]:
    """A descriptor of the directory, to be worked in whatever is put in its place meanwhile.

    :raises Refusal: if the way there leads through a link of another user
    """
    try:
        descriptor = stepped(folder) if can_step() else os.open(folder, _GO & ~os.O_NOFOLLOW)
    except PlantedLinkError as error:
        raise Refusal(f"nothing is written in {folder}: {error}", "Name the directory that is meant.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def standing(name: str, at: int) -> Iterator[int | None]:
    """The file of that name in a held directory, opened; None if there is none, or it is none that can be read."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    except OSError:
        yield None
        return
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def copy_labels(old: int, descriptor: int) -> None:
    """The old file's extended attributes, of which SELinux's label and ACLs are some, as far as they may be set."""
    with contextlib.suppress(OSError, AttributeError):  # not every system and file system has them
        for name in os.listxattr(old):
            with contextlib.suppress(OSError):
                os.setxattr(descriptor, name, os.getxattr(old, name))


class Ground:
    """A directory that is unpacked into, and the owner of what comes there.

    Everything is done by way of a held directory: whoever owns one on the way can put something else in its place at any
    moment.

    :param root: the directory's path
    :param held: a descriptor of it
    :param way: the mode of directories that the archive does not list
    """

    def __init__(self, root: str, held: int, uid: int, gid: int, way: int) -> None:
        self._root, self._held, self._uid, self._gid, self._way = root, held, uid, gid, way

    @contextlib.contextmanager
    def entered(self, name: str) -> Iterator[int]:
        """The directory in which an entry goes; every one on the way is one, and not a link to somewhere else.

        :raises Refusal: with the entry's name, if the system refuses what is done there
        """
        at, parts = os.dup(self._held), name.split("/")[:-1]
        try:
            for depth in range(len(parts)):
                inner = self._inner(at, "/".join(parts[: depth + 1]), self._way)
                os.close(at)
                at = inner
            yield at
        except OSError as error:  # which has no path: all is done by way of descriptors
            raise Refusal(f"{self._root}/{name}: {error.strerror or error}") from None
        finally:
            os.close(at)

    def directory(self, at: int, name: str, mode: int, *, always: bool) -> None:
        """Have a directory in a held one; `always`: one that was there before has the mode too."""
        os.close(self._inner(at, name, mode, always=always))

    def _inner(self, at: int, name: str, mode: int, *, always: bool = False) -> int:
        """A directory, made if there is none, and held."""
        last = name.rpartition("/")[2]
        try:
            os.mkdir(last, mode, dir_fd=at)
            new = True
        except FileExistsError:
            new = False
        try:
            inner = os.open(last, _GO if new or always else _THROUGH, dir_fd=at)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise self._in_the_way(name, "it is not a directory") from None
        if new and self._is_given:
            os.fchown(inner, self._uid, self._gid)
        if new or always:
            os.fchmod(inner, mode)
        return inner

    def _in_the_way(self, name: str, why: str) -> Refusal:
        return Refusal(f"{self._root}/{name} is in the way: {why}", "Remove it, or unpack somewhere else.")

    @property
    def _is_given(self) -> bool:
        return (self._uid, self._gid) != (-1, -1)

    def file(self, at: int, name: str, content: Any, mode: int, changed: float | None = None) -> None:
        """Put a file there, whole or not at all; `changed` is when it says that it was changed last."""
        temporary = f".{secrets.token_hex(8)}"
        descriptor = os.open(temporary, NEW, 0o600, dir_fd=at)
        try:
            with content, os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(content, file, _PIECE)
                if self._is_given:
                    os.fchown(descriptor, self._uid, self._gid)
                with standing(name.rpartition("/")[2], at) as old:
                    if old is not None:
                        copy_labels(old, descriptor)
                os.fchmod(descriptor, mode)  # last: an ACL sets the group's bits (acl(5))
                file.flush()
                if changed is not None:
                    os.utime(descriptor, (changed, changed))
            self.settle(at, temporary, name)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=at)
            raise

    def link(self, at: int, name: str, target: str) -> None:
        """Put a symbolic link there, in place of what is."""
        temporary = f".{secrets.token_hex(8)}"
        os.symlink(target, temporary, dir_fd=at)
        if self._is_given:
            os.chown(temporary, self._uid, self._gid, dir_fd=at, follow_symlinks=False)
        self.settle(at, temporary, name)

    def hard_link(self, at: int, name: str, target: str) -> None:
        """Put a further name of a file there, in place of what is."""
        temporary, last = f".{secrets.token_hex(8)}", target.rpartition("/")[2]
        with self.entered(target) as source:
            os.link(last, temporary, src_dir_fd=source, dst_dir_fd=at, follow_symlinks=False)
        self.settle(at, temporary, name)

    def settle(self, at: int, temporary: str, name: str) -> None:
        """Give it its name."""
        try:
            os.rename(temporary, name.rpartition("/")[2], src_dir_fd=at, dst_dir_fd=at)
        except OSError as error:
            os.unlink(temporary, dir_fd=at)
            if error.errno != errno.EISDIR:
                raise
            raise self._in_the_way(name, "it is a directory") from None
        with contextlib.suppress(FileNotFoundError):  # two names of one file: rename(2) leaves both
            os.unlink(temporary, dir_fd=at)
