"""Slips in how a role is written: what would fail on every host, or do nothing, is refused before any is contacted."""

from __future__ import annotations

import pytest

from opsmop import PolicyError, Settings, run
from opsmop.events import Warned

from .conftest import Both, BothModes, loaded

SITE = """
class Site(Policy):
    def set_roles(self): return Roles(One())
"""
ONE = "class One(Role):\n    def inventory(self): return inventory\n"
REFUSED: dict[str, tuple[str, str, str]] = {
    "a main that yields": ("def main(self): yield Echo('x')", "main() of One holds a yield", "leave out `yield`"),
    "an async main": ("async def main(self): Echo('x')", "main() of One is async", "Write: def main(self):"),
    "a main without self": ("def main(): Echo('x')", "main() of One cannot be called", "Write: def main(self):"),
    "a main with more": ("def main(self, host): ...", "main() of One cannot be called", "Write: def main(self):"),
    "a main that is a value": ("main = 3", "main of One is 3, not a method", "Write: def main(self):"),
    "resources that are yielded": (
        "def set_resources(self): yield Echo('x')",
        "set_resources() of One holds",
        "Write `return`",
    ),
    "variables that are yielded": (
        "def set_variables(self): yield 1",
        "set_variables() of One holds",
        "Write `return`",
    ),
    "a value in a method's place": ("serial = 10", "serial of One is 10, not a method", "Write: def serial(self):"),
    "a property": ("sudo = property(lambda self: True)", "sudo of One is a property", "Write: def sudo(self):"),
    "a hook without its host": (
        "def before_connect(self): ...",
        "before_connect() of One cannot be called",
        "Write: def before_connect(self, host):",
    ),
    "an argument that nobody gives": (
        "def main(self, *, port): ...",
        "main() of One cannot be called",
        "def main(self)",
    ),
}


@pytest.mark.parametrize("slip", REFUSED)
@pytest.mark.parametrize("reach", ["local", "push"])
def test_a_method_that_cannot_work_is_refused_before_anything_runs(both: Both, slip: str, reach: str) -> None:
    written, message, remedy = REFUSED[slip]
    site = both.write(f"{ONE}    {written}\n{SITE}", {})
    for mode in ("check", "apply"):
        with pytest.raises(PolicyError) as caught:
            run(loaded(site).Site(), Settings(mode=mode, reach=reach), events=_nothing)
        assert message in caught.value.message
        assert remedy in caught.value.remedy
        assert caught.value.place in ("", f"{site}:7")


def _nothing(event: object) -> None:
    raise AssertionError(event)


def test_validate_finds_every_such_method_of_every_role(both: Both) -> None:
    site = both.write(
        f"""
        class One(Role):
            def inventory(self): return inventory
            def main(self, x): ...
            serial = 3
        class Two(Role):
            def inventory(self): return inventory
            async def should_process_when(self): return True
        {SITE.strip().replace("One()", "One(), Two()")}
        """.replace("\n    def set_roles", "\n            def set_roles"),
        {},
    )
    found = run(loaded(site).Site(), Settings(mode="validate", reach="push")).findings
    assert [error.message.partition(" of ")[0] for error in found] == ["main()", "serial", "should_process_when()"]


@pytest.mark.parametrize(
    "right",
    [
        "def main(self, *more, **named): ...",
        "def main(self, port=80): ...",
        "main = lambda self: None",
        "@staticmethod\n    def main(): ...",
        "@classmethod\n    def should_contact(cls, host): return True",
        "serial = None",
        "def before_connect(self, *given): ...",
        "def on_failure(self, host, failure): ...",
    ],
)
def test_what_can_be_called_is_left_alone(both: Both, right: str) -> None:
    site = both.write(f"{ONE}    {right}\n{SITE}", {})
    assert run(loaded(site).Site(), Settings(mode="check", reach="local")).ok


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("def set_resources(self): Resources(Echo('x'))", "set_resources() constructs resources and returns nothing"),
        ("def set_handlers(self): Handlers(a=Echo('x'))", "set_handlers() constructs resources and returns nothing"),
        ("def set_resources(self): return 'x'", "set_resources() of One was given str 'x', which is no resource"),
        ("def set_handlers(self): return [Echo('x')]", "set_handlers() of One returned list"),
    ],
)
def test_declarations_that_go_nowhere_fail_the_role_at_their_line(both: BothModes, method: str, said: str) -> None:
    seen = both(f"{ONE}    {method}\n{SITE}")
    assert said in seen.failure
    assert ".py:7: PolicyError" in seen.failure
    assert seen.echoed == []


