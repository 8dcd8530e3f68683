"""Going to a directory part by part, through nobody's links but root's and one's own.

Of the standard library alone: programs of ours take this file along (`opsmop.target.programs`).
"""

from __future__ import annotations

import errno
import os
import stat

MOST_LINKS = 40  # as the kernel has it: path_resolution(7)
_ROOT = 0
# Nothing is opened for reading: a directory that may only be gone through is enough (open(2), O_PATH).
_STEP = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC


class PlantedLinkError(Exception):
    """A link that another user made stands on the way.

    :ivar owner: that user's number
    """

    def __init__(self, directory: str, owner: int) -> None:
        super().__init__(f"a link on the way to {directory} is another user's (number {owner})")
        self.owner = owner


def can_step() -> bool:
    """Whether this system knows how."""
    return hasattr(os, "O_PATH") and os.path.isdir("/proc/self/fd")


def stepped(directory: str) -> int:
    """A descriptor of the directory, of an absolute path. What is done by way of it is done there, whatever somebody puts
    in the place of a part meanwhile.

    :raises PlantedLinkError: for a link of another user than root and the one who acts
    :raises OSError: as the system says it
    """
    at = _directly(directory)
    return at if at != -1 else _by_parts(directory)


def _directly(directory: str) -> int:
    """A descriptor of a directory no part of whose path is a link; -1 where that is not so, or cannot be told.

    What the kernel calls an opened directory is a path without links (proc(5), ``/proc/pid/fd``). Where that is the one
    that was asked for, no link was on the way.
    """
    try:
        at = os.open(directory, _STEP | os.O_DIRECTORY)
    except OSError:  # what is wrong with it is told part by part
        return -1
    try:
        known = os.readlink(f"/proc/self/fd/{at}")
    except OSError:
        known = ""
    if known == directory:
        return at
    os.close(at)
    return -1


def _by_parts(directory: str) -> int:
    left, most = directory.split("/")[::-1], MOST_LINKS
    at = os.open("/", _STEP)
    try:
        while left:
            part = left.pop()
            if not part:
                continue
            step = os.open(part, _STEP, dir_fd=at)
            status = os.fstat(step)
            if not stat.S_ISLNK(status.st_mode):
                at, step = step, at
                os.close(step)
                continue
            target, most = _followed(step, status.st_uid, directory, most), most - 1
            left += target.split("/")[::-1]
            if target.startswith("/"):
                os.close(at)
                at = os.open("/", _STEP)
    except BaseException:
        os.close(at)
        raise
    return at


def _followed(link: int, owner: int, directory: str, most: int) -> str:
    """Where an opened link leads, if so many more may be followed."""
    try:
        if not most:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), directory)
        if owner not in (_ROOT, os.geteuid()):
            raise PlantedLinkError(directory, owner)
        return os.readlink("", dir_fd=link)
    finally:
        os.close(link)
