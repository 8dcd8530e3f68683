"""The picture of the README is of a run as runs are now."""

from __future__ import annotations

import re
import runpy
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.docs.blocks import ROOT

PICTURE = ROOT / "docs" / "picture.svg"
_CHANCE = re.compile(
    r"[0-9]+(\.[0-9]+)? (s|B|kB|MB)\b|[\w…]*o-[a-z0-9_]{8}(?=/)"
)  # durations, sizes and folders differ each time
_SLOW = re.compile(r"Slowest|N.*")  # what there is on a machine that is busy
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def shape(text: str) -> list[str]:
    """The lines of a run without what differs from run to run."""
    lines = [_CHANCE.sub("N", line.replace("\xa0", " ")).strip() for line in _COLOR.sub("", text).splitlines()]
    return ["".join(line.replace("(N)", "").split()) for line in lines if line and not _SLOW.fullmatch(line)]


def lines_of(picture: Path) -> str:
    """What stands in a picture, line by line."""
    texts = [
        (float(element.get("y", "0")), float(element.get("x", "0")), "".join(element.itertext()))
        for element in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")
        if "matrix" in element.get("class", "") or element.get("clip-path")
    ]
    rows = groupby(sorted(texts), key=lambda entry: entry[0])
    return "\n".join("".join(text for _, _, text in row) for _, row in rows)


def test_the_picture_shows_what_a_run_prints_today() -> None:
    made = runpy.run_path(str(ROOT / "bin" / "picture"))
    typed, *shown = shape(lines_of(PICTURE))
    assert typed == "$python3site.py--push--apply"
    assert sorted(shown) == sorted(shape(made["pushed"]())), "make it anew: .venv/bin/python bin/picture"
    assert shown[-1].startswith("RESULTfailed=0")


def test_the_picture_fetches_nothing() -> None:
    assert "http" not in PICTURE.read_text().replace("http://www.w3.org/2000/svg", "")
