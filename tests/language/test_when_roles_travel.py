"""A role travels as it is when it starts, whatever it was when the run began."""

from __future__ import annotations

from typing import Any


def test_what_set_variables_keeps_in_the_role_is_what_main_sees(both: Any) -> None:
    seen = both("""
        class One(Role):
            address = "unset"
            def inventory(self): return inventory
            def set_variables(self):
                self.address = "10.0.0.7"
                return {}
            def main(self): Echo(self.address)

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.echoed == ["10.0.0.7"]


def test_what_hooks_of_an_earlier_role_learned_is_what_a_later_one_sees(both: Any) -> None:
    site = both.write(
        """
        learned = {}

        class First(Role):
            def inventory(self): return inventory
            def after_connect(self, host): learned[host.name] = "joined"
            def main(self): Echo(str(learned))

        class Second(Role):
            def inventory(self): return inventory
            def main(self): Echo(str(learned))

        class Site(Policy):
            def set_roles(self): return Roles(First(), Second())
        """,
        {},
    )
    assert both.one("push", site).echoed == ["{}", "{'here': 'joined'}"]
