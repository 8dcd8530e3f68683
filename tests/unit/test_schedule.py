"""Who is contacted when."""

from __future__ import annotations

from typing import Any

import pytest

from opsmop.errors import PolicyError, UsageError
from opsmop.inventory import Inventory
from opsmop.language.role import Role
from opsmop.schedule import Limits, Wishes, schedule, tagged


class Rack(Inventory):
    def load(self) -> None:
        self.accumulate(
            {"groups": {"web": {"hosts": {f"web{n}": "" for n in range(1, 11)}}, "db": {"hosts": {"db1": ""}}}}
        )


UNLIMITED = Limits()


def batches(serial: Any, limits: Limits = UNLIMITED) -> list[list[str]]:
    (stint,) = schedule([(Role(), Rack().hosts(), Wishes(serial))], limits, 80)
    return [[host.name for host in batch] for batch in stint.batches]


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [
        (None, [11]),
        (4, [4, 4, 3]),
        ("25%", [2, 2, 2, 2, 2, 1]),
        ([1, "10%", "50%"], [1, 1, 5, 4]),
        ("1%", [1] * 11),
        (100, [11]),
    ],
)
def test_serial_cuts_the_hosts_into_batches(serial: Any, sizes: list[int]) -> None:
    assert [len(batch) for batch in batches(serial)] == sizes


@pytest.mark.parametrize("serial", [0, -1, True, "x", "0%", "101%", [], 2.5])
def test_an_impossible_serial_is_the_policys_error(serial: Any) -> None:
    with pytest.raises(PolicyError, match=r"Role\.serial\(\) returned"):
        batches(serial)


def stint(**wishes: Any) -> Any:
    return schedule([(Role(), Rack().hosts(), Wishes(**wishes))], UNLIMITED, 80)[0]


@pytest.mark.parametrize(("said", "allowed"), [(None, 0), (0, 0), (3, 3), ("10%", 1), ("5%", 0), ("100%", 11)])
def test_max_failures_is_a_number_or_a_share_of_the_roles_hosts(said: Any, allowed: int) -> None:
    assert stint(max_failures=said).allowed == allowed


@pytest.mark.parametrize("said", [-1, True, "x", "101%", 2.5, [1]])
def test_impossible_max_failures_are_the_policys_error(said: Any) -> None:
    with pytest.raises(PolicyError, match=r"Role\.max_failures\(\) returned"):
        stint(max_failures=said)


def test_on_unreachable_says_fail_or_skip() -> None:
    assert [stint(on_unreachable=said).skips_unreachable for said in (None, "fail", "skip")] == [False, False, True]
    with pytest.raises(PolicyError, match=r"Role\.on_unreachable\(\) returned 'ignore'"):
        stint(on_unreachable="ignore")


def test_the_window_is_eighty_hosts_or_the_batch() -> None:
    plain, serial = schedule([(Role(), Rack().hosts(), Wishes()), (Role(), Rack().hosts(), Wishes(3))], Limits(), 80)
    assert (plain.window, serial.window) == (80, 3)


def test_limits_unite_within_and_intersect_between() -> None:
    assert batches(None, Limits(hosts=("web1", "db*"))) == [["web1", "db1"]]
    assert batches(None, Limits(groups=("web",), hosts=("*1",))) == [["web1"]]


def test_a_limit_with_an_exclamation_mark_leaves_out() -> None:
    assert batches(None, Limits(hosts=("web?", "!web[1-7]"))) == [["web8", "web9"]]
    assert batches(None, Limits(hosts=("!web*",))) == [["db1"]]
    assert batches(None, Limits(groups=("!db",), hosts=("*1",))) == [["web1"]]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(hosts=("web1", "wev*")), "--limit-hosts 'wev*' matches nothing"),
        (Limits(hosts=("!wev*",)), "--limit-hosts '!wev*' matches nothing"),
        (Limits(groups=("rack",)), "--limit-groups 'rack' matches nothing"),
        (Limits(groups=("db",), hosts=("web1",)), "leave no host"),
    ],
)
def test_a_limit_that_matches_nothing_is_an_error(limits: Limits, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        batches(None, limits)
    assert message in caught.value.message


def test_a_limit_may_leave_one_role_without_hosts() -> None:
    rack = Rack()
    assigned = [(Role(), rack.filter(groups=group).hosts(), Wishes()) for group in ("web", "db")]
    assert [len(stint.hosts) for stint in schedule(assigned, Limits(hosts=("db1",)), 80)] == [0, 1]


def test_every_contact_has_a_host_of_its_own() -> None:
    hosts = Rack().hosts()
    first, second = schedule([(Role(), hosts, Wishes()), (Role(), hosts, Wishes())], Limits(), 80)
    first.hosts[0].values["token"] = "x"
    assert second.hosts[0].values == {}


def test_tags_select_and_skip() -> None:
    roles = [Role(name="a", tag="web"), Role(name="b", tags=["web", "slow"]), Role(name="c")]
    assert [role.name for role in tagged(roles, ("web",), ())] == ["a", "b"]
    assert [role.name for role in tagged(roles, (), ("slow",))] == ["a", "c"]
    with pytest.raises(UsageError, match="no role has the tag 'wep'") as caught:
        tagged(roles, ("wep",), ())
    assert "Did you mean 'web'?" in caught.value.remedy
    with pytest.raises(UsageError, match="leave no role"):
        tagged(roles, ("slow",), ("web",))
