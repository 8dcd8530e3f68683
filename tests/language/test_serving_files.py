"""Which files of the controller a pushed role may have: what policy and role say, and what the operator sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.language.conftest import loaded
from tests.providers.web import Page, serving

from opsmop.drive.validating import validate
from opsmop.events import ContactFinished, ResourceFailed, Warned
from opsmop.settings import Settings

FILES = {
    "files/app.conf": "app",
    "files/app.conf.bak": "old",
    "files/tool.py": "code",
    "files/.git/config": "git",
    "files/sub/x.pyc": "code",
    "files/notes.txt": "notes",
}

SITE = """\
class One(Role):
    {role}
    def inventory(self):
        return inventory
    def main(self):
        for name in {names}:
            File(OUT + "/copy", from_file=name, ignore_errors=True)

class Site(Policy):
    {policy}
    def set_roles(self):
        return Roles(One())
"""


def asked(both: Any, names: list[str], *, role: str = "", policy: str = "") -> dict[str, str]:
    """Per name that a pushed role asked for what was said of it; empty if it came."""
    site = both.write(SITE.format(names=names, role=role, policy=policy), FILES)
    seen = both.one("push", site)
    (finished,) = [event for event in seen.events if isinstance(event, ContactFinished)]
    assert finished.status == "ok", finished
    failed = [event.failure for event in seen.events if isinstance(event, ResourceFailed)]
    said = [f"{failure.message} {failure.remedy}" for failure in failed]
    return {name: next((text for text in said if repr(name) in text), "") for name in names}


def test_sources_beside_the_policy_just_work(both: Any) -> None:
    assert asked(both, ["files/app.conf", "./files/notes.txt"]) == {"files/app.conf": "", "./files/notes.txt": ""}


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("files/tool.py", "deny pattern '*.py'"),
        ("files/app.conf.bak", "deny pattern '.bak'"),
        ("files/.git/config", "deny pattern '.git'"),
        ("files/sub/x.pyc", "deny pattern '*.pyc'"),
        ("/etc/hostname", "outside of what this role serves"),
    ],
)
def test_what_the_defaults_refuse_is_an_error_that_names_the_rule(name: str, rule: str, both: Any) -> None:
    text = asked(both, [name])[name]
    assert rule in text
    assert "allow_fileserving_paths()" in text


def test_a_policy_says_for_all_its_roles_and_a_role_for_itself(both: Any, tmp_path: Path) -> None:
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt" / "large.file").write_text("large")
    elsewhere = str(tmp_path.resolve() / "opt" / "large.file")
    paths = f"def allow_fileserving_paths(self): return [{str(tmp_path / 'opt')!r}]"
    assert asked(both, [elsewhere, "files/app.conf"], policy=paths)[elsewhere] == ""
    nothing = "def allow_fileserving_paths(self): return []"
    assert "(nothing)" in asked(both, [elsewhere], policy=paths, role=nothing)[elsewhere]


def test_patterns_of_the_policy_take_the_place_of_the_defaults(both: Any) -> None:
    names = ["files/tool.py", "files/notes.txt", "files/app.conf"]
    deny = "def deny_fileserving_patterns(self): return ['notes*']"
    assert [bool(text) for text in asked(both, names, policy=deny).values()] == [False, True, False]
    allow = "def allow_fileserving_patterns(self): return ['*.py', '*.txt']"
    said = asked(both, names, policy=allow)
    assert "deny pattern '*.py'" in said["files/tool.py"], "deny wins"
    assert said["files/notes.txt"] == ""
    assert "none of the allow patterns ('*.py', '*.txt')" in said["files/app.conf"]


def test_the_operator_sees_what_a_host_asked_for_and_may_not_have(both: Any) -> None:
    site = both.write(SITE.format(names=["/etc/hostname", "files/missing"], role="", policy=""), FILES)
    seen = both.one("push", site)
    warned = [event for event in seen.events if isinstance(event, Warned)]
    assert [(event.host, event.role) for event in warned] == [("here", "One")]
    assert warned[0].text.startswith("refused: '/etc/hostname' is outside of what this role serves")


BROUGHT = """\
class Bring(Role):
    def inventory(self):
        return inventory
    def main(self):
        Download({cache!r}, url={url!r})

class Give(Role):
    def inventory(self):
        return inventory
    def main(self):
        File(OUT + "/given", from_file="cache/thing")

class Site(Policy):
    def set_roles(self):
        return Roles(Bring(), Give())
"""


def test_what_the_control_machine_has_fetched_goes_to_hosts_that_do_not_reach_the_web(both: Any) -> None:
    with serving() as web:
        for content in (b"first", b"second"):
            web.pages["/thing"] = Page(content, headers={"ETag": repr(content)})
            text = BROUGHT.format(cache=str(both.folder / "cache" / "thing"), url=f"{web.url}/thing")
            site = both.write(text, {"cache/other": ""})
            for made in ("changed", "ok"):
                seen = both.one("push", site)
                assert seen.endings[0][2] == made
                assert (seen.out / "given").read_bytes() == content


def test_a_large_file_is_validated_without_being_read(both: Any) -> None:
    with (both.folder / "huge").open("wb") as file:
        file.truncate(1 << 40)
    text = 'class One(Role):\n    def inventory(self): return inventory\n    def main(self): File("/x", from_file="huge")\n'
    site = both.write(text + "class Site(Policy):\n    def set_roles(self): return Roles(One())\n", {})
    found = validate(loaded(site).Site(), site, Settings(mode="check", reach="push"))
    assert found.wrong == []
