"""The wish to end a role's process comes through once, and never where it would lose something."""

import os
import signal
from collections.abc import Iterator

import pytest

from opsmop.target.role_process import INTERRUPTIONS, Interruption


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = {number: signal.getsignal(number) for number in INTERRUPTIONS}
    interruption = Interruption()
    for number in INTERRUPTIONS:
        signal.signal(number, interruption)
    yield interruption
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", sorted(INTERRUPTIONS))
def test_it_comes_at_once_and_only_once(interruption: Interruption, number: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)


def test_it_waits_until_a_command_that_starts_is_known(interruption: Interruption) -> None:
    interruption.hold()
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        interruption.release()
    interruption.release()


def test_it_waits_until_a_frame_is_written_whole(interruption: Interruption) -> None:
    reading, writing = os.pipe()
    interruption.hold()
    os.kill(os.getpid(), signal.SIGTERM)
    interruption.write(writing, b"x" * 1000)
    assert os.read(reading, 2000) == b"x" * 1000
    with pytest.raises(KeyboardInterrupt):
        interruption.release()
    os.close(reading)
    os.close(writing)
