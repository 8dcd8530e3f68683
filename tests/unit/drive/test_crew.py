"""Threads that share out work."""

from __future__ import annotations

import threading

import pytest

from opsmop.drive.crew import crew


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many more threads the system takes."""
    left, start = {"threads": 2}, threading.Thread.start

    def started(thread: threading.Thread) -> None:
        if not left["threads"]:
            raise RuntimeError("can't start new thread")
        left["threads"] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    return left


def test_all_work_is_done_by_the_threads_that_the_system_takes(room: dict[str, int]) -> None:
    done: list[int] = []
    with crew(8, range(20), done.append):
        pass
    assert sorted(done) == list(range(20))
    assert room["threads"] == 0


def test_where_the_system_takes_none_nothing_is_begun(room: dict[str, int]) -> None:
    room["threads"] = 0
    done: list[int] = []
    with pytest.raises(RuntimeError, match="new thread"), crew(8, range(20), done.append):
        pass
    assert done == []
