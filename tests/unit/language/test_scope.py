"""Variables: which of those that have a name wins, and what is said of one that nothing defines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsmop import Echo, Role, Shell, T
from opsmop.errors import TemplateError
from opsmop.language.scope import Layer, Variables

Evaluate = Callable[..., Any]

INVENTORY = (("group all", {"a": "all", "b": "all", "c": "all", "d": "all", "e": "all", "f": "all"}),)
HOST = (("host web1", {"b": "host", "c": "host", "d": "host", "e": "host", "f": "host"}),)
LAYERS = [
    ("policy", {"c": "policy", "d": "policy", "e": "policy", "f": "policy"}),
    ("role", {"d": "role", "e": "role", "f": "role"}),
]


def test_the_last_named_layer_wins_and_extra_variables_over_all(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        e = f = "local"
        Echo("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }} {{ f }}")
        Echo(f"{e} {f}")

    done = evaluate(main, layers=LAYERS, inventory=INVENTORY + HOST, extra={"f": "extra"})
    assert done.echoed == ["all host policy role local extra", "local local"]


def test_vars_gives_what_a_template_gives(evaluate: Evaluate) -> None:
    def main(self: Role) -> None:
        e = "local"
        Echo(f"{self.vars.a} {self.vars['d']} {self.vars.e} {self.vars.f} {e}")
        Echo("{{ a }} {{ d }} {{ e }} {{ f }} {{ e }}")

    done = evaluate(main, layers=LAYERS, inventory=INVENTORY, extra={"f": "extra"})
    assert done.echoed == ["all role local extra local"] * 2


def test_locals_of_helpers_are_seen_the_innermost_last(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        outer, shadowed = "outer", "of main"

        def helping(helper: str, shadowed: str = "of the helper") -> None:
            inner = f"{helper}!"
            Echo("{{ outer }} {{ helper }} {{ inner }} {{ shadowed }}")
            Echo(f"{inner} {shadowed}")

        helping("help")
        Echo("{{ shadowed }}")
        Echo(outer + shadowed)

    assert evaluate(main).echoed == [
        "outer help help! of the helper",
        "help! of the helper",
        "of main",
        "outerof main",
    ]


def test_locals_are_taken_as_they_are_when_the_resource_is_constructed(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        for number in range(3):
            Echo("{{ number }}{{ later is defined }}")
            Echo(str(number))
        later = number
        Echo("{{ later }}")
        Echo(str(later))

    assert evaluate(main).echoed == ["0False", "0", "1False", "1", "2False", "2", "2", "2"]


def test_locals_of_the_code_around_the_role_are_not_seen(evaluate: Evaluate) -> None:
    around = "around"
    failure = evaluate(lambda _: Echo("{{ around }}") and None).failure
    assert failure.error == "TemplateError"
    assert around


def test_an_undefined_name_says_where_it_was_searched_and_what_is_close(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        portal = 1
        Echo("{{ prot }}")
        del portal

    failure = evaluate(main, layers=[("policy Site", {"port": 80})], inventory=INVENTORY).failure
    assert failure.error == "TemplateError"
    assert failure.message.startswith("'prot' is not defined; searched: group all, policy Site")
    assert "locals of main()" in failure.message
    assert "--extra-vars" in failure.message
    assert "'port'" in failure.remedy
    assert failure.place.startswith(__file__)


def test_an_undefined_name_is_the_same_error_in_python(evaluate: Evaluate) -> None:
    def main(self: Role) -> None:
        Echo(self.vars.prot)

    failure = evaluate(main, layers=[("policy Site", {"port": 80})]).failure
    assert failure.error == "TemplateError"
    assert "'port'" in failure.remedy


def test_variables_are_a_mapping_that_knows_where_each_came_from() -> None:
    variables = Variables([Layer("one", {"a": 1, "b": 1}), Layer("two", {"b": 2})])
    assert dict(variables) == {"a": 1, "b": 2}
    assert "a" in variables
    assert variables.get("c", 3) == 3
    assert (variables.origin("a"), variables.origin("b"), variables.origin("c")) == ("one", "two", "")
    with pytest.raises(TemplateError, match="'c' is not defined; searched: one, two"):
        variables["c"]
    with pytest.raises(TemplateError):
        _ = variables.c
    assert not hasattr(variables, "__nonsense__")


def test_a_registered_result_is_in_scope_by_its_name(evaluate: Evaluate) -> None:
    def main(self: Role) -> None:
        Shell("echo found; exit 2", register="answer", ignore_errors=True)
        Echo("{{ answer.stdout }} {{ answer.rc }} {{ answer.failed }} {{ answer.changed }} {{ answer.changed() }}")
        Echo(self.vars.answer.data)
        Echo("{{ 'bad' if answer.failed else 'good' }}")

    assert evaluate(main).echoed == ["found 2 True False False", "found", "bad"]


def test_a_local_wins_over_a_registered_result(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell("true", register="answer")
        answer = "local"
        Echo("{{ answer }}")
        Echo(answer)

    assert evaluate(main).echoed == ["local", "local"]


def test_what_looks_like_a_template_is_none_unless_it_is_said(evaluate: Evaluate) -> None:
    assert evaluate(lambda _: Shell("echo '{{ a }}'") and None).last.output == "{{ a }}\n"
    late = evaluate(lambda _: Shell(T("echo '{{ a }}'")) and None, layers=[("policy", {"a": "x"})])
    assert (late.last.name, late.last.output) == ("echo 'x'", "x\n")


def test_a_variable_is_not_set_through_vars_and_the_error_says_how_it_is(evaluate: Evaluate) -> None:
    def main(self: Role) -> None:
        self.vars.port = 3  # type: ignore[misc]

    failure = evaluate(main).failure
    assert failure.message == "self.vars.port = ... sets nothing: self.vars is only read"
    assert "Write port = ...: a local variable of main()" in failure.remedy


def test_an_attribute_of_the_role_that_is_a_variable_is_told_as_one(evaluate: Evaluate) -> None:
    def main(self: Role) -> None:
        Echo(self.a)  # type: ignore[attr-defined]

    assert evaluate(main, layers=LAYERS, inventory=INVENTORY).failure.message == (
        "'Given' object has no attribute 'a'; the variable is self.vars.a"
    )
