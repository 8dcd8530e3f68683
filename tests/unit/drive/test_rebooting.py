"""Waiting for a host that reboots: what counts as back, and what ends the wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from opsmop.drive.rebooting import await_return
from opsmop.errors import ConnectError, HostKeyError, HostLostError, OpsMopError
from opsmop.events import EvaluationFinished, Event, Failure
from opsmop.wire.order import BOOT, Order

ORDER = Order(run="1", host="web1", role="R", mode=BOOT)


def host_that(*answers: str | Exception | EvaluationFinished) -> Callable[[Order, Callable[[Event], None]], object]:
    """A host that answers with these boot ids, or fails, one after the other."""
    left: Iterator[str | Exception | EvaluationFinished] = iter(answers)

    def converse(order: Order, receive: Callable[[Event], None]) -> None:
        answer = next(left)
        assert order.mode == BOOT
        if isinstance(answer, Exception):
            raise answer
        receive(answer if isinstance(answer, EvaluationFinished) else EvaluationFinished(value=answer))

    return converse


def awaited(
    *answers: str | Exception | EvaluationFinished, within: float = 60.0, over: bool = False, ready: str = ""
) -> None:
    ending = EvaluationFinished(rebooting="old", rebooting_seconds=within, rebooting_ready=ready)
    await_return("web1", ending, ORDER, host_that(*answers), lambda: over)


def test_a_host_is_back_when_its_boot_id_is_another() -> None:
    awaited('"old"', ConnectError("refused", host="web1"), '"new"')


def test_another_host_key_is_not_waited_out() -> None:
    with pytest.raises(HostKeyError):
        awaited(HostKeyError("changed", host="web1"))


def test_a_host_that_stays_away_is_lost() -> None:
    with pytest.raises(HostLostError, match="web1 has not come back within 0 seconds"):
        awaited(ConnectError("refused", host="web1"), within=0.0)


def test_a_host_that_never_went_down_is_not_back() -> None:
    with pytest.raises(HostLostError, match="has not come back"):
        awaited('"old"', within=0.0)


def test_a_run_that_ends_waits_no_longer() -> None:
    with pytest.raises(HostLostError, match="the run was stopped while web1 was rebooting"):
        awaited('"old"', over=True)


NOT_READY = EvaluationFinished(status="failed", value='"new"', failure=Failure(message="it starts", output="almost"))


def test_a_host_that_is_not_ready_is_asked_again_until_it_is() -> None:
    awaited('"old"', NOT_READY, NOT_READY, '"new"', ready="true")


def test_a_host_that_does_not_become_ready_says_why() -> None:
    with pytest.raises(
        HostLostError, match=r"web1 has booted anew and is not ready 0 seconds after .*: it starts\nalmost"
    ):
        awaited(NOT_READY, within=0.0, ready="true")


def test_a_host_is_asked_whether_it_is_ready_within_what_is_left_of_its_time() -> None:
    asked = []

    def converse(order: Order, receive: Callable[[Event], None]) -> None:
        asked.append(order.options)
        receive(EvaluationFinished(value='"new"'))

    ending = EvaluationFinished(rebooting="old", rebooting_seconds=60.0, rebooting_ready="test -e /ready")
    await_return("web1", ending, ORDER, converse, lambda: False)
    [options] = asked
    assert options == {"ready": "test -e /ready", "rebooting": "old", "seconds": options["seconds"]}
    assert 0 < options["seconds"] <= 60


@pytest.mark.parametrize("nonsense", ["nonsense", "[" * 100_000, "1e999"])
def test_nonsense_for_a_boot_id_is_an_error(nonsense: str) -> None:
    with pytest.raises(OpsMopError, match="is not JSON"):
        awaited(nonsense)
