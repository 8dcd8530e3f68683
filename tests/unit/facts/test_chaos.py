"""Chance."""

from __future__ import annotations

from typing import Any

import pytest

from opsmop.facts.chaos import Chaos
from opsmop.resources.echo import Echo
from opsmop.resources.file import File


def falls() -> list[Any]:
    return [Chaos.random(), Chaos.choice("red", "blue"), Chaos.choice(["a", "b", "c"]), Chaos.choice("word")]


def test_chance_stays_within_its_bounds(evaluate: Any) -> None:
    numbers = evaluate(lambda: [Chaos.random() for _ in range(1000)]).value
    assert all(0 <= number < 1 for number in numbers)
    assert len(set(numbers)) > 900
    assert {evaluate(lambda: Chaos.choice([1, 2])).value for _ in range(50)} == {1, 2}
    assert evaluate(lambda: Chaos.choice("word")).value == "word"


def test_a_seed_makes_it_repeatable_in_check_and_apply(evaluate: Any) -> None:
    seen = evaluate(falls, seed="7 web1 Web").value
    assert evaluate(falls, seed="7 web1 Web").value == seen
    assert evaluate(falls, mode="check", seed="7 web1 Web").value == seen
    assert evaluate(falls, seed="7 web2 Web").value != seen
    assert evaluate(falls).value != seen


def test_the_die_falls_alike_on_every_python(evaluate: Any) -> None:
    assert evaluate(lambda: round(Chaos.random(), 12), seed="7").value == 0.712437633897


@pytest.mark.parametrize(("seed", "assumed"), [("", True), ("7", False)])
def test_in_check_what_follows_from_unseeded_chance_is_assumed(
    evaluate: Any, tmp_path: Any, seed: str, assumed: bool
) -> None:
    def asked() -> None:
        File(str(tmp_path / "before"), from_content="1")
        Echo("{{ Chaos.random() }}")
        if Chaos.random() < 2:
            File(str(tmp_path / "after"), from_content="1")

    before, said, after = evaluate(asked, mode="check", seed=seed).resources()
    assert [before.assumed, said.assumed, after.assumed] == [False, assumed, assumed]


def test_a_choice_of_nothing_is_an_error(evaluate: Any) -> None:
    assert "nothing to choose from" in evaluate(lambda: Chaos.choice([])).failure
