"""How the evaluation of a role ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsmop.events.wire import LONGEST_TEXT

Evaluate = Callable[..., Any]


def test_a_value_that_no_event_can_carry_is_the_policys_error_and_not_the_hosts(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: ["x" * 100] * 2000).failure
    assert failure.error == "PolicyError"
    assert f"{LONGEST_TEXT} are the most" in failure.message


def test_the_longest_value_that_an_event_carries_is_returned_whole(evaluate: Evaluate) -> None:
    assert len(evaluate(lambda _: "x" * (LONGEST_TEXT - 2)).ending.value) == LONGEST_TEXT
