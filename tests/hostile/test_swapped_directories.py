"""Directories that their owner swaps for links while root works in them: root is led nowhere."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from opsmop.errors import ProviderError
from opsmop.target.machine.real import RealMachine

SOMEBODY = 65534
TRIES = 1500
SWAPPER = """
import ctypes, os, sys
home = os.fsencode(sys.argv[1])
os.setgroups([]), os.setgid(65534), os.setuid(65534)
libc = ctypes.CDLL(None, use_errno=True)
print("at work", flush=True)
while True:  # renameat2(2) with RENAME_EXCHANGE: each has the other's name at once
    libc.renameat2(-100, home + b"/place", -100, home + b"/link", 2)
"""


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Something of root's, where nobody else may go."""
    folder = tmp_path / "victim"
    folder.mkdir(mode=0o700)
    (folder / "file").write_text("of root")
    (folder / "file").chmod(0o600)
    return folder


@pytest.fixture
def swapped(victim: Path) -> Iterator[Path]:
    """A directory of somebody's own, who swaps what is in it with a link to root's, as fast as can be."""
    home = victim.parent / "home"
    (home / "place").mkdir(parents=True)
    (home / "place" / "file").write_text("theirs")
    (home / "link").symlink_to(victim)
    for path in (home, home / "place", home / "place" / "file", home / "link"):
        os.lchown(path, SOMEBODY, SOMEBODY)
    for path in (victim.parent, *victim.parents):  # somebody must come to what is theirs
        with suppress(PermissionError):
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
    with subprocess.Popen([sys.executable, "-c", SWAPPER, home], stdout=subprocess.PIPE) as swapper:
        assert swapper.stdout is not None
        assert swapper.stdout.readline() == b"at work\n"
        yield home / "place"
        assert swapper.poll() is None
        swapper.kill()


def state(folder: Path) -> list[tuple[str, bytes, int, int]]:
    """All that there is to see of a folder and what is in it."""
    return [
        (path.name, path.read_bytes() if path.is_file() else b"", path.stat().st_mode, path.stat().st_uid)
        for path in sorted([folder, *folder.iterdir()])
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda machine, at: machine.set_owner(f"{at}/file", "nobody", None),
        lambda machine, at: machine.set_mode(f"{at}/file", 0o666),
        lambda machine, at: machine.write(f"{at}/file", b"x", mode=0o644, owner=None, group=None),
        lambda machine, at: machine.remove(f"{at}/file"),
        lambda machine, at: machine.make_directory(f"{at}/new", mode=0o777),
        lambda machine, at: machine.make_link(f"{at}/new", "/nowhere"),
    ],
    ids=["owner", "mode", "content", "removal", "directory", "link"],
)
def test_who_swaps_a_directory_for_a_link_leads_root_nowhere(
    swapped: Path, victim: Path, change: Callable[[RealMachine, Path], None]
) -> None:
    before, machine = state(victim), RealMachine()
    for _ in range(TRIES):
        with suppress(ProviderError):
            change(machine, swapped)
        assert state(victim) == before
