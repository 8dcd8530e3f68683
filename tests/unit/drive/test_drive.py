"""The laws of a run."""

from __future__ import annotations

import os
import signal
import threading
from collections import OrderedDict, defaultdict
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from opsmop.errors import ConnectError, HostKeyError, HostLostError, PolicyError, ProtocolError, SudoError
from opsmop.events import (
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    EvaluationStarted,
    Failure,
    ResourceFailed,
    ResourceFinished,
    ResourceStarted,
    RoleFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.language.role import Role
from opsmop.settings import Defaults
from opsmop.wire.order import Order


def role_on(inventory: Any, name: str = "Web", **methods: Any) -> Role:
    made = type(name, (Role,), {"inventory": lambda self: inventory, **methods})
    return made()


def failing(order: Any, receive: Any) -> None:
    receive(EvaluationStarted(seq=1))
    receive(ResourceStarted(seq=2, id=1, type="File", name="/x"))
    receive(ResourceFailed(seq=3, id=1, type="File", name="/x", failure=Failure(message="no")))
    receive(EvaluationFinished(seq=4, status="failed", failure=Failure(message="no")))


def test_a_run_is_one_well_formed_stream(driven: Any, fleet: Any) -> None:
    done = driven(role_on(fleet("a", "b")))
    assert [type(event) for event in done.events[:2]] == [RunStarted, RoleStarted]
    assert [type(event) for event in done.events[-2:]] == [RoleFinished, RunFinished]
    for host in ("a", "b"):
        assert [type(event) for event in done.events if event.host == host] == [
            ContactStarted,
            EvaluationStarted,
            ResourceStarted,
            ResourceFinished,
            EvaluationFinished,
            ContactFinished,
        ]
    assert {event.run for event in done.events} == {done.events[0].run}
    assert all(event.ts for event in done.of(RunStarted, ContactStarted, ContactFinished, RunFinished))
    assert (done.status, done.of(RunFinished)[0].exit_status) == (0, 0)


def test_all_hosts_end_a_role_before_any_begins_the_next(driven: Any, fleet: Any) -> None:
    both = threading.Barrier(3, timeout=30)

    def together(order: Any, receive: Any) -> None:
        both.wait()  # passes only if all three are at it at once
        receive(EvaluationStarted(seq=1))
        receive(EvaluationFinished(seq=2))

    hosts = fleet("a", "b", "c")
    scripts = dict.fromkeys(hosts.names, together)
    done = driven(role_on(hosts, "First"), role_on(hosts, "Second"), scripts=scripts)
    kinds = [(event.role, type(event)) for event in done.events]
    last_of_first = max(index for index, kind in enumerate(kinds) if kind == ("First", ContactFinished))
    first_of_second = min(index for index, kind in enumerate(kinds) if kind == ("Second", ContactStarted))
    assert last_of_first < first_of_second


def test_a_failure_stops_before_the_next_role_and_the_others_finish_theirs(driven: Any, fleet: Any) -> None:
    done = driven(role_on(fleet("a", "b"), "First"), role_on(fleet("a", "b"), "Second"), scripts={"a": failing})
    assert {(event.host, event.status) for event in done.of(ContactFinished)} == {("a", "failed"), ("b", "ok")}
    assert {order.role for order in done.transport.orders} == {"First"}
    end = done.of(RunFinished)[0]
    assert (end.roles_left, end.stopped, end.exit_status) == (("Second",), "First failed on 1 host", 1)
    assert done.of(RoleFinished)[0].failed == ("a",)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectError("refused"), "unreachable"),
        (SudoError("not in sudoers"), "unreachable"),
        (HostLostError("gone"), "unreachable"),
        (RuntimeError("a fault of ours"), "failed"),
        (ZeroDivisionError("x" * 10_000_000), "failed"),
    ],
)
def test_whatever_a_transport_raises_ends_in_one_contact_finished_and_never_in_0(
    driven: Any, fleet: Any, error: Exception, status: str
) -> None:
    def broken(order: Any, receive: Any) -> None:
        raise error

    done = driven(role_on(fleet("a", "b")), scripts={"a": broken})
    ends = {event.host: event for event in done.of(ContactFinished)}
    assert (ends["a"].status, ends["b"].status, done.status) == (status, "ok", 1)
    assert ends["a"].failure.error == type(error).__name__


