"""A handler's name that is written in a role's code and is no handler of it is refused before any host is contacted."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from opsmop import PolicyError

POLICY = """
def helper():
    File(f"{OUT}/helped", from_content="x", signals="HELPED")

class Base(Role):
    def inventory(self): return inventory
    def deeper(self): helper()

class One(Base):
    def set_handlers(self): return Handlers(restart_app=Echo("restarted"), reload_app=Echo("reloaded"))
    def set_resources(self): return Resources(Echo("declared", signals="DECLARED"))
    def main(self):
        Echo("first")
        if Platform.system() == "Plan 9":
            File(f"{OUT}/a", from_content="x", signals=["restart_app", "BRANCH"])
        self.deeper()

class Site(Policy):
    def set_roles(self): return Roles(One())
"""
NAMES = ("HELPED", "DECLARED", "BRANCH")


def text(wrong: str) -> str:
    made = POLICY
    for name in NAMES:
        made = made.replace(name, "restart_ap" if name == wrong else "restart_app")
    return made


def test_right_names_are_taken(both: Any) -> None:
    assert "restarted" in both(text("")).echoed


@pytest.mark.parametrize("wrong", NAMES)
@pytest.mark.parametrize("reach", ["local", "push"])
def test_a_wrong_one_is_refused_naming_its_line_and_the_nearest(both: Any, wrong: str, reach: str) -> None:
    site = both.write(text(wrong), {})
    line = next(number for number, row in enumerate(site.read_text().splitlines(), 1) if '"restart_ap"' in row)
    with pytest.raises(PolicyError) as caught:
        both.one(reach, site)
    assert "signals='restart_ap': role One has no handler of that name" in str(caught.value)
    assert caught.value.place == f"{site}:{line}"
    assert "Did you mean 'restart_app'" in caught.value.remedy
    assert not list(both.out.iterdir())


def test_a_role_without_handlers_has_none(both: Any) -> None:
    site = both.write(text("").replace("def set_handlers", "def other"), {})
    with pytest.raises(PolicyError, match="has no handler of that name"):
        both.one("push", site)


def test_computed_handlers_are_left_to_the_run(both: Any) -> None:
    computed = 'Handlers(**{"re" + "start_app": Echo("restarted")})'
    made = text("").replace('Handlers(restart_app=Echo("restarted"), reload_app=Echo("reloaded"))', computed)
    assert "restarted" in both(made).echoed


def test_what_is_only_taken_of_another_role_does_not_bring_the_signals_of_that(both: Any) -> None:
    seen = both("""
        class Web(Role):
            PORT = 80
            def inventory(self): return inventory
            def set_handlers(self): return Handlers(restart_web=Echo("restarted"))
            def main(self): File(f"{OUT}/web", from_content="x", signals="restart_web")

        class Monitor(Role):
            def inventory(self): return inventory
            def main(self): Echo(f"looks at {Web.PORT}")

        class Site(Policy):
            def set_roles(self): return Roles(Web(), Monitor())
        """)
    assert seen.echoed == ["restarted", "looks at 80"]


def test_what_is_called_of_another_role_is_held_against_the_handlers_of_the_one_that_runs(both: Any) -> None:
    site = both.write(
        """
        class Web(Role):
            def set_handlers(self): return Handlers(restart_web=Echo("restarted"))
            @staticmethod
            def write(): File(f"{OUT}/web", from_content="x", signals="restart_web")

        class Monitor(Role):
            def inventory(self): return inventory
            def main(self): Web.write()

        class Site(Policy):
            def set_roles(self): return Roles(Monitor())
        """,
        {},
    )
    with pytest.raises(PolicyError, match="role Monitor has no handler of that name"):
        both.one("push", site)


def test_handlers_that_a_role_inherits_from_a_package_are_its_own(both: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    package = """
    from opsmop.core.easy import *

    class Base(Role):
        def set_handlers(self): return Handlers(restart_app=Echo("restarted"))
    """
    monkeypatch.syspath_prepend(str(both.folder / "site-packages"))
    seen = both(
        """
        from company_roles import Base

        class One(Base):
            def inventory(self): return inventory
            def main(self): File(f"{OUT}/a", from_content="x", signals="restart_app")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """,
        {"site-packages/company_roles.py": textwrap.dedent(package)},
    )
    assert seen.echoed == ["restarted"]
