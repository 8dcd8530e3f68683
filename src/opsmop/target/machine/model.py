"""What check has planned of the file system."""

from __future__ import annotations

import os

from opsmop.language.machine import Status
from opsmop.target.machine import contents
from opsmop.target.machine.stepping import MOST_LINKS
from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Node:
    """What the model has at a path.

    :param fresh: nothing of it is on the machine yet
    :param assumed: check could not know that it will come to this: what is there, or beneath, is no more certain
    :param twin: the path of the file that this is a further name of (a hard link)
    :param label: the SELinux label that it will have; None if nothing that is planned says so
    :param attributes: likewise
    """

    status: Status | None
    content: contents.Given = b""
    fresh: bool = True
    assumed: bool = False
    twin: str = ""
    label: str | None = None
    attributes: str | None = None


def key_of(path: str, planned: Mapping[str, Node]) -> str:
    """One name for a path however it is spelled: the links among its directories resolved, its last part as it is.

    :param planned: what the model has: a link that is to come leads where it will, one that is to go nowhere any more
    """
    directory, name = os.path.split(os.path.normpath(path))
    resolved, links = "/", 0
    left = directory.split("/")[::-1]
    while left:
        here = os.path.normpath(os.path.join(resolved, left.pop()))
        target = _leads_to(here, planned)
        if not target or links == MOST_LINKS:
            resolved = here
            continue
        links += 1
        resolved = "/" if target.startswith("/") else resolved
        left += target.split("/")[::-1]
    return os.path.join(resolved, name)


def _leads_to(path: str, planned: Mapping[str, Node]) -> str:
    """Where the link at `path` leads; empty if none is there."""
    node = planned.get(path)
    if node is not None:
        return node.status.target if node.status is not None and node.status.kind == "link" else ""
    return os.readlink(path) if os.path.islink(path) else ""
