"""Links that somebody else may have put in the way of what is about to be changed."""

from __future__ import annotations

import os
import stat

from opsmop.errors import ProviderError
from opsmop.target.machine.model import Node, key_of
from opsmop.target.machine.stepping import MOST_LINKS, PlantedLinkError, can_step, stepped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTHING: Mapping[str, Node] = {}
_ROOT = 0


def refuse_planted(doing: str, path: str, planned: Mapping[str, Node] = NOTHING, user: str = "root") -> None:
    """Refuse a path that leads through a link of another user than root and the one who evaluates.

    Who made it decides where it leads, and could have it lead anywhere: to ``/etc``, say. The kernel refuses such links
    in directories like ``/tmp`` alone, and only where it is told to (proc(5), ``protected_symlinks``).

    :param doing: what is about to be done, for the error's text
    :param planned: what check's model has, which counts instead of what is there
    :param user: the name of the one who evaluates, of whom planned links may be
    :raises ProviderError: naming the link
    """
    trusted = {_ROOT, os.geteuid(), "root", user}
    for link, owner, target in _links_in(os.path.dirname(path), planned, MOST_LINKS):
        if owner not in trusted:
            whose = f"number {owner}" if isinstance(owner, int) else owner
            raise ProviderError(
                f"cannot {doing} {path}: {link} is a link that another user made ({whose})",
                remedy=f"If {_end(os.path.join(os.path.dirname(link), target), planned)} is meant, name that.",
            )


def held(doing: str, path: str) -> int:
    """A descriptor of the directory in which `path` stands, reached by no link of another user; -1 where the system cannot
    do that.

    What is done by way of it is done where the look was, whatever somebody puts in the place of a part meanwhile.

    :raises ProviderError: for a link of another user, as `refuse_planted`
    :raises OSError: as the system says it
    """
    if not (os.path.isabs(path) and can_step()):
        return -1
    try:
        return stepped(os.path.dirname(path))
    except PlantedLinkError as error:
        refuse_planted(doing, path)  # which knows more to say of it, unless it is gone by now
        raise ProviderError(
            f"cannot {doing} {path}: a link on the way is another user's (number {error.owner})"
        ) from None


def _links_in(directory: str, planned: Mapping[str, Node], most: int) -> Iterator[tuple[str, int | str, str]]:
    """The links on the way to `directory`, and on the ways that they lead, each with its owner and target."""
    at = "/"
    for part in filter(None, directory.split("/")):
        step = os.path.join(at, part)
        try:
            target, owner = _link_at(step, planned)
        except OSError:  # what is wrong with it, the system says best
            return
        if target and most:
            yield step, owner, target
            yield from _links_in(os.path.join(at, target), planned, most - 1)
        at = _end(step, planned)


def _link_at(path: str, planned: Mapping[str, Node]) -> tuple[str, int | str]:
    """Where the link at `path` leads, and whose it is; empty if there is none."""
    node = planned.get(path)
    if node is not None:
        return (node.status.target, node.status.owner) if node.status is not None else ("", "")
    if any(planned[above].fresh for above in _above(path) if above in planned):
        return "", ""  # nothing of it is there yet
    found = os.lstat(path)
    return (os.readlink(path) if stat.S_ISLNK(found.st_mode) else ""), found.st_uid


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path


def _end(path: str, planned: Mapping[str, Node]) -> str:
    """Where a path leads in the end."""
    return os.path.dirname(key_of(f"{path}/end", planned)) if planned else os.path.realpath(path)
