"""Types and providers of a policy's own: found where they are written, and on targets."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from tests.language.conftest import loaded

from opsmop import Settings, run

NOTE = """
from opsmop import Change, Provider, Resource, field

class Note(Resource):
    '''A line of its own in a file.'''
    name: str = field(kw_only=False, doc="the file")
    text: str = field(doc="the line")

class WriteNote(Provider, provides=Note):
    def plan(self):
        path, wanted = self.resource.name, self.resource.text.encode()
        if self.machine.status(path) is None:
            yield Change("write", lambda: self.machine.write(path, wanted, mode=0o644, owner=None, group=None))
"""
OTHER = """
from opsmop import Provider
from note import Note

class Silent(Provider, provides=Note, short="silent"):
    def plan(self):
        return iter(())
"""
OWN_OF_A_KNOWN_TYPE = """
class Recorded(Provider, provides=Package, short="recorded"):
    '''Packages that a file records.'''

    def plan(self):
        path = OUT + "/" + self.resource.name
        if self.machine.status(path) is None:
            yield Change("record", lambda: self.machine.write(path, b"", mode=0o644, owner=None, group=None))

class One(Role):
    def inventory(self):
        return inventory
    def main(self):
        Package("thing", method="{method}")

class Site(Policy):
    def set_roles(self):
        return Roles(One())
"""
POLICY = """
{imports}

class One(Role):
    def inventory(self):
        return inventory
    def main(self):
        {type}(OUT + "/note", text="hello"{method})
        Echo("{{{{ FileTests.exists('" + OUT + "/note') }}}}")

class Site(Policy):
    def set_roles(self):
        return Roles(One())
"""


@pytest.mark.parametrize(("imports", "name"), [("from note import Note", "Note"), ("import note", "note.Note")])
def test_a_types_provider_travels_though_no_code_names_it(both: Any, imports: str, name: str) -> None:
    seen = both(POLICY.format(imports=imports, type=name, method=""), {"note.py": NOTE})
    assert [ending[2] for ending in seen.endings] == ["changed", "ok"]
    assert seen.echoed == ["True"]


def test_a_provider_in_another_module_travels_with_its_type(both: Any) -> None:
    policy = POLICY.format(imports="from note import Note\nimport other", type="Note", method=", method='silent'")
    seen = both(policy, {"note.py": NOTE, "other.py": OTHER})
    assert seen.echoed == ["False"]


@pytest.mark.parametrize("method", ["recorded", "DOTTED"])
def test_a_provider_for_a_known_type_is_named_by_its_short_name_or_by_its_path(both: Any, method: str) -> None:
    text = OWN_OF_A_KNOWN_TYPE.replace("{method}", method)
    site = both.write(text.replace("DOTTED", "recorded"), {})
    dotted = text.replace("DOTTED", f"site{int(site.stem.removeprefix('site')) + 1}.Recorded")
    seen = both(dotted)
    assert seen.endings == [("Package", "thing", "changed")]


def test_a_provider_made_from_another_takes_nothing_from_that_one(both: Any) -> None:
    seen = both(
        """
        from opsmop.resources.file import PutFile

        class Conf(File):
            pass

        class PutConf(PutFile, provides=Conf):
            pass

        class Louder(PutFile, short="louder"):
            pass

        class One(Role):
            def inventory(self):
                return inventory
            def main(self):
                File(OUT + "/a", from_content="x")
                Conf(OUT + "/b", from_content="x", method=PutConf)
                File(OUT + "/c", from_content="x", method="louder")

        class Site(Policy):
            def set_roles(self):
                return Roles(One())
        """
    )
    assert [ending[2] for ending in seen.endings] == ["changed"] * 3


@pytest.mark.parametrize("reach", ["local", "push"])
def test_two_policies_of_one_process_use_each_its_own_provider_of_one_short_name(both: Any, reach: str) -> None:
    text = OWN_OF_A_KNOWN_TYPE.replace("{method}", "recorded")
    modules = [loaded(both.write(text.replace("thing", name).replace("OUT", f"OUT + '{name}'"), {})) for name in "ab"]
    for module, name in zip(modules, "ab", strict=True):
        both.out.with_name(f"out{name}").mkdir()
        host = "here" if reach == "local" else ""
        done = run(module.Site(), Settings(mode="apply", reach=reach, host=host))  # type: ignore[arg-type]
        assert done.ok, done.hosts[0].resources[0].failure
        assert (both.out.with_name(f"out{name}") / name).exists()
        del sys.modules[module.__name__]
