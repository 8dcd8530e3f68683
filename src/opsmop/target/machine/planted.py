"""Links that somebody else may have put in the way of what is about to be changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from opsmop.errors import ProviderError

_ROOT = 0
_MOST_LINKS = 40  # as the kernel has it: path_resolution(7)


def refuse_planted(doing: str, path: str) -> None:
    """Refuse a path that leads through a link of another user than root and the one who evaluates.

    Who made it decides where it leads, and could have it lead anywhere: to ``/etc``, say. The kernel refuses such links
    in directories like ``/tmp`` alone, and only where it is told to (proc(5), ``protected_symlinks``).

    :param doing: what is about to be done, for the error's text
    :raises ProviderError: naming the link
    """
    trusted = {_ROOT, os.geteuid()}
    for link, owner in _links_in(os.path.dirname(path), _MOST_LINKS):
        if owner not in trusted:
            raise ProviderError(
                f"cannot {doing} {path}: {link} is a link that another user made (number {owner})",
                remedy=f"If {os.path.realpath(link)} is meant, name that.",
            )


def _links_in(directory: str, most: int) -> Iterator[tuple[str, int]]:
    """The links on the way to `directory`, and on the ways that they lead, each with its owner."""
    at = "/"
    for part in filter(None, directory.split("/")):
        step = os.path.join(at, part)
        try:
            found = os.lstat(step)
            target = os.readlink(step) if stat.S_ISLNK(found.st_mode) else ""
        except OSError:  # what is wrong with it, the system says best
            return
        if target and most:
            yield step, found.st_uid
            yield from _links_in(os.path.join(at, target), most - 1)
        at = os.path.realpath(step)
