"""Time limits within time limits."""

from __future__ import annotations

import time

import pytest

from opsmop.target.machine.real import RealMachine


@pytest.mark.parametrize("inner", [10.0, None], ids=["a longer one", "none"])
def test_an_inner_limit_does_not_lengthen_the_outer_one(inner: float | None) -> None:
    machine, now = RealMachine(), time.monotonic()
    with machine.limited(now + 0.3):
        with machine.limited(None if inner is None else now + inner):
            assert machine.ask(["sleep", "10"]).timed_out
        assert machine.ask(["sleep", "10"]).timed_out
    assert machine.ask(["true"]).rc == 0


def test_an_inner_limit_that_is_shorter_counts_while_it_lasts() -> None:
    machine = RealMachine()
    with machine.limited(time.monotonic() + 60):
        with machine.limited(time.monotonic() + 0.2):
            assert machine.ask(["sleep", "10"]).timed_out
        assert not machine.ask(["true"]).timed_out
