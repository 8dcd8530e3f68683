"""Language, section 3: which variables are in force, the same in Python and in templates."""

from __future__ import annotations

import json
from typing import Any

import pytest

LAYERED = """
class One(Role):
    def inventory(self): return inventory
    def set_variables(self): return dict(e="role says", f="role says", g="role says", h="role says")
    def main(self):
        g = h = "local"
        Echo("{{ a }}, {{ b }}, {{ c }}, {{ d }}, {{ e }}, {{ f }}, {{ g }}, {{ h }}")
        v = self.vars
        Echo(f"{v.a}, {v.b}, {v.c}, {v.d}, {v.e}, {v.f}, {v.g}, {v.h}")
        assert g and h

class Site(Policy):
    def __init__(self): super().__init__(**dict.fromkeys("def", "policy made"))
    def set_variables(self): return dict.fromkeys("cdef", "policy says")
    def set_roles(self): return Roles(One(**dict.fromkeys("f", "role made")))
"""
INVENTORY = """
[groups.all.hosts]
here = { opsmop_connection = "local", b = "host", c = "host" }
[groups.all.vars]
a = "all"
b = "all"
"""


def test_the_last_layer_that_names_a_variable_wins_in_templates_and_in_python(both: Any) -> None:
    (both.folder / "inventory.toml").write_text(INVENTORY)
    seen = both(LAYERED, extra={"h": "extra"})
    assert seen.echoed == ["all, host, policy says, policy made, role says, role made, local, extra"] * 2


def test_inventory_layers_go_from_all_over_parents_and_children_to_the_host(both: Any) -> None:
    (both.folder / "inventory.toml").write_text("""
[groups.child.hosts]
here = "opsmop_connection=local d=host"
[groups.child.vars]
c = "child"
d = "child"
[groups.parent]
children = ["child"]
[groups.parent.vars]
b = "parent"
c = "parent"
[groups.all.vars]
a = "all"
b = "all"
""")
    seen = both("""
        class One(Role):
            def inventory(self): return inventory.filter(groups="child")
            def main(self): Echo("{{ a }} {{ b }} {{ c }} {{ d }}")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["all parent child host"]


def test_passwords_and_key_files_of_the_inventory_are_no_variables(both: Any) -> None:
    (both.folder / "inventory.toml").write_text(
        '[groups.all.hosts]\nhere = "opsmop_connection=local opsmop_ssh_password=hidden opsmop_ssh_key_file=/k"\n'
    )
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def main(self): Echo("{{ opsmop_ssh_password is defined }} {{ opsmop_ssh_key_file is defined }}")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["False False"]


def test_locals_of_helpers_are_seen_the_innermost_last_those_of_other_modules_too(both: Any) -> None:
    seen = both(
        """
        import helping

        def helper(shadowed):
            inner = "helper's"
            Echo("{{ outer }} {{ inner }} {{ shadowed }}")
            assert inner

        class One(Role):
            def inventory(self): return inventory
            def main(self):
                outer = shadowed = "main's"
                helper("given")
                helping.hand("more")
                Echo("{{ shadowed }} {{ inner is defined }}")
                assert outer and shadowed

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """,
        {"helping.py": "from opsmop import Echo\n\ndef hand(given):\n    Echo('{{ outer }} {{ given }}')\n"},
    )
    assert seen.echoed == ["main's helper's given", "main's more", "main's False"]


def test_locals_are_taken_as_they_are_when_the_resource_is_constructed(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_handlers(self):
                word = "early"
                made = Handlers(told=Echo("{{ word }}"))
                word = "late"
                return made
            def main(self):
                File(f"{OUT}/a", from_content="x", signals="told")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["early"]


def test_a_registered_result_is_a_variable(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def main(self):
                Shell("echo out; exit 2", register="answer", ignore_errors=True)
                Echo("{{ answer.rc }} {{ answer.stdout }} {{ answer.failed }}")
                Echo(f"{self.vars.answer.rc} {self.vars.answer.stdout} {self.vars.answer.failed}")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["2 out True"] * 2


@pytest.mark.parametrize("main", ['Echo("{{ prot }}")', "Echo(str(self.vars.prot))"])
def test_an_undefined_name_says_where_it_was_searched_and_what_is_close(both: Any, main: str) -> None:
    seen = both(f"""
        class One(Role):
            def inventory(self): return inventory
            def main(self):
                {main}

        class Site(Policy):
            def set_roles(self): return Roles(One(port=80))
        """)
    assert "'prot' is not defined; searched: " in seen.failure
    assert "One(...)" in seen.failure
    assert "--extra-vars" in seen.failure
    assert "Did you mean 'port'?" in seen.failure


def test_a_registered_result_wins_alike_for_what_is_declared_and_what_is_not(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_resources(self): return Resources(Shell("echo declared", register="said"), Echo("{{ said.stdout }}"))
            def set_handlers(self):
                local = "as it was"
                return Handlers(tell=Echo("{{ said.stdout }} {{ local }}"), fail=Echo("{{ absent }}"))
            def main(self):
                Shell("echo again", register="said", signals=["tell", "fail"])
                Echo("{{ said.stdout }}")
        class Site(Policy):
            def set_roles(self): return Roles(One(said="a variable of the role"))
        """)
    assert seen.echoed == ["declared", "again", "again as it was"]
    assert seen.failure.count("registered results") == 1


