"""Each example runs for real, twice: the second time is silent, and the same in the other mode."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ON_A_FLEET = {"packages", "web_stack"}
HERE = sorted(path.parent.name for path in EXAMPLES.glob("*/site.py") if path.parent.name not in ON_A_FLEET)


def run(site: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(site), *words],
        cwd="/",
        env={**os.environ, "HOME": str(site.parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", HERE)
def test_an_example_is_valid_changes_what_it_says_and_is_then_silent_in_both_modes(name: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    site, made = tmp_path / name / "site.py", tmp_path / "opsmop-examples"
    made.mkdir()
    assert "nothing found wrong" in run(site, "--push", "--validate")
    run(site, "--push", "--check")
    assert not list(made.iterdir())
    assert "failed=0 unreachable=0 changed=1" in run(site, "--push", "--apply").splitlines()[-1]
    assert [path.name for path in made.iterdir()] == [name]
    for reach in (("--push",), ("--local", "--host", "localhost")):
        again = run(site, *reach, "--apply")
        assert "failed=0 unreachable=0 changed=0" in again.splitlines()[-1], again
        assert "ran " not in again.partition("Recap")[0]


@pytest.mark.parametrize("name", sorted(ON_A_FLEET))
def test_an_example_for_a_fleet_is_valid(name: str) -> None:
    assert "nothing found wrong" in run(EXAMPLES / name / "site.py", "--push", "--validate")


def test_the_table_names_every_example() -> None:
    table = (EXAMPLES / "README.md").read_text()
    assert [name for name in [*HERE, *ON_A_FLEET] if f"| `{name}` |" not in table] == []
