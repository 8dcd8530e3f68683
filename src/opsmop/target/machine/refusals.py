"""What the system refuses, as errors of ours."""

from __future__ import annotations

import errno
from typing import Any

from opsmop.errors import ProviderError
from opsmop.target.machine.planted import refuse_planted

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


_LOOKS = ("read", "list", "look for mounts at", "act as")


class refusals:  # noqa: N801 - reads as a word of the `with` statement that it is used in
    """Maps what the system refuses to a `ProviderError` that says what was being done, and to what; refuses by itself to
    change what is reached through somebody else's link.
    """

    def __init__(self, doing: str, path: str) -> None:
        self.doing, self.path = doing, path

    def __enter__(self) -> None:
        if self.doing not in _LOOKS:
            refuse_planted(self.doing, self.path)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, OSError):
            remedy = REMEDIES.get(error.errno or 0, "")
            raise ProviderError(f"cannot {self.doing} {self.path}: {error.strerror or error}", remedy=remedy) from error
