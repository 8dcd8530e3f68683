"""Finding a Python that will do, in the exec that starts it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from opsmop.transport.base import Route
from opsmop.transport.stub import FINDER, READY, agent_arguments, for_any_shell

SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh", "fish", "csh", "tcsh", "ksh") if shutil.which(shell)]


def python(path: Path, version: str = "") -> None:
    """A program that is this Python, or says that it is an older one."""
    old = f'case $2 in *version*) echo "False{version}";; *) exit 9;; esac'
    path.write_text(f"#!/bin/sh\n{old}\n" if version else f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)


def found(folder: Path) -> "subprocess.CompletedProcess[str]":
    """What comes of looking where /usr/bin is `folder` and PATH has nothing else."""
    script = FINDER.replace("/usr/bin/", f"{folder}/").replace("/usr/libexec/", f"{folder}/libexec/")
    program = "import os, sys; print('ran', sys.argv[1], os.read(0, 9))"
    return subprocess.run(
        ["/bin/sh", "-c", script, "opsmop", "-c", program, "x"],
        env={"PATH": str(folder)},
        input="untouched",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_a_python_is_found_through_every_login_shell(shell: str) -> None:
    line = for_any_shell(agent_arguments(Route("web1"), 5.0, 60.0), Route("web1"))
    ended = subprocess.run([shell, "-c", line], input=b"", capture_output=True, check=False)
    assert ended.stdout.endswith(READY), ended.stderr
    assert ended.returncode == 0


def test_a_usual_python_is_started_without_asking_it_anything(tmp_path: Path) -> None:
    (tmp_path / "python3.12").write_text('#!/bin/sh\necho "once $#"\n')
    (tmp_path / "python3.12").chmod(0o755)
    (tmp_path / "python3").symlink_to("python3.12")
    assert found(tmp_path).stdout == "once 3\n"


@pytest.mark.parametrize("name", ["python3", "libexec/platform-python", "python3.9", "python3.13"])
def test_a_python_elsewhere_is_found_and_its_input_is_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "libexec").mkdir()
    python(tmp_path / name)
    assert found(tmp_path).stdout == "ran x b'untouched'\n"


def test_a_python_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    python(tmp_path / "python3", "3.6.8")
    python(tmp_path / "python3.11")
    assert found(tmp_path).stdout == "ran x b'untouched'\n"


def test_a_broken_python_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\necho nonsense >&2\nexit 127\n")
    (tmp_path / "python3").chmod(0o755)
    python(tmp_path / "python3.10")
    assert found(tmp_path).stdout == "ran x b'untouched'\n"


def test_without_any_that_will_do_it_is_told_what_was_found(tmp_path: Path) -> None:
    assert (found(tmp_path).stdout, found(tmp_path).returncode) == ("\nOPSMOP-NO-PYTHON \n", 97)
    python(tmp_path / "python3", "3.6.8")
    python(tmp_path / "python3.9")
    (tmp_path / "python3.9").write_text("#!/bin/sh\nexit 3\n")
    told = f"{tmp_path}/python3 is Python 3.6.8, {tmp_path}/python3.9 does not run, "
    assert found(tmp_path).stdout == f"\nOPSMOP-NO-PYTHON {told}\n"


def test_a_path_that_is_given_is_taken_and_nothing_else() -> None:
    assert agent_arguments(Route("web1", python="/opt/python3"), 5.0, 60.0)[:2] == ["/opt/python3", "-BEsS"]