@pytest.mark.parametrize("name", ["a-b", "", "1a", "T('a {{ b }}')"])
def test_a_result_is_registered_under_a_variables_name_alone(both: Any, name: str) -> None:
    written = name if name.startswith("T(") else repr(name)
    seen = both(f"""
        class One(Role):
            def inventory(self): return inventory
            def main(self): Shell(f"touch {{OUT}}/ran", register={written})
        class Site(Policy):
            def set_roles(self): return Roles(One(b=1))
        """)
    assert "Shell(register=...) takes a variable's name, not" in seen.failure
    assert list(seen.out.iterdir()) == []


def test_a_variable_may_have_the_name_of_a_mappings_method(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def main(self):
                get = 1
                Echo(f"{self.vars.items} {self.vars.get} {self.vars.keys} {self.vars['items']} {get}")
                Echo("{{ items }} {{ get }} {{ keys }} {{ items }} {{ get }}")
        class Two(Role):
            def inventory(self): return inventory
            def main(self):
                Echo(f"{self.vars.get('port')} {dict(self.vars)['port']} {'port' in self.vars.keys()}")
        class Site(Policy):
            def set_roles(self): return Roles(One(items=[2], keys="k"), Two(port=80))
        """)
    assert seen.echoed == ["[2] 1 k [2] 1"] * 2 + ["80 80 True"]


def test_in_local_mode_a_variable_of_the_inventorys_hosts_says_how_to_be_one_of_them(both: Any) -> None:
    site = both.write(
        """
        class One(Role):
            def inventory(self): return inventory
            def main(self): Echo("{{ rack }} {{ port }}")
        class Site(Policy):
            def set_variables(self): return dict(port=80)
            def set_roles(self): return Roles(One())
        """,
        {"inventory.toml": "[groups.all.hosts]\nhere = { opsmop_connection = 'local', rack = 7 }\n"},
    )
    failure = both.one("local", site, host="").failure
    assert "'rack' is not defined; searched: " in failure
    assert (
        "The inventory has it for here, and does not name this machine: say which host it is, --host here." in failure
    )
    assert both.one("local", site).echoed == both.one("push", site).echoed == ["7 80"]


def test_variables_keep_their_types(both: Any) -> None:
    values = {"number": 3, "flag": True, "words": ["a", "b"], "table": {"x": 1.5}}
    seen = both(
        """
        class One(Role):
            def inventory(self): return inventory
            def main(self):
                import json
                Echo(json.dumps([self.vars.number, self.vars.flag, self.vars.words, self.vars.table]))
                Echo("{{ number + 1 }} {{ words[1] }} {{ table.x * 2 }}")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """,
        extra=values,
    )
    assert json.loads(seen.echoed[0]) == list(values.values())
    assert seen.echoed[1] == "4 b 3.0"
