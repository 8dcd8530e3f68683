"""What a run cost."""

from __future__ import annotations

import pytest

from opsmop.events import ContactFinished, Event, ResourceFailed, ResourceFinished
from opsmop.report.costs import Costs, Slowness, bytes_text


def counted(*events: Event) -> Costs:
    costs = Costs()
    for event in events:
        costs(event)
    return costs


def test_bytes_and_round_trips_add_up_and_a_host_that_was_not_met_is_none() -> None:
    costs = counted(
        ContactFinished(host="a", sent=100, received=10, requests=2),
        ContactFinished(host="b", sent=50, received=5),
        ContactFinished(host="c", status="unreachable"),
    )
    assert (costs.sent, costs.received, costs.trips) == (150, 15, 4)


def test_the_slowest_come_first_and_one_resource_of_many_hosts_is_one() -> None:
    about = {"type": "Shell", "name": "x", "file": "site.py", "line": 3}
    costs = counted(
        ResourceFinished(host="a", duration=1.0, **about),
        ResourceFailed(host="b", duration=3.0, **about),
        ResourceFinished(host="a", type="File", name="/y", duration=5.0),
        ResourceFinished(host="a", type="File", name="/z", duration=0.5),
        ResourceFinished(host="a", type="Echo", name="what is slow here is not what it says", duration=9.0),
    )
    assert costs.slowest(9, 1.0) == [
        Slowness("File /y", "", "a", 5.0, 5.0, 1),
        Slowness("Shell x", "site.py:3", "b", 3.0, 4.0, 2),
    ]
    assert len(costs.slowest(1, 0.0)) == 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_940, "9.9 kB"),
        (12_345, "12 kB"),
        (999_600, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
    ],
)
def test_bytes_read_as_people_say_them(count: int, text: str) -> None:
    assert bytes_text(count) == text
