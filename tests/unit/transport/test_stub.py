"""The command that starts an agent survives every login shell and every Python."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

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
    assert len(boot_program()) < 13_000


@pytest.mark.parametrize(
    ("user", "become", "through_sudo"),
    [("ops", "root", True), ("ops", None, False), ("root", "root", False), ("", "root", True)],
)
def test_sudo_is_used_where_the_login_is_another_user(user: str, become: str | None, through_sudo: bool) -> None:
    arguments = agent_arguments(Route("web1", user=user, become=become), 5.0, 60.0)
    assert ("sudo" in arguments) == through_sudo


@pytest.mark.parametrize(
    ("details", "options"),
    [
        ({}, []),
        ({"sudo_role": "sysadm_r"}, ["-r", "sysadm_r"]),
        ({"sudo_type": "sysadm_t"}, ["-t", "sysadm_t"]),
        ({"sudo_role": "sysadm_r", "sudo_type": "sysadm_t"}, ["-r", "sysadm_r", "-t", "sysadm_t"]),
    ],
)
def test_sudo_is_told_the_role_and_the_type_of_selinux(details: dict[str, str], options: list[str]) -> None:
    arguments = agent_arguments(Route("web1", user="ops", become="root", **details), 5.0, 60.0)  # type: ignore[arg-type]
    sudo = arguments.index("sudo")
    assert arguments[sudo : arguments.index("--")] == ["sudo", "-n", "-H", "-u", "root", *options]


def test_a_role_or_a_type_of_selinux_is_sudos_to_give_even_to_the_user_one_is(tmp_path: Path) -> None:
    own = pwd.getpwuid(os.geteuid()).pw_name
    (tmp_path / "sudo").write_text("#!/bin/sh\necho through sudo\n")
    (tmp_path / "sudo").chmod(0o755)
    for user in (own, ""):
        for details, through in (({}, False), ({"sudo_role": "sysadm_r"}, True), ({"sudo_type": "sysadm_t"}, True)):
            way = Route("web1", user=user, become=own, python=sys.executable, **details)  # type: ignore[arg-type]
            environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
            ended = subprocess.run(
                agent_arguments(way, 5.0, 60.0), input=b"", capture_output=True, env=environment, check=False
            )
            assert (b"through sudo" in ended.stdout) is through
