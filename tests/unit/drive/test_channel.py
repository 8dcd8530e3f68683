"""Events wait for the drive up to a weight, and whoever says more waits with them."""

from __future__ import annotations

import threading

import pytest

from opsmop.drive.channel import Channel, weight_of
from opsmop.events import ChangeReport, Printed, ResourceFinished

HEAVY = Printed(text="x" * 10_000)


def saying(channel: Channel, many: int) -> tuple[threading.Thread, list[int]]:
    said: list[int] = []

    def say() -> None:
        for number in range(many):
            channel.say(HEAVY)
            said.append(number)

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    return thread, said


def test_never_more_waits_than_may() -> None:
    channel = Channel(3 * weight_of(HEAVY))
    thread, said = saying(channel, 20)
    thread.join(0.5)
    assert (thread.is_alive(), len(said)) == (True, 3)
    for taken in range(1, 21):
        assert channel.take() is HEAVY
        assert len(said) <= taken + 3
    channel.put(None)
    assert channel.take() is None
    thread.join(5)
    assert len(said) == 20


def test_an_event_heavier_than_all_that_may_wait_is_taken_alone() -> None:
    channel = Channel(10)
    channel.say(HEAVY)
    assert channel.take() is HEAVY


def test_endings_never_wait() -> None:
    channel = Channel(10)
    channel.say(HEAVY)
    channel.put("ending")
    assert [channel.take(), channel.take()] == [HEAVY, "ending"]


def test_once_it_is_open_nobody_waits_and_nothing_is_kept() -> None:
    channel = Channel(10)
    thread, said = saying(channel, 20)
    channel.open()
    thread.join(5)
    assert len(said) == 20
    channel.put("ending")
    while (taken := channel.take()) is HEAVY:
        said.remove(len(said) - 1)
    assert (taken, len(said)) == ("ending", 19)


@pytest.mark.parametrize(
    "light", [ResourceFinished(changes=(ChangeReport(),) * 1000), ResourceFinished(output="é" * 100_000)]
)
def test_what_is_small_on_the_wire_weighs_what_it_takes_in_memory(light: ResourceFinished) -> None:
    assert weight_of(light) > 400_000
