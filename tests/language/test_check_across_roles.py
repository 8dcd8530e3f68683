"""In check, a role sees what the roles before it would have done on the host."""

from __future__ import annotations

from typing import Any

import pytest

SITE = """
class First(Role):
    def inventory(self): return inventory
    def main(self):
{first}

class Second(Role):
    def inventory(self): return inventory
    def main(self):
{second}

class Site(Policy):
    def set_roles(self): return Roles(First(), Second())
"""


def site(first: str, second: str) -> str:
    return SITE.format(first=f"        {first}", second=f"        {second}")


def grades(seen: Any) -> list[tuple[str, bool]]:
    return [(one.status, one.assumed) for one in seen.result.resources]


def test_what_lies_in_a_directory_that_an_earlier_role_plans_is_planned_and_certain(both: Any) -> None:
    text = site('Directory(f"{OUT}/new")', 'File(f"{OUT}/new/a", from_content="x"); Echo(f"{FileTests.exists(OUT)}")')
    seen = both(text, mode="check")
    assert grades(seen) == [("changed", False), ("changed", False), ("ok", False)]
    assert list(seen.out.iterdir()) == []
    assert grades(both(text)) == [("changed", False), ("changed", False), ("ok", False)]


def test_content_that_an_earlier_role_plans_is_read_and_not_planned_again(both: Any) -> None:
    text = site(
        'File(f"{OUT}/a", from_content="x")', 'Echo(FileTests.checksum(f"{OUT}/a")); File(f"{OUT}/a", from_content="x")'
    )
    assert grades(both(text, mode="check")) == [("changed", False), ("ok", False), ("ok", False)]


def test_an_account_that_an_earlier_role_plans_may_own_files(both: Any) -> None:
    text = site('User("opsmop-not-there")', 'File(f"{OUT}/a", from_content="x", owner="opsmop-not-there")')
    assert grades(both(text, mode="check")) == [("changed", False), ("changed", False)]


@pytest.mark.parametrize(
    "first",
    ['Shell("true")', 'text = Shell("echo 1").data; File(f"{OUT}/b", from_content=text)', 'int(Shell("echo 1").data)'],
    ids=["a command", "an unknown value read", "an end of prediction"],
)
def test_after_a_role_that_cannot_be_predicted_all_of_the_next_is_assumed(both: Any, first: str) -> None:
    text = site(first, 'File(f"{OUT}/made/by/it", from_content="x")')
    assert grades(both(text, mode="check"))[-1] == ("changed", True)


def test_what_one_run_planned_is_unknown_to_the_next(both: Any) -> None:
    text = site('Directory(f"{OUT}/new")', 'File(f"{OUT}/new/a", from_content="x")')
    first = both(text, mode="check")
    assert grades(both(text, mode="check")) == grades(first)


def test_a_file_of_the_controller_that_an_earlier_role_plans_stays_planned(both: Any) -> None:
    text = site('File(f"{OUT}/a", from_file="large")', 'File(f"{OUT}/a", from_file="large", mode=0o600)')
    seen = both(text, {"large": b"x" * (6 << 20)}, mode="check")
    assert grades(seen) == [("changed", False), ("changed", False)]
    assert [change.name for change in seen.result.resources[1].changes] == ["mode"]


@pytest.mark.parametrize(
    ("first", "status", "known"),
    [("Echo('x')", "skipped", True), ("Shell('true')", "ok", False)],
    ids=["nothing planned", "a command planned"],
)
def test_whether_a_role_wants_the_host_is_known_only_if_what_it_asks_is(
    both: Any, first: str, status: str, known: bool
) -> None:
    text = site(first, "Echo('here')").replace(
        "class Second(Role):",
        'class Second(Role):\n    def should_process_when(self): return FileTests.exists(f"{OUT}/made")',
    )
    seen = both(text, mode="check")
    assert (seen.ending.status, seen.ending.beyond == "") == (status, known)
    assert "Second" not in "".join(seen.echoed)


def test_a_guard_that_one_role_asked_makes_nothing_of_the_next_assumed(both: Any) -> None:
    first = 'Shell("true", creates=f"{OUT}/a"); File(f"{OUT}/b", only_if="true")'
    text = site(first, 'File(f"{OUT}/c")').replace("First(), Second()", "First(), Second(), Third()")
    text += "\nclass Third(Second):\n    def should_process_when(self): return False\n"
    seen = both(text.replace('Shell("true", creates=f"{OUT}/a"); ', ""), mode="check")
    assert grades(seen) == [("changed", False), ("changed", False)]
    assert seen.result.hosts[-1].status == "skipped"


def test_a_reboot_that_may_not_be_required_does_not_hide_what_comes_after_it(both: Any) -> None:
    text = site('Shell("true"); Reboot(only_if_required=True); File(f"{OUT}/a", from_content="x")', "pass")
    assert grades(both(text, mode="check"))[1:] == [("changed", True), ("changed", True)]


def test_a_handler_that_was_signalled_before_the_end_of_prediction_is_announced_and_not_left_to_people(
    both: Any,
) -> None:
    text = site('File(f"{OUT}/a", signals="told"); int(Shell("echo 1").data)', "pass").replace(
        "def main", 'def set_handlers(self): return Handlers(told=Echo("told"))\n    def main', 1
    )
    seen = both(text, mode="check")
    assert seen.echoed == ["told"]
    assert seen.result.warnings == ()


def test_a_plan_of_a_type_that_the_next_role_does_not_have_leaves_that_one_assumed(both: Any) -> None:
    text = """
    class State:
        pass

    class Note(Resource):
        name: str = field(kw_only=False)

    class Noted(Provider, provides=Note):
        def plan(self):
            effect = Effect("note", "a", State())
            yield Change("note", lambda: self.machine.run(["true"], effects=[effect]), "act")
    """ + site('Note("a")', 'File(f"{OUT}/b")').replace("\n", "\n    ")
    policy = both.write("    from opsmop.language.machine import Effect\n" + text, {})
    assert grades(both.one("push", policy, mode="check"))[-1] == ("changed", True)


@pytest.mark.parametrize(
    "main",
    [
        'r = Shell("id nobody")\n        if r.rc == 0: File(f"{OUT}/a", from_content="x")',
        'Shell(f"mkdir {OUT}/d", creates=f"{OUT}/d")\n        if FileTests.is_directory(f"{OUT}/d"): File(f"{OUT}/a")',
        'Shell(f"mkdir {OUT}/d")\n        if FileTests.exists(f"{OUT}/d"): File(f"{OUT}/a")\n        Echo("end")',
        'Shell(f"touch {OUT}/d")\n        if not FileTests.exists(f"{OUT}/d"): raise RuntimeError("not there")',
    ],
    ids=["a result", "a fact", "a fact before a resource", "an error"],
)
def test_where_the_policy_asked_what_check_cannot_know_is_told(both: Any, main: str) -> None:
    seen = both(site(main, "pass").replace("First(), Second()", "First()"), mode="check")
    assert seen.result.failed == ()
    assert ":" in seen.ending.beyond
    applied = both(site(main, "pass").replace("First(), Second()", "First()"))
    assert (applied.result.failed, applied.ending.beyond) == ((), "")
