"""Facts of a policy's own, and what all facts share."""

from __future__ import annotations

from typing import Any

import pytest

from opsmop.errors import PolicyError
from opsmop.facts.chaos import Chaos
from opsmop.facts.fact import Fact
from opsmop.facts.filetests import FileTests
from opsmop.facts.platform import Platform
from opsmop.facts.user_facts import UserFacts
from opsmop.language.additions import Additions
from opsmop.language.lookups import T
from opsmop.language.role import Role
from opsmop.language.secrets import Secret
from opsmop.resources.debug_facts import DebugFacts
from opsmop.resources.echo import Echo
from opsmop.resources.file import File
from opsmop.resources.shell import Shell
from opsmop.target.run_role import run_role
from opsmop.wire.order import Order


class Queue(Fact):
    """Counts how often it was really asked."""

    asked = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def length(self) -> str:
        return str(self._once("length", self._counted))

    def _counted(self) -> str:
        type(self).asked += 1
        return f"{self.name} {self._machine.ask(['echo', '3']).stdout.strip()}"

    def of(self, user: str) -> str:
        return user

    def broken(self) -> str:
        raise RuntimeError("no such queue")


class Slow(Fact):
    def answer(self) -> str:
        return str(self._once("answer", lambda: self._machine.ask(["sleep", "60"]).rc))


def test_a_fact_that_hangs_is_given_up_in_time() -> None:
    slow = Slow()
    order = Order(run="1", host="here", role="One", mode="apply", options={"facts_timeout": 1})
    events: list[Any] = []
    role = type("One", (Role,), {"main": lambda self: slow.answer()})()
    run_role(order, events.append, None, live=lambda: (role, (), Additions()))
    assert events[-1].value == '"-15"', "its command was ended"


def test_what_comes_of_an_answer_that_was_cut_short_is_told_as_the_limits() -> None:
    cut = type(
        "Cut",
        (Fact,),
        {"last": lambda self: self._once("last", lambda: self._machine.ask(["sleep", "60"]).stdout.split()[-1])},
    )()
    order = Order(run="1", host="here", role="One", mode="apply", options={"facts_timeout": 1})
    events: list[Any] = []
    role = type("One", (Role,), {"main": lambda self: cut.last()})()
    run_role(order, events.append, None, live=lambda: (role, (), Additions()))
    failure = events[-1].failure
    assert failure.message == "Cut could not be found out in 1 seconds"
    assert "[facts] timeout" in failure.remedy


def test_a_fact_is_found_out_once_per_evaluation_and_object(evaluate: Any) -> None:
    first, second = Queue("first"), Queue("second")
    Queue.asked = 0
    assert evaluate(lambda: [first.length(), first.length(), second.length()]).value == [
        "first 3",
        "first 3",
        "second 3",
    ]
    assert Queue.asked == 2
    assert evaluate(first.length).value == "first 3"
    assert Queue.asked == 3
    assert evaluate(lambda: [Queue(str(number)).length() for number in range(50)]).value[49] == "49 3"


def test_in_check_what_was_doubtful_when_found_out_is_doubtful_each_time(evaluate: Any, tmp_path: Any) -> None:
    queue = Queue("first")

    def asked() -> None:
        Shell("true", creates=str(tmp_path / "no"))
        for name in ("a", "b"):
            File(str(tmp_path / name), from_content="{{ Queue.length() }}")
            Echo("{{ Queue.length() }}")

    said = evaluate(asked, "check", Additions({"Queue": queue})).resources()
    assert [event.assumed for event in said if event.type == "Echo"] == [True, True]
    assert [event.output for event in said if event.type == "Echo"] == ["first 3", "first 3"]


def test_what_the_machine_runs_in_is_not_doubtful_after_a_planned_file(evaluate: Any, tmp_path: Any) -> None:
    def asked() -> None:
        File(str(tmp_path / "a"), from_content="1")
        Echo("{{ Platform.virtualization() }} {{ Platform.fqdn() }}")

    assert [event.assumed for event in evaluate(asked, "check").resources()] == [False, False]


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("Platform", Platform.system),
        ("FileTests", lambda: FileTests.exists("/")),
        ("UserFacts", lambda: UserFacts.app),
        ("Chaos", Chaos.random),
        ("Queue", lambda: Queue("first").length()),
    ],
)
def test_a_fact_asked_outside_of_an_evaluation_says_where_to_ask_it(name: str, ask: Any) -> None:
    with pytest.raises(PolicyError, match=f"{name} is asked where no role is being evaluated") as refused:
        ask()
    assert refused.value.remedy == f"Facts are those of the target: ask {name} in main(), or in what main() calls."


def test_debug_facts_shows_all_of_them_and_fails_for_none(evaluate: Any, write: Any) -> None:
    write("good.json", '{"port": 80}')
    bad = write("bad.json", "{")
    additions = Additions({"Queue": Queue("first"), "answer": 42})
    done = evaluate(lambda: DebugFacts().data, additions=additions)
    lines = dict(line.split(": ", 1) for line in done.value.splitlines())
    assert lines["Platform.system"] == "Linux"
    assert lines["Platform.service_manager"] is not None
    assert lines["UserFacts.good"] == "{'port': 80}"
    assert lines["UserFacts.bad"].startswith(f"cannot be found out: {bad}:1: this user fact is not JSON")
    assert lines["Queue.length"] == "first 3"
    assert lines["Queue.broken"] == "cannot be found out: no such queue"
    assert lines["answer"] == "42"
    assert "Queue.of" not in lines
    assert "Platform.env" not in lines
    assert done.resources()[0].status == "ok"
    assert done.resources()[0].output == done.value


def test_globals_are_weaker_than_variables_and_filters_are_there(evaluate: Any) -> None:
    additions = Additions({}, {"double": lambda number: number * 2, "name": "global"}, {"shout": str.upper})

    def asked() -> list[str]:
        first = Echo("{{ double(4) }} {{ name | shout }}").data
        name = "local"
        return [first, Echo("{{ name }}").data, name]

    assert evaluate(asked, additions=additions).value == ["8 GLOBAL", "local", "local"]


def test_a_secret_among_the_globals_is_written_to_files_and_shown_nowhere(evaluate: Any, tmp_path: Any) -> None:
    path = tmp_path / "key"

    def asked() -> None:
        File(str(path), from_content=T("{{ key }}"))
        Echo("the key is {{ key }}")

    done = evaluate(asked, additions=Additions({}, {"key": Secret("hunter2")}))
    assert path.read_text() == "hunter2"
    assert [event.output for event in done.resources()] == ["", "the key is ********"]
