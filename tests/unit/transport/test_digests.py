"""Large files that nobody has changed are hashed once, however many runs send them; a changed one is hashed again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from opsmop.transport.files.depot import Depot
from opsmop.transport.files.digests import LARGE, Digests
from opsmop.transport.files.opened import OpenFile

HOUR = 3600 * 10**9


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the control machine remembers things."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "opsmop"


def opened(path: Path, content: bytes, *, age: int) -> OpenFile:
    """A file, last changed so many nanoseconds ago."""
    path.write_bytes(content)
    file = OpenFile(path.name, os.open(path, os.O_RDONLY))
    then = time.time_ns() - age
    file.identity = file.identity._replace(modified=then, changed=then)
    return file


def computed(file: OpenFile) -> tuple[int, str]:
    """How many digests a run has to compute for a file, and what comes of it."""
    depot = Depot(digests=Digests())
    digest = depot.digest_now(file)
    return depot.computed, digest


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "large", bytes(LARGE), age=HOUR) as file:
        (first, digest), (second, again) = computed(file), computed(file)
    assert (first, second) == (1, 0)
    assert digest == again


def test_what_was_changed_since_is_computed_anew(tmp_path: Path) -> None:
    with opened(tmp_path / "large", bytes(LARGE), age=2 * HOUR) as before:
        _, old = computed(before)
    with opened(tmp_path / "large", b"x" * LARGE, age=HOUR) as after:
        count, new = computed(after)
    assert count == 1
    assert new != old


def test_what_was_changed_just_now_may_change_unseen_and_is_not_remembered(tmp_path: Path) -> None:
    with opened(tmp_path / "large", bytes(LARGE), age=0) as file:
        assert [computed(file)[0], computed(file)[0]] == [1, 1]


def test_small_files_are_not_remembered(tmp_path: Path, cache: Path) -> None:
    with opened(tmp_path / "small", bytes(LARGE - 1), age=HOUR) as file:
        assert [computed(file)[0], computed(file)[0]] == [1, 1]
    assert not cache.exists()


def test_what_is_damaged_is_not_believed(tmp_path: Path, cache: Path) -> None:
    with opened(tmp_path / "large", bytes(LARGE), age=HOUR) as file:
        computed(file)
        (kept,) = cache.glob("digests-*")
        kept.write_bytes(kept.read_bytes().replace(b" ", b" 0", 1))
        assert computed(file)[0] == 1