def test_a_host_lost_in_the_middle_of_a_resource_gets_its_one_ending(driven: Any, fleet: Any) -> None:
    def lost(order: Any, receive: Any) -> None:
        receive(EvaluationStarted(seq=1))
        receive(ResourceStarted(seq=2, id=7, type="Shell", name="sleep", file="site.py", line=3))
        raise HostLostError("it went silent", host=order.host)

    done = driven(role_on(fleet("a")), scripts={"a": lost})
    (failed,) = done.of(ResourceFailed)
    assert (failed.id, failed.type, failed.name, failed.line, failed.host) == (7, "Shell", "sleep", 3, "a")
    assert failed.failure.message == "it went silent"
    assert done.of(ContactFinished)[0].status == "lost"


def test_a_host_that_never_says_how_it_ended_has_failed(driven: Any, fleet: Any) -> None:
    done = driven(role_on(fleet("a")), scripts={"a": lambda order, receive: receive(EvaluationStarted(seq=1))})
    assert (done.of(ContactFinished)[0].status, done.status) == ("lost", 1)


@pytest.mark.parametrize(
    "said",
    [
        [RunFinished(exit_status=0)],
        [ContactFinished(host="b")],
        [RoleStarted()],
        [EvaluationStarted(), EvaluationStarted()],
        [EvaluationStarted(), ResourceFinished(id=1)],
        [EvaluationStarted(), ResourceStarted(id=1), ResourceStarted(id=1)],
        [EvaluationStarted(), EvaluationFinished(), Warned(text="more")],
        [EvaluationStarted(), EvaluationFinished(status="splendid")],
        [EvaluationStarted(), EvaluationFinished(value="{")],
    ],
)
def test_a_host_that_breaks_the_protocol_has_failed(driven: Any, fleet: Any, said: list[Any]) -> None:
    def hostile(order: Any, receive: Any) -> None:
        for event in said:
            receive(event)

    done = driven(role_on(fleet("a", "b")), scripts={"a": hostile})
    ends = {event.host: event for event in done.of(ContactFinished)}
    assert ends["a"].status in ("lost", "unreachable", "failed")
    assert (ends["a"].failure.error, ends["b"].status, done.status) == (ProtocolError.__name__, "ok", 1)
    assert [len(done.of(kind)) for kind in (RunFinished, RoleStarted, ContactFinished)] == [1, 1, 2]


def test_a_host_cannot_speak_for_another(driven: Any, fleet: Any) -> None:
    def impostor(order: Any, receive: Any) -> None:
        receive(EvaluationStarted(run="other", seq=1, host="b", role="Other"))
        receive(EvaluationFinished(run="other", seq=2, host="b", role="Other"))

    done = driven(role_on(fleet("a")), scripts={"a": impostor})
    (said,) = done.of(EvaluationStarted)
    assert (said.host, said.role, said.run) == ("a", "Web", done.events[0].run)


@pytest.mark.parametrize("mode", ["apply", "check"])
def test_should_contact_skips_a_host_without_contacting_it(driven: Any, fleet: Any, mode: str) -> None:
    done = driven(role_on(fleet("a", "b"), should_contact=lambda self, host: host.name != "a"), mode=mode)
    assert {(event.host, event.status) for event in done.of(ContactFinished)} == {("a", "skipped"), ("b", "ok")}
    assert [order.host for order in done.transport.orders] == ["b"]
    assert done.status == 0


