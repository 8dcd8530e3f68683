"""What a run's events come to."""

from __future__ import annotations

import pytest

from opsmop.events import (
    ChangeReport,
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    RoleFinished,
    RoleStarted,
    RunFinished,
)
from opsmop.report.tally import ENDINGS, HostTally, Tally


def tallied(*events: Event) -> Tally:
    tally = Tally()
    for event in events:
        tally(event)
    return tally


def resource(status: str, **more: object) -> ResourceFinished:
    return ResourceFinished(host="web1", role="Web", type="File", name="/x", status=status, **more)


def contact(status: str = "ok", role: str = "Web", failure: Failure | None = None) -> tuple[Event, Event]:
    started = ContactStarted(host="web1", role=role)
    return started, ContactFinished(host="web1", role=role, status=status, failure=failure, duration=1.5)


@pytest.mark.parametrize(
    ("event", "column"),
    [
        (resource("ok"), "ok"),
        (resource("skipped"), "skipped"),
        (resource("changed"), "changed"),
        (resource("ran"), "ran"),
        (resource("changed", assumed=True), "assumed"),
        (resource("ran", assumed=True), "assumed"),
        (resource("changed", changes=(ChangeReport("a", assumed=True),)), "assumed"),
        (resource("changed", assumed=True, changes=(ChangeReport("a", assumed=True), ChangeReport("b"))), "changed"),
        (resource("ok", assumed=True), "ok"),
        (resource("no status at all"), "ok"),
        (ResourceFailed(host="web1"), "failed"),
        (ResourceFailed(host="web1", ignored=True), "ignored"),
    ],
)
def test_every_resource_is_counted_in_one_column(event: Event, column: str) -> None:
    assert tallied(event).hosts["web1"] == HostTally(**{column: 1})


def test_a_host_that_a_role_left_out_of_its_pool_is_known_by_the_role() -> None:
    tally = tallied(ContactFinished(host="web1", role="Web", status="failed", left_out=True))
    assert tally.hosts["web1"].left_out == ("Web",)
    assert tally.hosts["web1"].untouched == ()


def test_a_host_that_a_later_role_did_not_come_to_counts_as_not_contacted() -> None:
    tally = tallied(*contact("ok"), RoleFinished(role="Later", failed=("x",), untouched=("web1",)))
    assert tally.ended("not contacted") == ("web1",)
    assert tally.hosts["web1"].untouched == ("Later",)


@pytest.mark.parametrize(
    ("statuses", "ending"),
    [
        ((), "not contacted"),
        (("ok",), "ok"),
        (("skipped",), "skipped"),
        (("skipped", "ok"), "ok"),
        (("ok", "failed"), "failed"),
        (("ok", "unreachable"), "unreachable"),
        (("ok", "lost"), "unreachable"),
        (("cancelled",), "cancelled"),
    ],
)
def test_a_host_ends_as_the_worst_of_its_roles(statuses: tuple[str, ...], ending: str) -> None:
    events = [event for status in statuses for event in contact(status)]
    tally = tallied(RoleStarted(hosts=("web1",)), *events)
    assert tally.hosts["web1"].ending == ending
    assert tally.ended(ending) == ("web1",)


@pytest.mark.parametrize("event", [resource("changed"), resource("ran"), resource("changed", assumed=True)])
def test_a_host_on_which_anything_changed_or_ran_has_changed(event: Event) -> None:
    assert tallied(event, *contact(), *contact(role="Mail")).hosts["web1"].ending == "changed"


def test_a_failure_that_the_policy_caught_is_counted_and_the_host_is_fine() -> None:
    host = tallied(ContactStarted(host="web1"), ResourceFailed(host="web1"), contact()[1]).hosts["web1"]
    assert (host.failed, host.ignored, host.ending, host.reasons) == (0, 1, "ok", ())


def test_a_reason_names_the_resource_and_the_place_even_if_only_its_event_knows_them() -> None:
    told = Failure("ProviderError", "no")
    failed = ResourceFailed(host="web1", role="Web", file="site.py", line=7, type="File", name="/x", failure=told)
    start, end = contact("failed", failure=told)
    (reason,) = tallied(start, failed, end).hosts["web1"].reasons
    assert (reason.resource, reason.failure.place, reason.role) == ("File /x", "site.py:7", "Web")


def test_an_exception_after_a_caught_failure_is_the_reason() -> None:
    caught = ResourceFailed(host="web1", role="Web", type="File", name="/x", failure=Failure("ProviderError", "no"))
    later = Failure("ValueError", "other", "site.py:9")
    start, end = contact("failed")
    ended = EvaluationFinished(host="web1", role="Web", status="failed", failure=later)
    (reason,) = tallied(start, caught, ended, end).hosts["web1"].reasons
    assert (reason.resource, reason.failure) == ("", later)


def test_hosts_are_sorted_worst_first_and_otherwise_as_named() -> None:
    names = ("d", "c", "b", "a")
    ends = [
        ContactFinished(host=name, status=status) for name, status in zip("cab", ("failed", "ok", "ok"), strict=True)
    ]
    order = [name for name, _ in tallied(RoleStarted(hosts=names), *ends).sorted_hosts()]
    assert order == ["c", "d", "b", "a"]
    assert ENDINGS.index("failed") < ENDINGS.index("not contacted") < ENDINGS.index("ok")


def test_durations_add_up_and_the_run_says_why_it_stopped() -> None:
    end = RunFinished(exit_status=1, duration=9.0, stopped="Web failed", roles_left=("Mail",))
    tally = tallied(*contact(), *contact(), end)
    assert tally.hosts["web1"].duration == 3.0
    assert (tally.exit_status, tally.duration, tally.stopped, tally.roles_left) == (1, 9.0, "Web failed", ("Mail",))
