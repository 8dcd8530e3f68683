"""The tutorial, done as it says."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT, blocks_of

PAGE = ROOT / "docs" / "tutorial.md"
WRITES_TO = Path("/tmp/opsmop-tutorial")


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """The page writes to a place that it names; two runs of this test take turns."""
    with WRITES_TO.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_every_command_does_what_the_page_says(tmp_path: Path) -> None:
    """A line that a block shows must be among those that its command prints."""
    shutil.rmtree(WRITES_TO, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPSMOP_", "XDG_"))}
    folder = Path(sys.executable).parent
    environment |= {
        "HOME": str(tmp_path),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
    }
    for block in blocks_of(PAGE, "python", "toml", "jinja", "console"):
        if block.language != "console":
            (tmp_path / block.title).parent.mkdir(exist_ok=True)
            (tmp_path / block.title).write_text(block.text)
            continue
        for command, shown in _steps(block.text):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=120,
            )
            assert done.returncode == 0, f"{PAGE}:{block.line}: {command}\n{done.stdout}"
            said = [" ".join(line.split()) for line in done.stdout.splitlines()]
            missing = [line for line in shown if " ".join(line.split()) not in said]
            assert missing == [], f"{PAGE}:{block.line}: {command}\n{done.stdout}"
    shutil.rmtree(WRITES_TO)


def _steps(text: str) -> list[tuple[str, list[str]]]:
    steps: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return steps