def test_a_methods_exception_names_the_policys_line_and_fails_its_host_alone(driven: Any, fleet: Any) -> None:
    def should_contact(self: Role, host: Any) -> bool:
        return host.name == "b" or 1 / 0

    done = driven(role_on(fleet("a", "b"), should_contact=should_contact))
    failure = next(event.failure for event in done.of(ContactFinished) if event.host == "a")
    assert failure.message == "Web.should_contact() raised ZeroDivisionError: division by zero"
    assert f"{Path(__file__).name}:" in failure.place
    assert "1 / 0" in failure.trace
    assert [order.host for order in done.transport.orders] == ["b"]


IN_A_FILE = Defaults({"push_serial": 3})
IN_THE_ENVIRONMENT = Defaults().overridden({"push_serial": ("OPSMOP_PUSH_SERIAL", 3)})


@pytest.mark.parametrize(("defaults", "most"), [(Defaults(), 80), (IN_A_FILE, 3), (IN_THE_ENVIRONMENT, 3)])
def test_eighty_hosts_at_a_time_unless_settings_say_otherwise_and_a_failure_keeps_none_from_ending(
    driven: Any, fleet: Any, defaults: Defaults, most: int
) -> None:
    hosts = fleet(*(f"h{number}" for number in range(100)))
    done = driven(role_on(hosts), scripts={"h0": failing}, defaults=defaults)
    assert done.transport.most_at_once <= most
    assert len(done.transport.orders) == len(done.of(ContactFinished)) == 100


@pytest.mark.parametrize(("defaults", "batch"), [(IN_A_FILE, 10), (IN_THE_ENVIRONMENT, 3)])
def test_the_environment_beats_the_roles_serial_and_a_file_does_not(
    driven: Any, fleet: Any, defaults: Defaults, batch: int
) -> None:
    hosts = fleet(*(f"h{number}" for number in range(100)))
    done = driven(role_on(hosts, serial=lambda self: 10), scripts={"h0": failing}, defaults=defaults)
    assert len(done.transport.orders) == batch


def unreachable(order: Any, receive: Any) -> None:
    raise ConnectError("no route", host=order.host)


def test_max_failures_lets_the_run_go_on_without_the_failed_hosts_and_says_so(driven: Any, fleet: Any) -> None:
    hosts = fleet("a", "b", "c", "d")
    loose = role_on(hosts, "Loose", serial=lambda self: 1, max_failures=lambda self: "25%")
    done = driven(loose, role_on(hosts, "Later"), scripts={("Loose", "b"): failing})
    assert [(order.role, order.host) for order in done.transport.orders][:4] == [("Loose", name) for name in "abcd"]
    assert {order.host for order in done.transport.orders if order.role == "Later"} == {"a", "c", "d"}
    said = [event.text for event in done.of(Warned)]
    assert said == [
        "Loose failed on 1 host of 4, and its max_failures() lets 1: the run goes on without b",
        "Later goes on without what failed before: b",
    ]
    assert done.status == 1


def test_one_failure_more_than_max_failures_stops_the_run(driven: Any, fleet: Any) -> None:
    hosts = fleet("a", "b", "c", "d")
    loose = role_on(hosts, "Loose", serial=lambda self: 1, max_failures=lambda self: 1)
    done = driven(loose, role_on(hosts, "Later"), scripts={"a": failing, "c": failing})
    assert [order.host for order in done.transport.orders] == ["a", "b", "c"]
    assert done.of(RoleFinished)[0].untouched == ("d",)
    assert done.outcome.stopped == "Loose failed on 2 hosts, and 1 may"


def pooled(calls: list[str], inventory: Any, **methods: Any) -> Role:
    return role_on(
        inventory,
        before_connect=lambda self, host: calls.append(f"out {host.name}"),
        after_contact=lambda self, host: calls.append(f"in {host.name}"),
        **methods,
    )


def skipping(order: Any, receive: Any) -> None:
    receive(EvaluationStarted(seq=1))
    receive(EvaluationFinished(seq=2, status="skipped"))


