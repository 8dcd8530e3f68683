"""The page of pitfalls names, for each, a test that is there; and every type has some."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from opsmop.reference import types

ROOT = Path(__file__).parents[2]
ROWS = [row for row in (ROOT / "docs" / "pitfalls.md").read_text().splitlines() if row.startswith("| ")][2:]
NAMED = re.findall(r"`([\w/]+\.py): (test_\w+)`", "\n".join(ROWS))
ONLY_SPEAK = {"DebugFacts", "Echo"}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_page_names_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / "tests" / file).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_pitfall_has_one() -> None:
    assert [row for row in ROWS if not re.search(r"`[\w/]+\.py: test_\w+`", row)] == []


def test_every_type_has_pitfalls() -> None:
    told = {word for row in ROWS for word in re.findall(r"\w+", row.split("|")[1])}
    assert {kind.__name__ for kind in types()} - told == ONLY_SPEAK
