"""The command that starts an agent survives every login shell and every Python."""

import shutil
import subprocess
import sys

import pytest

from opsmop.transport.base import Route
from opsmop.transport.stub import READY, STUB, agent_arguments, boot_program, for_any_shell

SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh", "fish", "csh", "tcsh", "ksh") if shutil.which(shell)]
OLD_PYTHONS = [name for name in ("python2", "python2.7", "python3.6", "python3.7", "python3.8") if shutil.which(name)]


def test_the_stub_is_one_short_line_without_what_shells_expand_in_quotes() -> None:
    assert len(STUB) < 1024
    assert not set(STUB) & set("'!\\\n\r\t")
    assert STUB.isascii()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("python", [sys.executable, "{folder}/a python;$(id)&"])
def test_the_command_line_means_the_same_to_every_shell(
    shell: str, python: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("it")
    if python != sys.executable:
        python = python.format(folder=folder)
        (folder / "a python;$(id)&").symlink_to(sys.executable)
    route = Route("web1", python=python)
    line = for_any_shell(agent_arguments(route, 5.0, 60.0), route)
    ended = subprocess.run([shell, "-c", line], input=b"", capture_output=True, check=False)
    assert ended.stdout.endswith(READY), ended.stderr
    assert ended.returncode == 0


def test_an_older_python_says_its_version_in_a_line() -> None:
    older = "import sys; sys.version_info = (3, 8, 1); exec(sys.argv[1])"
    ended = subprocess.run([sys.executable, "-c", older, STUB], input=b"", capture_output=True, check=False)
    assert ended.stdout == b"\nOPSMOP-OLD-PYTHON 3.8\n"
    assert ended.returncode == 96


def test_whatever_older_python_is_here_parses_the_stub_and_says_so() -> None:
    for python in OLD_PYTHONS:
        version = subprocess.run(
            [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, check=False
        )
        if version.returncode == 0:  # a version manager's shim of a Python that is switched off answers nothing
            said = subprocess.run(
                [python, "-BEsS", "-c", STUB, "1", "5", "60"], input=b"", capture_output=True, check=False
            )
            assert said.stdout.split() == [b"OPSMOP-OLD-PYTHON", version.stdout.strip()]


def test_nothing_is_imported_from_the_directory_where_the_login_begins(tmp_path: object) -> None:
    (tmp_path / "os.py").write_text("raise SystemExit('planted')")  # type: ignore[operator]
    (tmp_path / "json.py").write_text("raise SystemExit('planted')")  # type: ignore[operator]
    program = b"import json, os; os.write(1, json.dumps('clean').encode())"
    command = [sys.executable, "-BEsS", "-c", STUB, str(len(program))]
    ended = subprocess.run(command, input=program, capture_output=True, cwd=str(tmp_path), check=False)
    assert ended.stdout.endswith(b'"clean"'), ended.stderr


def test_the_stub_reads_exactly_its_program() -> None:
    program = b"import os; os.write(1, os.read(0, 100))"
    command = [sys.executable, "-BEsS", "-c", STUB, str(len(program))]
    ended = subprocess.run(command, input=program + b"what follows", capture_output=True, check=False)
    assert ended.stdout.endswith(READY + b"what follows")


def test_the_boot_program_stays_small() -> None:
    assert len(boot_program()) < 12_000


@pytest.mark.parametrize(
    ("user", "become", "through_sudo"),
    [("ops", "root", True), ("ops", None, False), ("root", "root", False), ("", "root", True)],
)
def test_sudo_is_used_where_the_login_is_another_user(user: str, become: str | None, through_sudo: bool) -> None:
    arguments = agent_arguments(Route("web1", user=user, become=become), 5.0, 60.0)
    assert ("sudo" in arguments) == through_sudo