def test_a_host_whose_hook_before_ran_and_whose_hook_after_did_not_is_left_out(driven: Any, fleet: Any) -> None:
    calls: list[str] = []
    scripts = {"b": failing, "c": unreachable, "d": skipping}
    done = driven(pooled(calls, fleet(*"abcd")), scripts=scripts)
    assert sorted(calls) == ["in a", "in d", "out a", "out b", "out c", "out d"]
    assert {event.host for event in done.of(ContactFinished) if event.left_out} == {"b", "c"}
    assert done.of(RoleStarted)[0].hooks == ("before_connect", "after_contact")


@pytest.mark.parametrize("broken", ["before_connect", "after_contact"])
def test_a_hook_that_fails_in_the_middle_leaves_its_host_out(driven: Any, fleet: Any, broken: str) -> None:
    def hook(self: Role, host: Any) -> None:
        raise RuntimeError("the balancer is busy")

    role = role_on(
        fleet("a"),
        **{"before_connect": lambda self, host: None, "after_contact": lambda self, host: None, broken: hook},
    )
    done = driven(role)
    (ended,) = done.of(ContactFinished)
    assert (ended.status, ended.left_out) == ("failed", True)
    assert len(done.transport.orders) == (broken == "after_contact")


def test_hosts_are_left_out_by_a_signal_too_and_never_by_check(driven: Any, fleet: Any) -> None:
    calls: list[str] = []

    def interrupt(event: Any) -> None:
        if isinstance(event, ResourceStarted):
            os.kill(os.getpid(), signal.SIGINT)

    done = driven(pooled(calls, fleet("a")), scripts={"a": "until_cancelled"}, listen=interrupt)
    assert ([event.left_out for event in done.of(ContactFinished)], done.status) == ([True], 130)
    calls.clear()
    done = driven(pooled(calls, fleet("a")), scripts={"a": failing}, mode="check")
    assert (calls, [event.left_out for event in done.of(ContactFinished)]) == ([], [False])


def test_a_hook_that_waits_keeps_no_other_host_from_its_work(driven: Any, fleet: Any) -> None:
    others = threading.Barrier(3)

    def before(self: Role, host: Any) -> None:
        others.wait(30)  # all three are in their hooks at once

    waits = threading.Event()

    def after(self: Role, host: Any) -> None:
        if host.name == "a":
            assert waits.wait(30)  # until another host is done
        else:
            waits.set()

    done = driven(role_on(fleet("a", "b", "c"), before_connect=before, after_connect=after))
    assert done.status == 0


def test_a_role_whose_hosts_all_failed_before_is_passed_over(driven: Any, fleet: Any) -> None:
    hosts = fleet("a")
    loose = role_on(hosts, "Loose", max_failures=lambda self: 1)
    done = driven(loose, role_on(hosts, "Later"), scripts={"a": failing})
    assert [order.role for order in done.transport.orders] == ["Loose"]
    assert (done.outcome.stopped, done.status) == ("", 1)


def test_an_unreachable_host_fails_unless_the_role_skips_it(driven: Any, fleet: Any) -> None:
    hosts = fleet("a", "b")
    strict = driven(role_on(hosts, serial=lambda self: 1), scripts={"a": unreachable})
    assert (strict.status, len(strict.transport.orders)) == (1, 1)
    skipping = role_on(hosts, serial=lambda self: 1, on_unreachable=lambda self: "skip")
    done = driven(skipping, scripts={"a": unreachable})
    assert (done.status, len(done.transport.orders)) == (0, 2)
    assert [event.status for event in done.of(ContactFinished)] == ["unreachable", "ok"]
    assert driven(skipping, scripts={"a": failing}).status == 1


@pytest.mark.parametrize("kind", [HostKeyError, ProtocolError])
def test_what_may_be_somebody_else_in_a_hosts_place_is_never_skipped(driven: Any, fleet: Any, kind: Any) -> None:
    def strange(order: Any, receive: Any) -> None:
        raise kind("not what it was", host=order.host)

    skipping = role_on(fleet("a", "b"), serial=lambda self: 1, on_unreachable=lambda self: "skip")
    done = driven(skipping, scripts={"a": strange})
    assert (done.status, len(done.transport.orders)) == (1, 1)


