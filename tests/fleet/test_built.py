"""What hosts stand on is built once, however many want it, and replaces what nobody stands on any more."""

import threading
import time
from pathlib import Path

import pytest
from tests.fleet.harness.built import keep_built


class Builder:
    """Builds folders slowly, and counts."""

    def __init__(self) -> None:
        self.told = 0
        self.begun: list[bool] = []  # whether something unfinished was there

    def build(self, folder: Path) -> None:
        partial = folder.with_suffix(".partial")
        self.begun.append(partial.exists())
        partial.mkdir()
        time.sleep(0.1)
        partial.rename(folder)

    def tell(self) -> None:
        self.told += 1


def test_a_folder_that_many_want_is_built_once_and_all_of_them_keep_it(tmp_path: Path) -> None:
    builder = Builder()
    locks = []
    threads = [
        threading.Thread(target=lambda: locks.append(keep_built(tmp_path / "it-1", builder.build, builder.tell)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(locks), builder.begun, builder.told) == (4, [False], 1)
    newer = keep_built(tmp_path / "it-2", builder.build, builder.tell)
    assert (tmp_path / "it-1").exists()  # somebody stands on it
    for lock in (*locks, newer):
        lock.close()


def test_what_older_recipes_left_goes_when_a_newer_one_is_built_and_other_families_stay(tmp_path: Path) -> None:
    builder = Builder()
    for name in ("it-1", "other-1", "it-2"):
        keep_built(tmp_path / name, builder.build, builder.tell).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["it-2", "it-2.lock", "other-1", "other-1.lock"]


def test_what_a_build_that_failed_left_is_no_obstacle(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        folder.with_suffix(".partial").mkdir()
        raise OSError("no room")

    builder = Builder()
    with pytest.raises(OSError, match="no room"):
        keep_built(tmp_path / "it-1", fail, builder.tell)
    keep_built(tmp_path / "it-1", builder.build, builder.tell).close()
    assert builder.begun == [False]
