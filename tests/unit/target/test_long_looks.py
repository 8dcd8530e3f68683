"""What a look prints is known whole, or the look is an error that says so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from opsmop.errors import CommandFailed
from opsmop.language.provider import succeeded
from opsmop.resources.answers import answer
from opsmop.target.machine.commands import MOST_KEPT
from opsmop.target.machine.real import RealMachine


def printing(size: int) -> Sequence[str]:
    return "sh", "-c", f"head -c {size} /dev/zero | tr '\\0' x"


def test_what_is_as_long_as_is_kept_is_whole() -> None:
    completed = RealMachine().ask(printing(MOST_KEPT))
    assert not completed.cut
    assert len(succeeded(completed, "looking", whole=True).stdout) == MOST_KEPT


@pytest.mark.parametrize("size", [MOST_KEPT + 1, 3 * MOST_KEPT])
def test_what_is_longer_is_an_error_where_all_of_it_counts_and_none_elsewhere(size: int) -> None:
    completed = RealMachine().ask(printing(size))
    assert completed.cut
    assert succeeded(completed, "looking") is completed
    with pytest.raises(CommandFailed, match="looking failed: the command printed more than is kept of it"):
        succeeded(completed, "looking", whole=True)


class Talkative(RealMachine):
    """A machine on which programs of ours say too much."""

    def program(self, name: str) -> Sequence[str]:
        return printing(2 * MOST_KEPT)


def test_an_answer_that_is_too_long_is_an_error() -> None:
    with pytest.raises(CommandFailed, match="the program fetch printed more than is kept of it"):
        answer(Talkative(), "fetch", {})
