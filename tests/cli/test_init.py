"""`opsmop init`: what it writes works as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsmop.commands.init import FILES

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("reach", [("--push",), ("--local", "--host", "here")])
def test_the_scaffold_checks_applies_and_a_second_apply_is_silent(
    opsmop: Opsmop, tmp_path: Path, reach: tuple[str, ...]
) -> None:
    made = opsmop("init", "my-site")
    assert made.returncode == 0, made.stderr
    policy, page = str(tmp_path / "my-site" / "site.py"), tmp_path / "my-site" / "out" / "welcome.txt"
    validated = opsmop("validate", policy, *reach)
    assert (validated.returncode, validated.stderr) == (0, "")
    checked = opsmop("check", policy, *reach)
    assert (checked.returncode, page.exists()) == (0, False), checked.stdout
    applied = opsmop("apply", policy, *reach)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert page.read_text().startswith("Welcome to ")
    again = opsmop("apply", policy, *reach)
    assert again.stdout.splitlines()[-1] == "RESULT failed=0 unreachable=0 changed=0 ok=1 skipped=0"


def test_each_command_that_the_scaffolds_policy_names_works(opsmop: Opsmop, tmp_path: Path) -> None:
    assert opsmop("init").returncode == 0
    lines = (tmp_path / "site.py").read_text().splitlines()
    commands = [line.partition("   ")[0].split() for line in lines if line.startswith("python3 site.py ")]
    assert len(commands) == 3
    for command in commands:
        done = subprocess.run(
            [sys.executable, *command[1:]],
            cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_the_scaffolds_project_names_its_inventory(opsmop: Opsmop, tmp_path: Path) -> None:
    assert opsmop("init").returncode == 0
    assert opsmop("inventory", "list").stdout == "here  here  local  welcomed\n"


def test_a_folder_with_blanks_and_quotes_is_fine(opsmop: Opsmop, tmp_path: Path) -> None:
    name = 'a "b" c'
    assert opsmop("init", name).returncode == 0
    done = opsmop("apply", str(tmp_path / name / "site.py"), "--push")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(opsmop: Opsmop, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    done = opsmop("init")
    assert done.returncode == 2
    assert f"has {name} already" in done.stderr
    assert path.read_text() == "mine"
    assert sum((tmp_path / each).exists() for each in FILES) == 1


def test_a_second_time_another_folder_is_named(opsmop: Opsmop) -> None:
    assert opsmop("init", "my-site").returncode == 0
    again = opsmop("init", "my-site")
    assert again.returncode == 2
    assert "opsmop init my-other-site" in again.stderr
