"""Local modules travel by value, each with only what is named of it; packages travel whole; libraries by name."""

from __future__ import annotations

import json
from typing import Any

HELPERS = """
    import pathlib
    import other
    PASSWORD = "hunter2"
    def greet(name):
        return WORD + name + other.mark()
    WORD = "hi "
    def back():
        return "back"
    def unused():
        return PASSWORD
"""
OTHER = """
    import helpers
    def mark():
        return "!" + helpers.back()
"""


def test_two_local_modules_that_import_each_other_travel(travel: Any) -> None:
    policy = """
        import helpers
        from other import mark
        class Site:
            def main(self):
                return [helpers.greet("x"), mark(), helpers.__name__]
    """
    travel.everywhere(policy, ["hi x!back", "!back", "helpers"], **{"helpers.py": HELPERS, "other.py": OTHER})


def test_a_base_role_from_a_local_module_beside_the_policy_travels(travel: Any) -> None:
    base = """
        LEVEL = 3
        class Base:
            def main(self): return [type(self).__name__, LEVEL, self.more()]
    """
    policy = """
        from roles.base import Base
        class Site(Base):
            def main(self): return super().main() + ["own"]
            def more(self): return Base.__module__
    """
    files = {"roles/base.py": base, "roles/__init__.py": ""}
    travel.everywhere(policy, ["Site", 3, "roles.base", "own"], **files)


def test_modules_imported_inside_functions_travel(travel: Any) -> None:
    policy = """
        class Site:
            def main(self):
                import helpers
                import pkg.deep.leaf as leaf
                from pkg import deep, relative
                from pkg.deep.leaf import value as v
                import pkg.second
                def inner():
                    return helpers.greet("y")
                return [inner(), leaf.value(), v(), deep.leaf.value(), relative.both(), pkg.second.TWO]
    """
    files = {
        "helpers.py": HELPERS,
        "other.py": OTHER,
        "pkg/__init__.py": "SECRET = 'hunter2'\n",
        "pkg/deep/__init__.py": "",
        "pkg/deep/leaf.py": "X = 5\ndef value(): return X\n",
        "pkg/second.py": "TWO = 2\n",
        "pkg/relative.py": "def both():\n    from .deep.leaf import value\n    from . import second as s\n    return [value(), s.TWO]\n",
    }
    travel.everywhere(policy, ["hi y!back", 5, 5, 5, [5, 2], 2], **files)
    assert b"hunter2" not in travel.send(policy, **files).payload


def test_only_mentioned_names_of_modules_travel(travel: Any) -> None:
    files = {"helpers.py": HELPERS, "other.py": OTHER}
    policy = """
        import helpers
        TOKEN = "swordfish"
        class Site:
            def main(self):
                return helpers.greet("x")
    """
    payload = travel.send(policy, **files).payload
    for absent in (b"hunter2", b"swordfish", b"PASSWORD", b"TOKEN", b"unused", b"deliver"):
        assert absent not in payload


def test_a_module_used_as_a_value_brings_all_it_has(travel: Any) -> None:
    policy = """
        import settings
        def names(module):
            return sorted(name for name in vars(module) if name.isupper())
        class Site:
            def main(self):
                return [names(settings), getattr(settings, "A" + "B"), settings.__name__]
    """
    text = "import threading\nAB = 1\nCD = [2]\nLOCK = threading.Lock()\n"
    travel.everywhere(policy, [["AB", "CD", "LOCK"], 1, "settings"], **{"settings.py": text})


def test_a_value_computed_from_a_file_of_the_controller_travels(travel: Any) -> None:
    policy = """
        import json, pathlib
        CONFIG = json.loads(pathlib.Path("only_here.json").read_text())
        class Site:
            def main(self):
                return CONFIG["ports"]
    """
    travel.everywhere(policy, [80, 443], **{"only_here.json": json.dumps({"ports": [80, 443]})})


