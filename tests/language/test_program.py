"""Language, section 1: a policy is a Python program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsmop import PolicyError

ONE = """
class One(Role):
    def inventory(self): return inventory
    def main(self):
{main}

class Site(Policy):
    def set_roles(self): return Roles(One())
"""


def test_unknown_keywords_of_policies_and_roles_are_variables_and_name_and_tags_are_not(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def main(self):
                Echo("{{ color }} {{ size }} {{ name is defined }} {{ tag is defined }}")
                Echo(self.name)

        class Site(Policy):
            def __init__(self): super().__init__(size="big", name="called")
            def set_roles(self): return Roles(One(color="blue", name="first", tag="a"))
        """)
    assert seen.echoed == ["blue big False False", "first"]


@pytest.mark.parametrize("roles", ["Roles(*made)", "Roles(made)", "Roles(Roles(*made))"])
def test_roles_are_made_in_loops_by_type_and_inside_of_functions(both: Any, roles: str) -> None:
    seen = both(f"""
        def said(self): Echo("{{{{ what }}}}")

        def made_here():
            class Inner(Role):
                def inventory(self): return inventory
                def main(self): Echo("inner {{{{ what }}}}")
            return Inner(what="function")

        class Looped(Role):
            def inventory(self): return inventory
            def main(self): Echo(f"looped {{self.vars.number}}")

        class Site(Policy):
            def set_roles(self):
                typed = type("Typed", (Role,), dict(main=said, inventory=lambda self: inventory))
                made = [Looped(number=number) for number in range(2)] + [typed(what="type"), made_here()]
                return {roles}
        """)
    assert seen.echoed == ["looped 0", "looped 1", "type", "inner function"]


def test_a_role_may_take_parameters_of_its_own(both: Any) -> None:
    seen = both("""
        class One(Role):
            def __init__(self, port, **rest):
                super().__init__(port=port, **rest)
                self.twice = port * 2
            def inventory(self): return inventory
            def main(self): Echo(f"{self.vars.port} {self.twice} {{{{ extra }}}}")

        class Site(Policy):
            def set_roles(self): return Roles(One(40, extra="x"))
        """)
    assert seen.echoed == ["40 80 x"]


def test_the_next_line_of_python_sees_the_result(both: Any) -> None:
    main = """
        first = File(f"{OUT}/a", from_content="1")
        again = File(f"{OUT}/a", from_content="1")
        Echo(f"{first.changed} {first.changed()} {again.changed} {first.actions} {again.actions} {first}")
    """
    seen = both(ONE.format(main=main))
    assert seen.echoed == [f"True True False ['create'] [] File {seen.out}/a"]


DECLARED = """
class One(Role):
    def inventory(self): return inventory
    def set_resources(self):
        return Resources(
            File(f"{OUT}/a", from_content="1", signals=["second", "first"]),
            [File(f"{OUT}/b", from_content="1", signals="first"), Resources(Echo("nested"))],
        )
    def set_handlers(self):
        return Handlers(first=Echo("first ran"), second=Echo("second ran"), third=Echo("third ran"))
    def main(self):
        Echo("main")

class Site(Policy):
    def set_roles(self): return Roles(One(), One(name="again"))
"""


def test_declared_resources_run_before_main_and_signalled_handlers_at_the_end_once_each_in_order(both: Any) -> None:
    seen = both(DECLARED)
    assert seen.echoed == ["nested", "main", "first ran", "second ran", "nested", "main"]


