"""A directory of the control machine with all in it, as a role sees it."""

from __future__ import annotations

from fnmatch import fnmatchcase

from opsmop.language.machine import Content
from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Callable


@dataclass(frozen=True)
class TreeEntry:
    """One thing in a directory.

    :param path: relative to the directory
    :param kind: ``file``, ``directory`` or ``link``
    :param mode: permission bits; of a link nobody cares
    :param size: bytes of a file
    :param digest: a file's sha256, in hexadecimal
    :param target: where a link points
    """

    path: str
    kind: str
    mode: int = 0
    size: int = 0
    digest: str = ""
    target: str = ""


@dataclass(frozen=True)
class Tree:
    """A directory with all in it.

    :param entries: what is in it, each directory before what is in that
    :param content: gives what one file, by its number among the entries, is to contain
    :param contents: gives the same of several, which come in one stream: they are to be read in that order
    """

    entries: tuple[TreeEntry, ...]
    content: Callable[[int], Content]
    contents: Callable[[Sequence[int]], Iterator[Content]]


def matched(path: str, patterns: Sequence[str]) -> bool:
    """Whether one of `patterns` matches a path, or a part of it."""
    texts = (path, *path.split("/"))
    return any(fnmatchcase(text, pattern) for pattern in patterns for text in texts)
