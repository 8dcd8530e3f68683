"""Code that a push leaves on a host for the next one: used where it is safe, never where it is not."""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ship.conftest import TARGETS
from tests.ssh.hearing import Heard, nothing_served, order_for

from opsmop.ship.bundle import Bundle, code_bundle
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.wire import arriving, start

pytestmark = pytest.mark.usefixtures("roles")
SMALL = 20_000  # bytes that a push to a host with our code sends before the role's own data
Push = Callable[..., int]  # of bytes that were sent besides the order


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the host's user, which nobody else can write to."""
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "controller"))
    return place


@pytest.fixture
def push(here: Route, roles: Any) -> Iterator[Push]:
    """Evaluate a role over a connection of its own, as another run would; how many bytes that took besides the order."""

    def pushed(route: Route = here, code: Bundle | None = None, role: Any = None) -> int:
        heard = Heard()
        direct = Direct(code=(lambda: code) if code is not None else code_bundle)
        order = order_for(role or roles.Pid())
        try:
            traffic = direct.evaluate(route, order, None, heard.events.append, nothing_served)
        finally:
            direct.close()
        assert heard.ending.status == "ok", heard.ending
        return traffic.sent - len(order.to_bytes())

    return pushed


def kept(home: Path) -> Path:
    (file,) = (home / ".opsmop" / "code").iterdir()
    return file


def written(home: Path) -> tuple[int, int]:
    return kept(home).stat().st_ino, kept(home).stat().st_mtime_ns


def poisoned(home: Path, mark: Path) -> bytes:
    """What is kept, with an agent that leaves a mark; its sum is right."""
    data = kept(home).read_bytes()
    length = int.from_bytes(data[start.SUM : start.SUM + start.LENGTH], "big")
    begin = start.SUM + start.LENGTH
    digest, index, compiled = marshal.loads(data[begin : begin + length])
    evil = f"open({str(mark)!r}, 'w').close()\nfrom opsmop.target.evil import main\n"
    compiled["opsmop.target.evil"] = compiled["opsmop.target.agent"]
    index["opsmop.target.evil"] = index["opsmop.target.agent"]
    compiled["opsmop.target.agent"] = marshal.dumps(compile(evil, "evil", "exec"))
    part = marshal.dumps((digest, index, compiled))
    return start.summed(part) + len(part).to_bytes(start.LENGTH, "big") + part + data[begin + length :]


def test_a_second_push_sends_little_besides_the_roles_own_data(home: Path, push: Push) -> None:
    assert push() > 100_000
    assert push() < SMALL


def test_what_is_kept_is_the_users_alone(home: Path, push: Push) -> None:
    push()
    assert [kept(home).stat().st_mode & 0o7777, kept(home).parent.stat().st_mode & 0o7777] == [0o600, 0o700]


def test_a_second_push_compiles_nothing_and_writes_nothing(home: Path, push: Push) -> None:
    push()
    before = written(home)
    push()
    assert written(home) == before


def test_code_that_a_later_role_needs_is_kept_too(home: Path, push: Push, roles: Any) -> None:
    push()
    before = written(home)
    assert push(role=roles.Importer()) < SMALL
    after = written(home)
    assert after != before
    assert push(role=roles.Importer()) < SMALL
    assert written(home) == after