def test_the_command_lines_steps_win_over_the_roles(driven: Any, fleet: Any) -> None:
    role = role_on(fleet("a", "b", "c", "d"), serial=lambda self: 4)
    done = driven(role, scripts={"a": failing}, serial=(1, "50%"))
    assert [order.host for order in done.transport.orders] == ["a"]


def test_a_failing_batch_leaves_the_remaining_hosts_untouched(driven: Any, fleet: Any) -> None:
    hosts = fleet(*"abcdef")
    done = driven(role_on(hosts, serial=lambda self: 2), scripts={"c": failing})
    assert sorted(order.host for order in done.transport.orders) == ["a", "b", "c", "d"]
    assert done.transport.most_at_once <= 2
    assert done.of(RoleStarted)[0].hosts == tuple("abcdef")


def test_results_reach_later_roles_and_never_travel(driven: Any, fleet: Any, say_well: Any) -> None:
    hosts = fleet("a")
    second = role_on(hosts, "Second", set_variables=lambda self: {"port": self.results[hosts.hosts()[0]]["port"]})
    done = driven(
        role_on(hosts, "First"),
        second,
        scripts={("First", "a"): lambda order, receive: say_well(order, receive, value='{"port": 80}')},
    )
    assert b"'Second.set_variables()', {'port': 80}" in done.transport.orders[1].parcel
    assert not hasattr(second, "results")


def test_set_variables_runs_once_when_its_role_starts(driven: Any, fleet: Any) -> None:
    calls: list[str] = []

    def noted(self: Role) -> dict[str, Any]:
        calls.append(self.name)
        return {"a": 1}

    hosts = fleet("a", "b")
    driven(role_on(hosts, "First", set_variables=noted), role_on(hosts, "Second", set_variables=noted))
    assert calls == ["First", "Second"]
    calls.clear()
    failed = driven(
        role_on(hosts, "First", set_variables=noted),
        role_on(hosts, "Second", set_variables=noted),
        scripts={"a": failing},
    )
    assert (calls, failed.status) == (["First"], 1)


@pytest.mark.parametrize(("position", "status"), [(0, 2), (1, 1)])
def test_a_wrong_role_is_2_before_any_contact_and_1_after(driven: Any, fleet: Any, position: int, status: int) -> None:
    roles = [role_on(fleet("a"), "Good"), role_on(fleet("a"), "Good")]
    roles[position] = role_on(fleet("a"), "Bad", set_variables=lambda self: None)
    done = driven(*roles)
    assert done.status == status
    (finished,) = done.of(RunFinished)
    assert finished.stopped == "an error on the control machine"
    assert finished.failure.message == "Bad.set_variables() returned NoneType, not a dict"


def test_the_order_carries_layers_extra_variables_and_hook_values(driven: Any, fleet: Any) -> None:
    def before_contact(self: Role, host: Any) -> None:
        host.values["token"] = "t"

    role = role_on(fleet("a", x=1, opsmop_ssh_key_file="/key"), before_contact=before_contact)
    done = driven(role, extra={"e": 5}, diff=True)
    (order,) = done.transport.orders
    assert order.inventory == (("inventory group fleet", {"x": 1}), ("values that hooks attached", {"token": "t"}))
    assert (order.extra, order.mode, order.options["diff"]) == ({"e": 5}, "apply", True)
    assert done.transport.routes[0].key_file == "/key"


def test_a_variable_that_no_host_could_read_is_refused_naming_it(driven: Any, fleet: Any) -> None:
    done = driven(role_on(fleet("a", strange={"deep": object()})))
    failure = done.of(ContactFinished)[0].failure
    assert "inventory group fleet: strange: deep is a object" in failure.message
    assert (done.transport.orders, done.status) == ([], 1)


class Row(NamedTuple):
    """What a library of the control machine may answer with."""

    name: str


class Settings(dict[str, str]):
    """Such another."""