def test_values_of_the_standard_library_travel_by_their_public_form(travel: Any) -> None:
    policy = """
        import collections, datetime, decimal, fractions, ipaddress, pathlib, re, types, typing, uuid, functools, operator
        values = dict(
            path=pathlib.Path("/etc/x"), windows=pathlib.PureWindowsPath("c:/x"), pattern=re.compile("a+", re.I), when=datetime.date(2020, 1, 2),
            money=decimal.Decimal("1.50"), part=fractions.Fraction(1, 3), address=ipaddress.ip_network("10.0.0.0/8"), uuid=uuid.UUID(int=5),
            count=collections.Counter("aab"), default=collections.defaultdict(list, a=[1]), zone=datetime.timezone.utc, span=range(3),
            none=type(None), kinds=(types.FunctionType, int, pathlib.Path), dots=..., union=int | None, listing=list[int], optional=typing.Optional[str],
            number=1j, data=bytearray(b"x"), some=frozenset("a"), simple=types.SimpleNamespace(a=1), part_of=slice(1, 2), get=operator.itemgetter("a"),
            error=ValueError("v"), text=str.upper, own=dict.fromkeys)
        class Site:
            def main(self):
                v = values
                assert v["path"] == pathlib.Path("/etc/x") and isinstance(v["path"], pathlib.PosixPath), v["path"]
                assert v["windows"].drive == "c:" and v["pattern"].match("AA") and v["when"].year == 2020
                assert str(v["money"]) == "1.50" and v["part"] * 3 == 1 and v["address"].prefixlen == 8 and v["uuid"].int == 5
                assert v["count"]["a"] == 2 and v["default"]["zz"] == [] and list(v["span"]) == [0, 1, 2]
                assert v["none"] is type(None) and v["kinds"][0] is type(lambda: 1) and v["kinds"][2] is pathlib.Path and v["dots"] is ...
                assert v["union"] == typing.Optional[int] and v["listing"] == list[int] and v["simple"].a == 1 and v["get"]({"a": 3}) == 3
                assert v["error"].args == ("v",) and v["text"]("a") == "A" and v["own"]("a") == {"a": None}
                return "fine"
    """
    travel.everywhere(policy, "fine")


def test_a_package_installed_only_on_the_controller_is_sent_along(travel: Any) -> None:
    library = travel.folder / "lib" / "site-packages"
    travel.paths.append(library)
    travel.write(
        {
            "lib/site-packages/onlyhere/__init__.py": "from onlyhere.core import answer\nfrom alone import ONE\n",
            "lib/site-packages/onlyhere/core.py": "import pkgutil\ndef answer():\n    return pkgutil.get_data('onlyhere', 'data/text.txt').decode()\n",
            "lib/site-packages/onlyhere/data/text.txt": "data!",
            "lib/site-packages/onlyhere/wrap.py": "def deco(f):\n    def inner(*a):\n        return ['in', f(*a)]\n    return inner\n",
            "lib/site-packages/alone.py": "ONE = 1\nclass Thing:\n    def __init__(self): self.x = 4\n",
            "lib/site-packages/unused.py": "NEVER = 1\n",
        }
    )
    policy = """
        import onlyhere, alone
        from onlyhere.wrap import deco
        thing = alone.Thing()
        @deco
        def wrapped(x):
            return x
        class Site:
            def main(self):
                from alone import ONE
                return [onlyhere.answer().strip(), ONE, thing.x, wrapped(3)]
    """
    travel.everywhere(policy, ["data!", 1, 4, ["in", 3]])
    assert travel.send(policy).answer["packages"] == ["alone", "onlyhere"]


def test_a_compiled_package_is_not_sent_and_its_absence_names_it(travel: Any) -> None:
    library = travel.folder / "lib" / "site-packages"
    travel.paths.append(library)
    travel.write({"lib/site-packages/quick/__init__.py": "VALUE = 1\n", "lib/site-packages/quick/_fast.so": ""})
    policy = """
        import quick
        class Site:
            def main(self):
                return quick.VALUE
    """
    sent = travel.send(policy)
    assert sent.answer["bundle"] == ""
    import sys

    ran = travel.evaluate(sent, sys.executable)
    assert ran.returncode == 1
    assert b"module quick" in ran.stderr
    assert b"compiled packages do not travel" in ran.stderr


def test_a_policy_run_as_a_module_keeps_its_relative_imports(travel: Any) -> None:
    import subprocess
    import sys

    travel.write({"shop/__init__.py": "", "shop/near.py": "def near(): return 'near'\n"})
    sent = travel.send(
        """
        class Site:
            def main(self):
                from shop.near import near
                return [near(), __name__]
        """
    )
    ran = travel.evaluate(sent, sys.executable)
    assert isinstance(ran, subprocess.CompletedProcess)
    assert json.loads(ran.stdout) == ["near", "__main__"]


def test_modules_that_an_installed_package_makes_up_go_by_name(travel: Any) -> None:
    travel.paths.append(travel.folder / "lib" / "site-packages")
    text = """
        import sys, types
        moves = types.ModuleType("sixlike.moves")
        sys.modules["sixlike.moves"] = moves
        exec("def moved(): return 'moved'", moves.__dict__)
    """
    travel.write({"lib/site-packages/sixlike.py": text})
    policy = """
        import sixlike
        from sixlike.moves import moved
        class Site:
            def main(self):
                return [moved(), sixlike.moves.moved()]
    """
    travel.everywhere(policy, ["moved", "moved"])