@pytest.mark.parametrize("question", ["changed", "changed()", "failed", "rc", "data", "actions"])
def test_what_is_only_declared_is_not_asked_what_became_of_it(both: BothModes, question: str) -> None:
    seen = both(
        f"""
        class One(Role):
            def inventory(self): return inventory
            def set_resources(self):
                conf = File(f"{{OUT}}/a", from_content="x")
                if conf.{question}:
                    return Resources(conf, Echo("changed"))
                return Resources(conf)
        {SITE.strip()}
        """.replace("\n    def set_roles", "\n            def set_roles")
    )
    assert "/a is asked what became of it, and is only declared: it is evaluated later" in seen.failure
    assert ".py:10: PolicyError" in seen.failure
    assert list(seen.out.iterdir()) == []


def test_a_declared_resource_is_asked_by_those_evaluated_after_it(both: BothModes) -> None:
    seen = both(
        f"""
        class One(Role):
            def inventory(self): return inventory
            def set_resources(self):
                self.conf = File(f"{{OUT}}/a", from_content="x", register="made")
                return Resources(self.conf, Echo("{{{{ made.changed }}}}"))
            def main(self):
                Echo(f"{{self.conf.changed}}")
        {SITE.strip()}
        """.replace("\n    def set_roles", "\n            def set_roles")
    )
    assert seen.echoed == ["True", "True"]


def test_a_resource_that_main_returns_is_told_as_one(both: BothModes) -> None:
    seen = both(f"{ONE}    def main(self):\n        return Echo('x')\n{SITE}")
    assert "main() of One returned the resource Echo x" in seen.failure
    assert "leave out `return`" in seen.failure
    assert ".py:7: PolicyError" in seen.failure


def test_a_role_may_have_a_constructor_that_calls_no_other(both: BothModes) -> None:
    seen = both(
        """
        class One(Role):
            def __init__(self, word): self.word = word
            def inventory(self): return inventory
            def main(self): Echo(self.word)
        class Site(Policy):
            def __init__(self): self.words = ["a", "b"]
            def set_roles(self): return Roles([One(word) for word in self.words])
        """
    )
    assert seen.echoed == ["a", "b"]


def test_results_asked_for_on_a_host_say_where_they_are(both: BothModes) -> None:
    seen = both(f"{ONE}    def main(self): Echo(self.results['db1'])\n{SITE}")
    assert (
        "'One' object has no attribute 'results'; what earlier roles returned is there in set_variables()"
        in seen.failure
    )


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_every_run_warns_of_methods_whose_names_are_nearly_right(both: BothModes, mode: str) -> None:
    seen = both(
        """
        class One(Role):
            def inventory(self): return inventory
            def main(self): Echo("at work")
            def after_contct(self, host): ...

        class Site(Policy):
            def allow_fileserving_path(self): return ["/srv"]
            def set_roles(self): return Roles(One(), One())
        """,
        mode=mode,
    )
    warned = [(event.text, event.line) for event in seen.events if isinstance(event, Warned)]
    assert warned == [
        ("nothing calls allow_fileserving_path() of Site; did you mean allow_fileserving_paths()?", 12),
        ("nothing calls after_contct() of One; did you mean after_contact()?", 9),
    ]
    assert seen.echoed == ["at work", "at work"]