@pytest.mark.parametrize("form", ["Resources([Echo('1'), Echo('2')])", "[Echo('1'), Echo('2')]"])
def test_resources_take_arguments_or_one_list(both: Any, form: str) -> None:
    seen = both(f"""
        class One(Role):
            def inventory(self): return inventory
            def set_resources(self): return {form}

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["1", "2"]


def test_main_may_signal_handlers_too_and_a_handler_sees_the_variables_of_its_place(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_handlers(self):
                what = "as declared"
                return Handlers(told=Echo("{{ what }} {{ late.changed }}"))
            def main(self):
                what = "of main"
                File(f"{OUT}/a", from_content="1", signals="told", register="late")
                Echo(what)

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["of main", "as declared True"]


def test_a_computed_handler_name_that_is_unknown_fails_its_resource_before_it_acts(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_handlers(self): return Handlers(restart_app=Echo("x"))
            def main(self): File(f"{OUT}/a", from_content="1", signals="restart_" + "ap")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert "signals 'restart_ap', and the role has no such handler" in seen.failure
    assert "Did you mean 'restart_app'?" in seen.failure
    assert not (seen.out / "a").exists()


def test_a_role_that_fails_lists_the_handlers_that_are_pending(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_handlers(self): return Handlers(one=Echo("1"), two=Echo("2"))
            def main(self):
                File(f"{OUT}/a", from_content="1", signals=["two", "one"])
                Shell("exit 3")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert "Handlers left pending: one, two. The next run may not signal them again" in seen.failure
    assert seen.echoed == []


def test_a_handler_that_fails_is_pending_too(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_handlers(self): return Handlers(one=Echo("1"), two=Shell("exit 5"), three=Echo("3"))
            def main(self):
                File(f"{OUT}/a", from_content="1", signals=["one", "two", "three"])

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert "Handlers left pending: two, three." in seen.failure
    assert seen.echoed == ["1"]


def test_what_a_type_refuses_by_itself_is_told_with_its_line(both: Any) -> None:
    seen = both("""
        from opsmop.errors import FieldError

        class Picky(File):
            def check(self):
                raise FieldError("not like this")

        class One(Role):
            def inventory(self): return inventory
            def main(self):
                Picky(f"{OUT}/a")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert "not like this" in seen.failure
    line = (seen.out.parent / Path(seen.ending.failure.place.rpartition(":")[0]).name).read_text().splitlines()
    assert "Picky(f" in line[int(seen.ending.failure.place.rpartition(":")[2]) - 1]


def test_should_process_when_skips_the_role_on_that_host(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def should_process_when(self): return Platform.system() == "Plan 9"
            def main(self): Echo("not here")

        class Two(Role):
            def inventory(self): return inventory
            def should_process_when(self): return Platform.system() == "Linux"
            def main(self): Echo("here")

        class Site(Policy):
            def set_roles(self): return Roles(One(), Two())
        """)
    assert seen.echoed == ["here"]
    assert [host.status for host in seen.result.hosts] == ["skipped", "ok"]


def test_what_main_returns_is_the_results_of_later_roles(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def main(self): return {"port": 80, "names": ["a"], "ran": [Shell("true").changed]}

        class Two(Role):
            def inventory(self): return inventory
            def set_variables(self): return dict(heard=self.results["here"])
            def main(self): Echo("{{ heard.port }} {{ heard['names'][0] }}")

        class Site(Policy):
            def set_roles(self): return Roles(One(), Two())
        """)
    assert seen.echoed == ["80 a"]
    assert seen.result.hosts[0].value == {"port": 80, "names": ["a"], "ran": [True]}
    assert seen.result.hosts[0].value["ran"][0] is True


def test_in_local_mode_this_machine_has_returned_what_any_host_would_have(both: Any) -> None:
    text = """
        class One(Role):
            def inventory(self): return inventory.filter(hosts="db1")
            def main(self): return {"port": 80}

        class Two(Role):
            def inventory(self): return inventory.filter(hosts="web1")
            def set_variables(self):
                found = [self.results[host]["port"] for host in inventory.filter(hosts="db1")]
                return dict(ports=found, known="db1" in self.results, others=self.results.get("db1"))
            def main(self): Echo("{{ ports }} {{ known }} {{ others }}")

        class Site(Policy):
            def set_roles(self): return Roles(One(), Two())
        """
    inventory = "[groups.all.hosts]\ndb1 = 'opsmop_connection=local'\nweb1 = 'opsmop_connection=local'\n"
    site = both.write(text, {"inventory.toml": inventory})
    assert both.one("push", site).echoed == ["[80] True {'port': 80}"]
    for name in ("", "web1", "db1"):
        assert both.one("local", site, host=name).echoed == ["[80] True {'port': 80}"]
    site = both.write(text.replace("Roles(One(), Two())", "Roles(Two())"), {"inventory.toml": inventory})
    for reach in ("push", "local"):
        with pytest.raises(PolicyError, match="no earlier role returned a value on 'db1'"):
            both.one(reach, site, host="")


def test_relative_paths_are_relative_to_the_policys_file(both: Any) -> None:
    main = """
        import os
        os.chdir("/usr")
        File(f"{OUT}/a", from_file="files/a")
        File(f"{OUT}/b", from_template="files/b.j2")
        Echo("{{ 1 }}")
    """
    seen = both(ONE.format(main=main), {"files/a": "as it is {{ x }}", "files/b.j2": "{{ 1 + 1 }}"})
    assert ((seen.out / "a").read_text(), (seen.out / "b").read_text()) == ("as it is {{ x }}", "2")


def test_module_level_code_runs_on_the_control_machine_and_its_values_travel(both: Any) -> None:
    seen = both(
        """
        import os
        WHERE = os.getpid()
        from pathlib import Path
        KNOWN = Path("known.txt").read_text()

        class One(Role):
            def inventory(self): return inventory
            def set_variables(self): return dict(made_here=os.getpid() == WHERE)
            def main(self): Echo(f"{KNOWN} {self.vars.made_here}")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """,
        {"known.txt": "read at home"},
    )
    assert seen.echoed == ["read at home True"]


def test_eval_gives_a_native_value_and_conditions_take_it(both: Any) -> None:
    main = """
        count = 3
        done = Shell("exit 4", failed_when=Eval("rc != count + 1"), changed_when=Eval("rc > 100"))
        Echo(f"{done.failed} {done.changed} {done.rc}")
        File(f"{OUT}/a", from_content="x", absent=Eval("count > 3"), mode=Eval("0o600 if count else 0o644"))
        File(f"{OUT}/b", from_content=T("{{ count }}{{ count + 1 }}"), mode=0o600)
    """
    main = main.replace('Eval("0o600 if count else 0o644")', 'Eval("384 if count else 420")')
    main = main.replace(', absent=Eval("count > 3")', "")
    seen = both(ONE.format(main=main))
    assert seen.echoed == ["False False 4"]
    assert ((seen.out / "a").stat().st_mode & 0o777, (seen.out / "b").read_text()) == (0o600, "34")


def test_print_in_main_is_an_event_like_any_other(both: Any) -> None:
    seen = both(ONE.format(main="        print('hello', 'there')\n        Echo('after')"))
    assert seen.endings[-1] == ("Echo", "after", "ok"), seen.events


@pytest.mark.parametrize(
    "given",
    ["one=Echo('1'), two=[Echo('2'), Echo('3')]", "[{'one': Echo('1')}, Handlers(two=[Echo('2'), Echo('3')])]"],
    ids=["arguments", "one list"],
)
def test_handlers_take_arguments_or_one_list(both: Any, given: str) -> None:
    seen = both(f"""
        class One(Role):
            def inventory(self): return inventory
            def set_handlers(self): return Handlers({given})
            def main(self): Shell("true", signals="two")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["2", "3"]


def test_a_handler_without_a_name_is_refused(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_handlers(self): return Handlers(Echo("1"))

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert "which has no name" in seen.failure
    assert "Name each: Handlers(restart_app=Service(...))" in seen.failure


@pytest.mark.parametrize(
    ("settings", "ran"),
    [
        ({"tags": ("web",)}, ["a", "b"]),
        ({"tags": ("db", "slow")}, ["b", "c"]),
        ({"skip_tags": ("slow",)}, ["a", "d"]),
        ({"tags": ("web",), "skip_tags": ("slow",)}, ["a"]),
        ({}, ["a", "b", "c", "d"]),
    ],
)
def test_tags_choose_roles(both: Any, settings: Any, ran: list[str]) -> None:
    seen = both(
        """
        class One(Role):
            def inventory(self): return inventory
            def main(self): Echo("{{ word }}")

        class Site(Policy):
            def set_roles(self):
                tagged = [One(word="a", tag="web"), One(word="b", tags=["web", "slow"]), One(word="c", tags=("db", "slow"))]
                return Roles(*tagged, One(word="d"))
        """,
        **settings,
    )
    assert seen.echoed == ran


@pytest.mark.parametrize(
    "content",
    [b"", b"no newline", b"crlf\r\n{{ port }}\r\n", bytes(range(256)), b"\xff\xfe{{ x }}", b"large" * 1_000_000],
    ids=["empty", "text", "windows", "binary", "not utf-8", "large"],
)
def test_files_come_through_byte_for_byte(both: Any, content: bytes) -> None:
    seen = both(ONE.format(main='        File(f"{OUT}/a", from_file="files/a")'), {"files/a": content})
    assert (seen.out / "a").read_bytes() == content


@pytest.mark.parametrize("secret", ["1234", '"', '", "', "pin", "true"])
def test_masking_leaves_what_main_returns_whole(both: Any, secret: str) -> None:
    seen = both(f"""
        class One(Role):
            def inventory(self): return inventory
            def main(self):
                Secret({secret!r})
                return {{"pin": 1234, "more": [51234, "a 1234", True], "plain": 7}}

        class Two(Role):
            def inventory(self): return inventory
            def set_variables(self): return dict(heard=self.results["here"])
            def main(self): Echo("{{{{ heard.plain }}}}")

        class Site(Policy):
            def set_roles(self): return Roles(One(), Two())
        """)
    assert seen.echoed == ["7"]
    if secret == "1234":
        assert seen.result.hosts[0].value == {"pin": "********", "more": ["5********", "a ********", True], "plain": 7}