@pytest.mark.parametrize("value", [Row("a"), Settings(a="b"), [Row("a")], {Row("a"): 1}, defaultdict(lambda: 1)])
def test_values_of_somebodys_own_kinds_of_tuple_and_dict_are_refused_before_anything_is_sent(
    driven: Any, fleet: Any, value: Any
) -> None:
    def attach(self: Role, host: Any) -> None:
        host.values["rows"] = value

    done = driven(role_on(fleet("a"), before_connect=attach))
    failure = done.of(ContactFinished)[0].failure
    assert (failure.error, done.transport.orders) == ("PolicyError", [])
    assert "rows is a" in failure.message or "a name in values that hooks attached: rows is a Row" in failure.message
    called: list[str] = []
    done = driven(role_on(fleet("a", rows=value), before_connect=lambda self, host: called.append(host.name)))
    assert "inventory group fleet: rows is a" in done.of(ContactFinished)[0].failure.message.replace("a name in ", "")
    assert called == []


def test_plain_values_travel_in_ordered_dicts_too(driven: Any, fleet: Any) -> None:
    rows = OrderedDict(path=Path("/a"), when=date(2026, 1, 1), flags={True, None}, deep=[({1: b"x"},)])
    done = driven(role_on(fleet("a", rows=rows)))
    assert Order.from_bytes(done.transport.orders[0].to_bytes()).inventory[0][1] == {"rows": rows}


@pytest.mark.parametrize(
    ("mode", "called"), [("apply", ["before a", "after a", "before b", "failed b"]), ("check", [])]
)
def test_hooks_run_around_each_contact_and_only_in_apply(driven: Any, fleet: Any, mode: str, called: list[str]) -> None:
    calls: list[str] = []
    role = role_on(
        fleet("a", "b"),
        serial=lambda self: 1,
        before_connect=lambda self, host: calls.append(f"before {host.name}"),
        after_connect=lambda self, host: calls.append(f"after {host.name}"),
        on_failure=lambda self, host, failure: calls.append(f"failed {host.name}"),
    )
    driven(role, scripts={"b": failing}, mode=mode)
    assert calls == called


def test_a_before_hooks_exception_fails_its_host_before_it_is_touched(driven: Any, fleet: Any) -> None:
    def before_contact(self: Role, host: Any) -> None:
        if host.name == "a":
            raise OSError("the balancer is down")

    done = driven(role_on(fleet("a", "b"), before_contact=before_contact))
    assert [order.host for order in done.transport.orders] == ["b"]
    assert done.status == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_cancels_starts_nothing_more_and_still_sums_up(
    driven: Any, fleet: Any, number: int, status: int
) -> None:
    def listen(event: Any) -> None:
        if isinstance(event, ResourceStarted) and event.host == "a":
            os.kill(os.getpid(), number)

    hosts = fleet("a", "b", "c")
    role = role_on(hosts, "First", serial=lambda self: 1)
    done = driven(role, role_on(hosts, "Second"), scripts={"a": "until_cancelled"}, listen=listen)
    assert [order.host for order in done.transport.orders] == ["a"]
    assert [event.status for event in done.of(ContactFinished)] == ["cancelled"]
    assert len(done.of(ResourceFailed)) == 1
    end = done.of(RunFinished)[0]
    assert (end.exit_status, end.stopped, end.roles_left) == (status, "interrupted", ("Second",))


def test_a_signal_while_the_policy_is_asked_ends_the_run(driven: Any, fleet: Any) -> None:
    def slow(self: Role) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGINT)
        return {}

    done = driven(role_on(fleet("a"), set_variables=slow))
    assert (done.status, done.transport.orders) == (130, [])


