"""Files of hosts, brought to the control machine: only what the policy says, and only where to."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from opsmop.events import ResourceFinished, Warned

SITE = """\
class One(Role):
    {allow}
    def inventory(self):
        return inventory
    def main(self):
        {prepare}
        Fetch({path}, to={to!r})

class Site(Policy):
    def set_roles(self):
        return Roles(One())
"""
ALLOW = "def allow_fetching(self): return {'fetched': [OUT + '/*.log', '/etc/hostname', '/proc/version']}"
FILE = 'OUT + "/a.log"'
PREPARE = 'File(OUT + "/a.log", from_content="line\\n" * {count}, mode=0o600)'


def text(*, count: int = 1, path: str = FILE, to: str = "fetched", allow: str = ALLOW, prepare: str = PREPARE) -> str:
    return SITE.format(allow=allow, prepare=prepare.format(count=count), path=path, to=to)


def kept(both: Any, path: str | Path) -> Path:
    found: Path = both.folder / "fetched" / "here" / str(path).lstrip("/")
    return found


def afresh(both: Any, site: str, **settings: Any) -> dict[str, Any]:
    """What a policy comes to in each mode, each time with nothing fetched before."""
    written, seen = both.write(site, {}), {}
    for reach in ("local", "push"):
        shutil.rmtree(both.folder / "fetched", ignore_errors=True)
        seen[reach] = both.one(reach, written, **settings)
    assert seen["local"].events == seen["push"].events
    return seen


def statuses(seen: Any) -> list[str]:
    return [event.status for event in seen.events if isinstance(event, ResourceFinished)]


@pytest.mark.parametrize("count", [0, 1, 500_000])
def test_a_file_comes_to_a_directory_of_its_host(count: int, both: Any) -> None:
    seen = afresh(both, text(count=count))
    assert statuses(seen["push"]) == ["changed", "changed"]
    found = kept(both, seen["push"].out / "a.log")
    assert found.read_text() == "line\n" * count
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert stat.S_IMODE((both.folder / "fetched" / "here").stat().st_mode) == 0o700


def test_what_is_there_already_is_not_brought_again(both: Any) -> None:
    site = text(count=500_000)
    afresh(both, site)
    again = both.one("push", both.write(site, {}))
    assert statuses(again) == ["changed", "ok"]
    kept(both, again.out / "a.log").write_text("something else")
    assert statuses(both.one("push", both.write(site, {}))) == ["changed", "changed"]


def test_check_says_what_would_come_and_brings_nothing(both: Any) -> None:
    for seen in afresh(both, text(), mode="check").values():
        assert statuses(seen) == ["changed", "changed"]
    assert not (both.folder / "fetched").exists()


def test_a_file_that_does_not_say_its_size_comes_whole(both: Any) -> None:
    afresh(both, text(path="'/proc/version'"))
    assert kept(both, "/proc/version").read_text() == Path("/proc/version").read_text()


@pytest.mark.parametrize(
    ("path", "to", "allow"),
    [
        (FILE, "fetched", "pass"),
        (FILE, "elsewhere", ALLOW),
        (FILE, "fetched/here", ALLOW),
        (FILE, "../fetched", ALLOW),
        ("'/etc/passwd'", "fetched", ALLOW),
        ('OUT + "/sub/a.log"', "fetched", ALLOW),
        ('OUT + "/../out/a.log"', "fetched", ALLOW),
        ('OUT + "//a.log"', "fetched", ALLOW),
    ],
)
def test_what_the_policy_does_not_allow_is_refused_with_its_remedy_and_told(
    path: str, to: str, allow: str, both: Any
) -> None:
    prepare = 'Directory(OUT + "/sub"); [File(OUT + "/" + one, from_content="x") for one in ("a.log", "sub/a.log")]'
    for mode in ("check", "apply"):
        for seen in afresh(both, text(path=path, to=to, allow=allow, prepare=prepare), mode=mode).values():
            assert "may not be fetched to" in seen.failure
            assert "allow_fetching()" in seen.failure
            assert [event.text for event in seen.events if isinstance(event, Warned)][-1].startswith("refused: ")
    assert not (both.folder / "fetched").exists()
    assert not (both.folder.parent / "fetched").exists()


@pytest.mark.parametrize(("path", "said"), [("'/etc'", "is a directory"), ("'/nothing'", "does not exist")])
def test_what_is_no_file_is_an_error(path: str, said: str, both: Any) -> None:
    for seen in afresh(both, text(path=path)).values():
        assert said in seen.failure


def test_links_that_stand_in_the_way_on_the_control_machine_are_not_followed(both: Any, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "hostname").write_text("precious")
    (both.folder / "fetched" / "here").mkdir(parents=True)
    (both.folder / "fetched" / "here" / "etc").symlink_to(outside)
    site = both.write(text(path="'/etc/hostname'"), {})
    assert "cannot be put on the control machine" in both.one("push", site).failure
    (both.folder / "fetched" / "here" / "etc").unlink()
    (both.folder / "fetched" / "here" / "etc").mkdir()
    kept(both, "/etc/hostname").symlink_to(outside / "hostname")
    both.one("push", site)
    assert not kept(both, "/etc/hostname").is_symlink()
    assert (outside / "hostname").read_text() == "precious"


def test_an_answer_of_allow_fetching_that_means_nothing_is_an_error_before_anything_runs(both: Any) -> None:
    site = both.write(text(allow="def allow_fetching(self): return ['fetched']"), {})
    with pytest.raises(Exception, match="did not return a dict"):
        both.one("push", site)


def test_the_policy_may_allow_for_all_its_roles(both: Any) -> None:
    site = text(allow="pass").replace("class Site(Policy):", f"class Site(Policy):\n    {ALLOW}")
    afresh(both, site)
    assert [path.name for path in (both.folder / "fetched").iterdir()] == ["here"]


def test_what_one_host_left_is_not_for_another_role_to_have(both: Any) -> None:
    site = both.write(
        text().replace("Roles(One())", "Roles(One(), Two())")
        + "\nclass Two(Role):\n    def inventory(self): return inventory\n"
        + '    def main(self): File(OUT + "/b", from_file="fetched/here" + OUT + "/a.log")\n',
        {},
    )
    seen = both.one("push", site)
    assert "where hosts leave files, and no other host may have those" in seen.failure
    assert "allow_fileserving_paths()" in seen.failure
    (told,) = [event.text for event in seen.events if isinstance(event, Warned)]
    assert told.startswith("refused: 'fetched/here")
