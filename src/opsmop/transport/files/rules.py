"""Which files of the controller a role may have, and opening them safely."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import accumulate
from pathlib import Path, PurePath

from opsmop.errors import FileRefusedError
from opsmop.language.trees import matched
from opsmop.transport.files.opened import OpenFile, reading
from opsmop.transport.files.trees import Found, found_in
from opsmop.wire.records import dataclass

# push-mode.rst, "Understanding the FileServer"; how `.git`, `.bak` and `.swp` are meant: language.md, section 9.
DEFAULT_ALLOW = ("*",)
DEFAULT_DENY = ("*.py", "*__pycache__*", "*.pyo", "*.pyc", ".git", ".bak", ".swp")
LARGEST_READ = 64 << 20  # bytes of a file that is held in memory as a whole
LARGEST_RIDER = 256 << 10  # bytes
_LONGEST_NAME = 1024  # characters; what is longer is no path that someone wrote
_REMEDY = "The role's allow_fileserving_paths(), allow_fileserving_patterns() and deny_fileserving_patterns() decide."


class ForbiddenError(FileRefusedError):
    """A rule forbids it: either the policy's author forgot something, or a host asks for what is not its business."""


@dataclass(frozen=True)
class FileRules:
    """The files that one role may have.

    :param roots: the directories whose files may be served
    :param allow: patterns of which a file must match one
    :param deny: patterns of which a file may match none; they win over `allow`
    :param never: files that are never served: what the controller itself read as inventory, defaults or key
    :param base: the directory that relative names are relative to (the policy's); the first of `roots` if not given
    :param fetched: what the role may leave here: directories, each with patterns of paths on its hosts
    :param arriving: where hosts of the run leave files: served only to roles that have a root there

    A pattern (`fnmatch`) is held against the file's path relative to its root and against each part of that path. A
    deny pattern that is a dot and a word (``.bak``) also means names that end so (``old.bak``).
    """

    roots: tuple[Path, ...]
    allow: tuple[str, ...] = DEFAULT_ALLOW
    deny: tuple[str, ...] = DEFAULT_DENY
    never: frozenset[Path] = frozenset()
    base: Path | None = None
    fetched: tuple[tuple[str, tuple[str, ...]], ...] = ()
    arriving: frozenset[Path] = frozenset()

    def open(self, name: str) -> OpenFile:
        """The file that a role names `name`, opened.

        :param name: a path relative to the policy, or an absolute one inside a root
        :raises FileRefusedError: if no rule serves it, naming the rule; if it does not exist or cannot be read
        """
        real = self._located(name)
        root = self._root_of(name, real)
        self._check_patterns(name, real.relative_to(root))
        self._check_place(name, str(real))
        descriptor = _open_beneath(name, root, real.relative_to(root))
        try:
            self._check_opened(name, os.fstat(descriptor))
            return OpenFile(name, descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def read(self, name: str) -> bytes:
        """The bytes of the file that a role names `name`.

        :raises FileRefusedError: as `open`; if it is too large to be held in memory
        """
        return self._read(name, LARGEST_READ)

    def walk(self, name: str, excludes: Sequence[str]) -> Iterator[Found]:
        """What is in the directory that a role names `name`, each directory before what is in that.

        :param excludes: patterns of what is left out, held against paths within it and against each of their parts
        :raises FileRefusedError: if no rule serves it, or something in it, naming the rule; if it is no directory
        """
        real = self._located(name)
        root = self._root_of(name, real)
        if real != root:
            self._check_patterns(name, real.relative_to(root))
        folder = _open_beneath(name, root, real.relative_to(root))
        try:
            if not stat.S_ISDIR(os.fstat(folder).st_mode):
                raise FileRefusedError(f"{name!r} is not a directory")
            for found in found_in(folder, name, lambda path: matched(path, excludes)):
                path = f"{name}/{found.entry.path}"
                self._check_patterns(path, real.relative_to(root) / found.entry.path)
                self._check_place(path, f"{real}/{found.entry.path}")
                self._check_kind(path, found)
                yield found
        finally:
            os.close(folder)

    def _check_kind(self, name: str, found: Found) -> None:
        if found.entry.kind == "other":
            raise FileRefusedError(f"{name!r} is no file, directory or link", remedy="excludes=[...] leaves it out.")
        if found.identity[:2] in self._never_identities:
            raise _own(name)

    def riders(self, strings: Iterable[str], limit: int) -> dict[str, bytes]:
        """Of `strings`, those that name small files which may be served, each with its bytes.

        :param strings: the string literals of a role
        :param limit: bytes that all of them may have together; what no longer fits is left to be asked for
        """
        found: dict[str, bytes] = {}
        for name in sorted(strings):
            if not self._may_be_a_file(name):
                continue
            try:
                data = self._read(name, min(limit, LARGEST_RIDER))
            except FileRefusedError:
                continue
            found[name] = data
            limit -= len(data)
        return found

    @cached_property
    def _real_roots(self) -> tuple[Path, ...]:
        return tuple(Path(os.path.realpath(root)) for root in self.roots)

    @cached_property
    def _never_identities(self) -> frozenset[tuple[int, int]]:
        return frozenset(_identity(os.stat(path)) for path in self.never if os.path.exists(path))  # noqa: PTH110, PTH116

    @cached_property
    def _never_places(self) -> frozenset[str]:
        """Besides what they are: an editor replaces a file by another one of its name."""
        return frozenset(os.path.realpath(path) for path in self.never)

    @cached_property
    def _closed(self) -> frozenset[str]:
        """Directories that hosts leave files in, and that are no roots."""
        return frozenset(map(os.path.realpath, self.arriving)) - frozenset(map(str, self._real_roots))

    def _is_left_by_hosts(self, root: Path, real: Path) -> bool:
        """Whether one comes from `root` into a directory that hosts leave files in."""
        ways = accumulate(real.relative_to(root).parts, lambda above, part: above / part, initial=root)
        return bool(self._closed) and not self._closed.isdisjoint(map(str, ways))

    @property
    def origin(self) -> Path:
        """The directory that relative names are relative to."""
        return self.base or (self.roots[0] if self.roots else Path("/"))

    def _may_be_a_file(self, name: str) -> bool:
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            return False
        # Path.is_file raises for a sentence that is too long for a name, and for a place where we may not look.
        return os.path.isfile(self.origin / name)  # noqa: PTH113

    def _read(self, name: str, largest: int) -> bytes:
        with self.open(name) as file:
            if file.size > largest:
                raise FileRefusedError(
                    f"{name!r} has {file.size} bytes, too many to be read at once (at most {largest})"
                )
            return file.read(0, file.size)

    def _located(self, name: str) -> Path:
        if not name or "\0" in name:
            raise FileRefusedError("a file without a usable name was asked for")
        try:
            return Path(os.path.realpath(self.origin / name, strict=True))
        except OSError as error:
            raise FileRefusedError(
                f"{name!r}: {error.strerror} (looked for at {self.origin / name})",
                remedy="Relative names are relative to the policy file.",
            ) from None

    def _root_of(self, name: str, real: Path) -> Path:
        around = [root for root in self._real_roots if real.is_relative_to(root)]
        for root in around:
            if not self._is_left_by_hosts(root, real):
                return root
        if around:
            raise _left_by_hosts(name)
        served = ", ".join(map(str, self.roots)) or "nothing"
        raise ForbiddenError(f"{name!r} is outside of what this role serves ({served})", remedy=_REMEDY)

    def _check_patterns(self, name: str, path: PurePath) -> None:
        denied = next((pattern for pattern in self.deny if _denies(pattern, path)), None)
        if denied is not None:
            raise ForbiddenError(f"{name!r} matches the deny pattern {denied!r}", remedy=_REMEDY)
        if not any(_matches(pattern, path) for pattern in self.allow):
            raise ForbiddenError(f"{name!r} matches none of the allow patterns {self.allow}", remedy=_REMEDY)

    def _check_place(self, name: str, place: str) -> None:
        if place in self._never_places:
            raise _own(name)
        if place in self._closed:
            raise _left_by_hosts(name)

    def _check_opened(self, name: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise FileRefusedError(f"{name!r} is not a regular file")
        if _identity(status) in self._never_identities:
            raise _own(name)


def _own(name: str) -> ForbiddenError:
    return ForbiddenError(f"{name!r} is a file of the controller's own, which no host may have")


def _left_by_hosts(name: str) -> ForbiddenError:
    return ForbiddenError(
        f"{name!r} is where hosts leave files, and no other host may have those",
        remedy="A role that is meant to have them names the directory in allow_fileserving_paths().",
    )


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _matches(pattern: str, path: PurePath) -> bool:
    return any(fnmatchcase(text, pattern) for text in (str(path), *path.parts))


def _denies(pattern: str, path: PurePath) -> bool:
    word = pattern.startswith(".") and pattern[1:].isalnum()
    return _matches(pattern, path) or (word and any(part.endswith(pattern) for part in path.parts))


def _open_beneath(name: str, root: Path, path: PurePath) -> int:
    """Open `path` of `root` part by part. It was resolved, so a symlink on the way was put there since then."""
    with reading(name):
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number, part in enumerate(path.parts, 1):
            kind = os.O_NONBLOCK if number == len(path.parts) else os.O_DIRECTORY
            parent, descriptor = (
                descriptor,
                os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | kind, dir_fd=descriptor),
            )
            os.close(parent)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise ForbiddenError(f"{name!r} was swapped for a link while it was being opened") from None
        raise FileRefusedError(f"{name!r} cannot be read on the control machine: {error.strerror}") from None
    return descriptor
