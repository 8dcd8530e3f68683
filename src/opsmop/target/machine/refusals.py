"""What the system refuses, as errors of ours."""

from __future__ import annotations

import errno
import os

from opsmop.errors import ProviderError
from opsmop.target.machine.planted import held, refuse_planted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REMEDIES = {
    errno.EACCES: "The evaluating user may not do this: does the role need sudo()?",
    errno.EPERM: "The evaluating user may not do this (does the role need sudo()?), or the file is immutable (lsattr).",
    errno.EROFS: "The file system is mounted read-only.",
    errno.ENOSPC: "The file system is full.",
    errno.EDQUOT: "The user's quota is used up.",
    errno.ENOENT: "A directory on the way does not exist: manage it with Directory first.",
    errno.ENOTDIR: "Something on the way is not a directory.",
    errno.ELOOP: "It is a symbolic link: name its target.",
    errno.EXDEV: "A hard link cannot lead to another file system: make it a symbolic one.",
}


_LOOKS = ("read", "list", "look at", "look for mounts at", "sync", "act as")


class refusals:  # noqa: N801 - reads as a word of the `with` statement that it is used in
    """Maps what the system refuses to a `ProviderError` that says what was being done, and to what.

    Refuses by itself to change what is reached through somebody else's link, and gives the path by which it is to be
    changed: it leads through the directory that was looked at, whatever has its name by now (proc(5), ``/proc/pid/fd``).
    """

    def __init__(self, doing: str, path: str) -> None:
        self.doing, self.path = doing, path
        self._directory = -1

    def __enter__(self) -> str:
        if self.doing in _LOOKS:
            return self.path
        try:
            self._directory = held(self.doing, self.path)
        except OSError as error:
            raise self._refused(error) from error
        if self._directory == -1:
            refuse_planted(self.doing, self.path)
            return self.path
        return f"/proc/self/fd/{self._directory}/{os.path.basename(self.path)}"

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._directory != -1:
            os.close(self._directory)
        if isinstance(error, OSError):
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> ProviderError:
        remedy = REMEDIES.get(error.errno or 0, "")
        return ProviderError(f"cannot {self.doing} {self.path}: {error.strerror or error}", remedy=remedy)
