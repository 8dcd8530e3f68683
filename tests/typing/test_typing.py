"""What a policy's author hears from a type checker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"


def checked(name: str, folder: Path) -> set[tuple[int, str]]:
    """The lines of a file that mypy refuses, with the codes of the errors."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={folder}", str(HERE / name)],
        cwd=folder,
        env={"MYPYPATH": str(SOURCE), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    found = re.findall(rf"{re.escape(name)}:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert done.returncode == int(bool(found)), done.stdout + done.stderr
    return {(int(line), code) for line, code in found}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("name", ["accepted.py", "older_spelling.py"])
def test_a_right_policy_is_accepted(name: str, cache: Path) -> None:
    assert checked(name, cache) == set()


def test_each_slip_is_refused_and_nothing_else(cache: Path) -> None:
    rows = (HERE / "refused.py").read_text().splitlines()
    marked = {(number, row.partition("# error: ")[2]) for number, row in enumerate(rows, 1) if "# error: " in row}
    assert checked("refused.py", cache) == marked
