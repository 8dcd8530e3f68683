"""Waiting for a host that reboots: what counts as back, and what ends the wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from opsmop.drive.rebooting import await_return
from opsmop.errors import ConnectError, HostKeyError, HostLostError, OpsMopError
from opsmop.events import EvaluationFinished, Event
from opsmop.wire.order import BOOT, Order

ORDER = Order(run="1", host="web1", role="R", mode=BOOT)


def host_that(*answers: str | Exception) -> Callable[[Order, Callable[[Event], None]], object]:
    """A host that answers with these boot ids, or fails, one after the other."""
    left: Iterator[str | Exception] = iter(answers)

    def converse(order: Order, receive: Callable[[Event], None]) -> None:
        answer = next(left)
        assert order.mode == BOOT
        if isinstance(answer, Exception):
            raise answer
        receive(EvaluationFinished(value=answer))

    return converse


def awaited(*answers: str | Exception, within: float = 60.0, over: bool = False) -> None:
    ending = EvaluationFinished(rebooting="old", rebooting_seconds=within)
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


@pytest.mark.parametrize("nonsense", ["nonsense", "[" * 100_000, "1e999"])
def test_nonsense_for_a_boot_id_is_an_error(nonsense: str) -> None:
    with pytest.raises(OpsMopError, match="is not JSON"):
        awaited(nonsense)