def test_hosts_that_wait_for_their_turn_are_not_contacted_after_a_signal(driven: Any, fleet: Any) -> None:
    def listen(event: Any) -> None:
        if isinstance(event, ResourceStarted):
            os.kill(os.getpid(), signal.SIGINT) if not sent else None
            sent.append(1)

    sent: list[int] = []
    names = [f"h{number}" for number in range(200)]
    done = driven(role_on(fleet(*names)), scripts=dict.fromkeys(names, "until_cancelled"), listen=listen)
    assert len(done.transport.orders) <= 80
    assert len(done.of(ContactStarted)) == len(done.of(ContactFinished)) == len(done.transport.orders)
    assert done.status == 130


def test_a_broken_report_ends_the_run_and_not_in_silence(driven: Any, fleet: Any) -> None:
    def listen(event: Any) -> None:
        if isinstance(event, ContactFinished):
            raise RuntimeError("the report is broken")  # noqa: TRY004 - no type is wrong here

    with pytest.raises(RuntimeError, match="the report is broken"):
        driven(role_on(fleet(*"abc")), scripts={"b": "until_cancelled"}, listen=listen)


@pytest.mark.parametrize(("mode", "asked", "status"), [("check", True, 3), ("check", False, 0), ("apply", True, 0)])
def test_pending_changes_are_3_if_that_was_asked_for(
    driven: Any, fleet: Any, mode: str, asked: bool, status: int
) -> None:
    assert driven(role_on(fleet("a")), mode=mode, detailed_exitcode=asked).status == status


def test_a_role_without_inventory_is_refused_before_anything_runs(driven: Any, fleet: Any) -> None:
    with pytest.raises(PolicyError, match="role Second does not say which hosts it is for"):
        driven(role_on(fleet("a"), "First"), role_on(None, "Second"))


def test_the_role_for_one_host_runs_on_the_one_that_it_names(driven: Any, fleet: Any) -> None:
    hosts = fleet("a", "b", "c", "d")
    said = {"a": "d", "b": None, "c": "localhost", "d": hosts.hosts()[0]}
    hooked: list[str] = []
    role = role_on(
        hosts,
        get_delegate_host=lambda self, host: said[host.name],
        before_connect=lambda self, host: hooked.append(host.name),
    )
    done = driven(role)
    went = {order.host: route for order, route in zip(done.transport.orders, done.transport.routes, strict=True)}
    assert {host: route.host for host, route in went.items()} == {"a": "d", "b": "b", "c": "localhost", "d": "a"}
    assert (went["c"].local, went["a"].local) == (True, False)
    assert {event.host: event.delegate for event in done.of(ContactStarted)} == {
        "a": "d",
        "b": "",
        "c": "localhost",
        "d": "a",
    }
    assert sorted(hooked) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("said", ["e", 7])
def test_a_delegate_that_is_no_host_is_refused_before_any_contact(driven: Any, fleet: Any, said: Any) -> None:
    with pytest.raises(PolicyError, match=f"Web.get_delegate_host.. returned {said!r} for a, which is no host"):
        driven(role_on(fleet("a"), get_delegate_host=lambda self, host: said))


def test_limits_that_leave_a_role_no_host_say_so(driven: Any, fleet: Any) -> None:
    done = driven(role_on(fleet("a"), "First"), role_on(fleet("b"), "Second"), limit_hosts=("b",))
    assert [order.role for order in done.transport.orders] == ["Second"]
    assert done.of(Warned)[0].text == "the limits leave no host for role First"


@pytest.mark.parametrize("others", [(), ("a",)])
@pytest.mark.parametrize("method", ["set_variables", "should_contact", "before_connect"])
def test_a_run_has_begun_to_be_told_before_code_of_the_policy_speaks(
    driven: Any, fleet: Any, method: str, others: tuple[str, ...]
) -> None:
    def speak(*_: Any) -> Any:
        told.append([type(event) for event in heard])
        return {} if method == "set_variables" else True

    told: list[list[type]] = []
    heard: list[Any] = []
    without_hosts = [role_on(fleet(name), f"For{name}") for name in others]
    driven(*without_hosts, role_on(fleet("b"), **{method: speak}), limit_hosts=("b",), listen=heard.append)
    assert all(RunStarted in types for types in told)
    assert told
