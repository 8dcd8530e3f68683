"""The security page names, for each defence, a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py): (test_\w+)`", PAGE)
ROWS = [row for row in PAGE.splitlines() if row.startswith("| ") and not row.startswith(("| defence", "| ---"))]


def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_the_page_names_is_there(file: str, name: str) -> None:
    assert name in names_in(file)


def test_each_defence_has_one() -> None:
    assert len(ROWS) > 20
    assert [row for row in ROWS if not re.search(r"`[\w/]+\.py: test_\w+`", row)] == []


def test_each_file_of_hostile_tests_is_named() -> None:
    there = {f"hostile/{path.name}" for path in (ROOT / "tests" / "hostile").glob("test_*.py")}
    assert there <= {file for file, _ in NAMED}