def test_a_controller_that_does_not_know_the_host_sends_the_bundle_and_the_kept_code_is_used(
    home: Path, push: Push, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push()
    mark = tmp_path / "mark"
    kept(home).write_bytes(poisoned(home, mark))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    assert push() > 100_000
    assert mark.exists()
    assert push() < SMALL


def test_a_host_that_has_lost_its_code_asks_for_it(home: Path, push: Push) -> None:
    push()
    kept(home).unlink()
    assert push() > 100_000
    assert kept(home).exists()


def by_a_writable_file(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    kept(home).chmod(0o620)


def by_a_readable_file(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    kept(home).chmod(0o644)


def by_a_writable_folder(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    kept(home).parent.chmod(0o770)


def by_a_writable_parent(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    (home / ".opsmop").chmod(0o770)


def by_a_writable_home(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    home.chmod(0o777)


def by_a_symlink(home: Path, code: bytes) -> None:
    (home / "other").write_bytes(code)
    (home / "other").chmod(0o600)
    file = kept(home)
    file.unlink()
    file.symlink_to(home / "other")


def by_a_hard_link(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    os.link(kept(home), home / "second")


def by_a_linked_folder(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    folder = home / ".opsmop" / "code"
    folder.rename(home / "moved")
    folder.symlink_to(home / "moved")


def by_a_fifo(home: Path, code: bytes) -> None:
    file = kept(home)
    file.unlink()
    os.mkfifo(file, 0o600)


def by_another_owner(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    os.chown(kept(home), 65534, 65534)


def by_a_folder_of_another_owner(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code)
    os.chown(kept(home).parent, 65534, 65534)


def by_a_wrong_sum(home: Path, code: bytes) -> None:
    kept(home).write_bytes(bytes(start.SUM) + code[start.SUM :])


def by_cutting_it_short(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code[:100_000])


def by_emptying_it(home: Path, code: bytes) -> None:
    kept(home).write_bytes(b"")


def by_keeping_another_bundle(home: Path, code: bytes) -> None:
    begin = start.SUM + start.LENGTH
    length = int.from_bytes(code[start.SUM : begin], "big")
    _, index, compiled = marshal.loads(code[begin : begin + length])
    part = marshal.dumps((hashlib.sha256(b"another").hexdigest(), index, compiled))
    kept(home).write_bytes(start.summed(part) + len(part).to_bytes(start.LENGTH, "big") + part)


def by_a_length_beyond_measure(home: Path, code: bytes) -> None:
    kept(home).write_bytes(code[: start.SUM] + b"\xff" * start.LENGTH + code[start.SUM + start.LENGTH :])


def test_a_python_without_blake2_sums_up_what_it_keeps_with_sha256() -> None:
    program = (
        "import sys; sys.modules.update(_blake2=None); from opsmop.wire.start import summed; print(summed(b'a').hex())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(b"a").hexdigest()
    assert start.summed(b"a") == hashlib.blake2b(b"a", digest_size=32).digest()


def test_nothing_is_kept_through_a_symlink(home: Path, push: Push) -> None:
    (home / "elsewhere").mkdir()
    (home / ".opsmop").symlink_to(home / "elsewhere")
    push()
    assert not list((home / "elsewhere").iterdir())


PLANTED = [planted for name, planted in list(globals().items()) if name.startswith("by_")]
OF_ROOT = [by_another_owner, by_a_folder_of_another_owner]


@pytest.mark.parametrize("plant", [one for one in PLANTED if os.geteuid() == 0 or one not in OF_ROOT])
def test_planted_code_is_never_loaded(home: Path, push: Push, tmp_path: Path, plant: Callable[..., None]) -> None:
    push()
    mark = tmp_path / "mark"
    plant(home, poisoned(home, mark))
    assert push() > 100_000
    assert not mark.exists()


def test_a_damaged_bundle_is_removed_and_told(home: Path, push: Push, roles: Any, tmp_path: Path) -> None:
    push()
    file = kept(home)
    data = file.read_bytes()
    begin = start.SUM + start.LENGTH + int.from_bytes(data[start.SUM : start.SUM + start.LENGTH], "big")
    damaged = data[:begin] + bytes(len(data) - begin)
    file.write_bytes(damaged)
    opened = start.opened(str(file))
    for _ in ("once", "and by another role that has opened it"):
        with pytest.raises(ImportError, match="was damaged and has been removed; run this again"):
            arriving.kept_bundle(opened, code_bundle().digest)
    os.close(opened)
    assert not file.exists()


@pytest.mark.parametrize("obstacle", ["a file", "no room"])
def test_a_home_that_cannot_keep_anything_is_no_obstacle(
    home: Path, push: Push, here: Route, tmp_path: Path, obstacle: str
) -> None:
    route = here
    if obstacle == "a file":
        (home / ".opsmop").write_text("in the way")
    else:
        narrow = tmp_path / "python"
        narrow.write_text(f'#!/bin/sh\nulimit -f 16\nexec {sys.executable} "$@"\n')
        narrow.chmod(0o755)
        route = replace(here, python=str(narrow))
    for _ in range(2):
        assert push(route) > 100_000
    assert not list((home / ".opsmop").glob("code/*")) if obstacle == "no room" else True


def test_only_the_latest_versions_are_kept(home: Path, push: Push) -> None:
    push()
    folder = kept(home).parent
    current = kept(home)
    for number in range(9):
        old = folder / f"{number:032}.cpython-39-00"
        old.write_bytes(b"")
        os.utime(old, (number, number))
    begun = folder / f"{current.name}.123"
    begun.write_bytes(b"")
    os.utime(begun, (1, 1))
    current.unlink()
    push()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [current.name, *(f"{number:032}.cpython-39-00" for number in (6, 7, 8))]
    )


@pytest.fixture
def compiling(roles: Any) -> Any:
    """A role that returns which of our modules its host has compiled itself."""
    return roles.Compiled()


def compiled_there(route: Route, role: Any) -> list[str]:
    heard = Heard()
    direct = Direct()
    try:
        direct.evaluate(route, order_for(role), None, heard.events.append, nothing_served)
    finally:
        direct.close()
    assert heard.ending.status == "ok", heard.ending
    found: list[str] = json.loads(heard.ending.value)
    return found


def test_a_new_host_with_our_python_compiles_nothing_of_what_every_role_needs(
    home: Path, here: Route, compiling: Any
) -> None:
    assert compiled_there(here, compiling) == []
    assert kept(home).exists()


OTHER_PYTHONS = [python for version, python in TARGETS.items() if version != "{}.{}".format(*sys.version_info)]


@pytest.mark.parametrize("python", OTHER_PYTHONS)
def test_a_new_host_with_another_python_compiles_what_it_uses_once(
    home: Path, here: Route, compiling: Any, python: str
) -> None:
    other = replace(here, python=python)
    assert "opsmop.target.run_role" in compiled_there(other, compiling)
    assert compiled_there(other, compiling) == []
