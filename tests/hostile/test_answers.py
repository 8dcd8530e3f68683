"""What commands show of the answers of a host that cheats."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.hostile.conftest import AGENT
from tests.hostile.test_cheating_hosts import COMMAND, CONTROL


def asked(folder: Path, cheat: str, *words: str) -> subprocess.CompletedProcess[str]:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} {AGENT} '{cheat}' {folder}/received {folder} \"$@\"\n")
    python.chmod(0o755)
    inventory = folder / "inventory.toml"
    inventory.write_text(f'[groups.all.hosts]\nweb1 = "opsmop_connection=local opsmop_python_path={python}"\n')
    return subprocess.run(
        [sys.executable, "-m", "opsmop", *words, "-i", inventory],
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("cheat", ["an answer of another shape", "no answer"])
@pytest.mark.parametrize("command", ["facts", "doctor"])
def test_an_answer_of_another_shape_is_an_error_that_names_the_host(command: str, cheat: str, tmp_path: Path) -> None:
    done = asked(tmp_path, cheat, command, "web1")
    assert done.returncode
    assert "web1 does not keep to the protocol: what it answers is of another shape" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("cheat", "words"),
    [
        ("facts with escapes", ("facts", "web1")),
        ("facts with escapes", ("facts", "web1", "Platform.a")),
        ("a health with escapes", ("doctor", "web1")),
        ("escapes", ("run", "true")),
        ("commands for a runner", ("run", "true")),
    ],
)
def test_nothing_that_is_a_command_for_a_terminal_or_a_ci_is_shown(
    cheat: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    done = asked(tmp_path, cheat, *words)
    said = done.stdout + done.stderr
    assert re.search("owned", said)
    assert CONTROL.findall(said) == []
    assert COMMAND.findall(said) == []
