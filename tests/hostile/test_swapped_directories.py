"""Directories that their owner swaps for links while root works in them: root is led nowhere."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.providers.web import Page, serving

from opsmop import Download, Unarchive
from opsmop.errors import ProviderError
from opsmop.target.machine.real import RealMachine
from opsmop.target.programs import fetch, unpack
from opsmop.target.programs.ground import Refusal

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


def archive(place: Path, name: str) -> str:
    """An archive with a file, a link, a further name and a directory with something in it, all below a name."""
    content = place / "content"
    (content / "inner").mkdir(parents=True)
    (content / "file").write_text("unpacked")
    (content / "inner" / "deep").write_text("unpacked")
    (content / "further").hardlink_to(content / "file")
    (content / "link").symlink_to("file")
    with tarfile.open(place / "a.tar", "w") as tar:
        tar.add(content, name)
    return str(place / "a.tar")


@pytest.mark.parametrize(("name", "up"), [(".", ""), ("place", "..")], ids=["where it goes", "on the way"])
def test_who_swaps_a_directory_for_a_link_has_nothing_unpacked_elsewhere(
    swapped: Path, victim: Path, name: str, up: str
) -> None:
    before, into = state(victim), os.path.normpath(swapped / up)
    request = {
        "act": "unpack",
        "archive": archive(victim.parent, name),
        "into": into,
        "strip": 0,
        "only": [],
        "but": [],
    }
    for _ in range(TRIES // 5):
        with suppress(Refusal, OSError):
            unpack._answer({**request, "owner": None, "group": None, "modes": {}, "keep_newer": False})
        assert state(victim) == before


def test_who_swaps_a_directory_for_a_link_has_nothing_downloaded_elsewhere(swapped: Path, victim: Path) -> None:
    before = state(victim)
    request = {
        "path": f"{swapped}/file",
        "headers": {},
        "ca_file": "",
        "validate": "",
        "proxy": "",
        "timeout": 5,
        "algorithm": "sha256",
    }
    with serving() as web:
        web.pages["/file"] = Page(b"downloaded")
        for number in range(TRIES // 5):
            web.pages["/file"].body = f"{number}".encode()
            with suppress(Refusal, OSError):
                fetch.fetch(
                    {**request, "url": f"{web.url}/file", "digest": "", "owner": "nobody", "group": None, "mode": 0o666}
                )
            assert state(victim) == before


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_nothing_is_unpacked_or_downloaded_through_a_link_of_somebody_else(
    victim: Path, evaluate: Callable[..., Any], mode: str
) -> None:
    before, link, tar = state(victim), victim.parent / "link", archive(victim.parent, ".")
    link.symlink_to(victim)
    os.lchown(link, SOMEBODY, SOMEBODY)
    with serving() as web:
        web.pages["/file"] = Page(b"downloaded")
        for main in (
            lambda _: Unarchive(link, archive=tar) and None,
            lambda _: Unarchive(f"{link}/", archive=tar) and None,
            lambda _: Download(f"{link}/new", url=f"{web.url}/file") and None,
        ):
            assert f"{SOMEBODY}" in evaluate(main, mode).failure.message
            assert state(victim) == before
        os.lchown(link, 0, 0)
        assert evaluate(lambda _: Unarchive(link, archive=tar) and None, mode).ending.status == "ok"
        assert evaluate(lambda _: Download(f"{link}/new", url=f"{web.url}/file") and None, mode).ending.status == "ok"
