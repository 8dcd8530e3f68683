"""Hosts' names, folded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opsmop.report.names import counted, folded


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["web1"], "web1"),
        (["db", "web"], "db,web"),
        (["web1", "web2", "web3"], "web[1-3]"),
        (["web9", "web10"], "web[9-10]"),
        (["web09", "web10"], "web[09-10]"),
        (["web1", "web01", "web02"], "web1,web[01-02]"),
        (["web3.example.com", "web1.example.com"], "web[1,3].example.com"),
        (["10.0.0.1", "10.0.0.2", "10.0.0.9"], "10.0.0.[1-2,9]"),
        (["r1-web1", "r1-web2", "r2-web1", "r2-web2"], "r1-web[1-2],r2-web[1-2]"),
        (["1.a", "2.a", "1.b"], "[1-2].a,1.b"),
        (["rack1.dc1", "rack1.dc2", "rack1.dc3"], "rack1.dc[1-3]"),
        (["web[1]", "web[2]", "a,1"], "web[1],web[2],a,1"),
        (["web1", "web1"], "web1"),
        ([f"i-{10**12 + number}" for number in range(2)], "i-1000000000000,i-1000000000001"),
    ],
)
def test_names_that_differ_in_one_number_are_one(names: list[str], text: str) -> None:
    assert folded(names) == text


def test_the_count_stands_beside_more_than_one() -> None:
    assert counted([f"web{number:02d}" for number in (1, 2, *range(5, 25))]) == "web[01-02,05-24] (22)"
    assert counted(["web1"]) == "web1"


@given(some.lists(some.from_regex(r"[a-z]{0,2}[0-9]{1,3}([a-z.-][0-9]{0,2}){0,2}", fullmatch=True), unique=True))
def test_a_fold_names_exactly_the_hosts_that_went_in(names: list[str]) -> None:
    assert sorted(unfolded(folded(names))) == sorted(names)


def unfolded(text: str) -> list[str]:
    names = []
    for part in re.findall(r"(?:\[[^]]*\]|[^,\[])+", text):
        before, bracket, rest = part.partition("[")
        if not bracket:
            names.append(part)
            continue
        inside, _, after = rest.partition("]")
        for span in inside.split(","):
            first, _, last = span.partition("-")
            width = len(first) if first.startswith("0") else 0
            numbers = range(int(first), int(last or first) + 1)
            names += [f"{before}{number:0{width}d}{after}" for number in numbers]
    return names
