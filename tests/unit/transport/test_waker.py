"""A waker wakes whoever waits, for files or for anything else, whether they came before it called or after."""

from __future__ import annotations

import select

from opsmop.transport.pipes import Waker


def test_it_calls_its_listeners_once_and_late_ones_at_once() -> None:
    waker, heard = Waker(), []
    waker.listen(lambda: heard.append("early"))
    assert heard == []
    waker.call()
    waker.call()
    waker.listen(lambda: heard.append("late"))
    assert heard == ["early", "late"]
    assert select.select([waker.channel], [], [], 0)[0]


def test_who_has_left_is_not_called() -> None:
    waker, heard = Waker(), []

    def listener() -> None:
        heard.append("called")

    waker.listen(listener)
    waker.leave(listener)
    waker.call()
    assert heard == []
