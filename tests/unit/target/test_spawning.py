"""Commands are started as the standard library's subprocess starts them, whichever way they are started."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmop.errors import CommandFailed
from opsmop.target.machine import RealMachine

# What a command finds: what it reads, whether it leads its session, which signals it ignores, which files are open.
LOOK = (
    "readlink /proc/$$/fd/0; read -r _ _ _ _ _ session _ </proc/$$/stat; [ $session = $$ ] && echo leads;"
    "grep SigIgn /proc/$$/status; ls /proc/$$/fd"
)

OF_THE_LIBRARY = 3 << 31  # signals 32 and 33 are the C library's own (nptl(7))


@pytest.fixture
def leaked() -> Iterator[int]:
    """A file that whoever started us left open for our commands too."""
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    yield descriptor
    os.close(descriptor)


def looked(cwd: str | None) -> tuple[str, str, int, list[str]]:
    found = RealMachine().run(["/bin/sh", "-c", LOOK], effects=(), cwd=cwd).stdout
    read, leads, ignored, *files = found.split("\n")
    return read, leads, int(ignored.split()[1], 16) & ~OF_THE_LIBRARY, files


def test_a_command_finds_the_same_whether_it_has_a_directory_of_its_own_or_not(leaked: int) -> None:
    assert os.get_inheritable(leaked)
    read, leads, ignored, files = looked(None)
    assert (read, leads) == ("/dev/null", "leads")
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)
    assert str(leaked) not in files
    assert looked("/") == (read, leads, ignored, files)


def program(folder: Path, text: str, mode: int) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "opsmop-told"
    file.write_text(text)
    file.chmod(mode)
    return file


def ran(*folders: Path) -> str:
    path = ":".join(map(str, folders))
    return RealMachine().run(["opsmop-told"], effects=(), env={"PATH": path}).stdout


def test_a_program_is_the_first_of_its_name_that_may_be_run(tmp_path: Path) -> None:
    program(tmp_path / "refused", "#!/bin/sh\necho refused\n", 0o644)
    program(tmp_path / "first", "#!/bin/sh\necho first\n", 0o755)
    program(tmp_path / "second", "#!/bin/sh\necho second\n", 0o755)
    names = ("missing", "refused", "first", "second")
    assert ran(*(tmp_path / name for name in names)) == "first\n"


def test_a_program_that_is_nowhere_is_told_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot start opsmop-told: No such file") as told:
        ran(tmp_path)
    assert "Package" in told.value.remedy


def test_a_program_that_may_not_be_run_is_told_as_that(tmp_path: Path) -> None:
    program(tmp_path / "refused", "", 0o644)
    with pytest.raises(CommandFailed, match="cannot start opsmop-told: Permission denied"):
        ran(tmp_path / "refused", tmp_path / "missing")


def test_a_file_that_is_no_program_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="Exec format error"):
        RealMachine().run([str(program(tmp_path, "echo no shell was asked for\n", 0o755))], effects=())


def test_how_a_command_ended_is_told() -> None:
    machine = RealMachine()
    assert machine.run(["/bin/sh", "-c", "exit 7"], effects=()).rc == 7
    assert machine.run(["/bin/sh", "-c", "kill -9 $$"], effects=()).rc == -9
