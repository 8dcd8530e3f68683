"""Whether a file may be believed, or run, by root: nobody else may have written it."""

from __future__ import annotations

import posixpath  # paths alone; the machine is what looks at files

from opsmop.errors import ProviderError
from opsmop.language.machine import Machine, Status

MOST_LINKS = 40  # as the kernel has it: path_resolution(7)
ROOT = "root"
_BY_GROUP, _BY_OTHERS, _STICKY = 0o020, 0o002, 0o1000


def resolved(machine: Machine, path: str) -> str:
    """What the link at `path` leads to; `path` itself if it is none.

    :raises ProviderError: if links lead in a circle
    """
    start = path
    for _ in range(MOST_LINKS):
        found = machine.status(path)
        if found is None or found.kind != "link":
            return path
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), found.target))
    raise ProviderError(f"{start} is a link that leads in a circle")


def refuse_unsafe(machine: Machine, path: str) -> None:
    """Where root evaluates, refuse a file that others could have written, or put in its place.

    The rule is that of sshd's StrictModes (sshd_config(5)), for the file and every directory above it: owned by root,
    written by root alone. A directory such as /tmp, in which only owners may rename, may be above.

    :param path: with no link as its last part
    :raises ProviderError: naming what is unsafe, and the remedy
    """
    if machine.real_user() != ROOT:
        return
    own = posixpath.dirname(path)
    while True:
        found = machine.status(path, follow=True)
        if found is not None:
            _refuse(path, found, sticky_is_safe=len(path) < len(own))
        if path == "/":
            return
        path = posixpath.dirname(path)


def _refuse(path: str, found: Status, *, sticky_is_safe: bool) -> None:
    if found.owner != ROOT:
        raise _unsafe(path, f"it belongs to {found.owner}", f"chown root {path}")
    if sticky_is_safe and found.mode & _STICKY:
        return
    if found.mode & _BY_OTHERS or (found.mode & _BY_GROUP and found.group != ROOT):
        raise _unsafe(path, f"others may write to it (mode {found.mode:04o})", f"chmod go-w {path}")


def _unsafe(path: str, reason: str, command: str) -> ProviderError:
    return ProviderError(
        f"root does not believe user facts in {path}: {reason}",
        remedy=f"On the host, look at what it says, then: {command}",
    )
