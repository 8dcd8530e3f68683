"""Pages, and the blocks of code on them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(\w*)[ ]*([^\n]*)\n(.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')


class Block(NamedTuple):
    """Some code on a page.

    :param language: as the page says
    :param title: the file that it is, if it says so
    :param text: the code
    :param line: of the page
    """

    language: str
    title: str
    text: str
    line: int


def blocks_of(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page that are in one of `languages`, in order."""
    text = page.read_text()
    return [
        Block(found[1], _title(found[2]), found[3], text.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(text)
        if found[1] in languages
    ]


def _title(words: str) -> str:
    found = _TITLE.search(words)
    return found[1] if found else ""
