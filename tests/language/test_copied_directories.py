"""Directories that are copied with all in them, in both modes."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from opsmop.events import ResourceFailed, ResourceFinished

FILES = {
    "app/bin/tool": "#!/bin/sh\n",
    "app/etc/app.conf": "a = 1\n",
    "app/etc/empty": "",
    "app/readme": "hello\n",
    "app/.readme.swp": "editor",
    "app/data/large": b"\0\1\2" * 700_000,
}
SITE = """\
class One(Role):
    def inventory(self):
        return inventory
    def main(self):
        {prepare}
        Directory(OUT + "/app", from_dir="app", excludes=[".*.swp"]{more})

class Site(Policy):
    def set_roles(self):
        return Roles(One())
"""


@pytest.fixture
def app(both: Any) -> Path:
    """The directory beside the policy, with modes and links of its own."""
    both.write("", FILES)
    folder: Path = both.folder / "app"
    (folder / "bin/tool").chmod(0o755)
    (folder / "etc/app.conf").chmod(0o640)
    (folder / "data").chmod(0o750)
    (folder / "current").symlink_to("bin/tool")
    (folder / "dangling").symlink_to("/nowhere/at/all")
    return folder


def site(both: Any, *, prepare: str = "pass", more: str = "") -> Path:
    written: Path = both.write(SITE.format(prepare=prepare, more=more), {})
    return written


def tree(folder: Path) -> dict[str, tuple[str, object]]:
    """All in a folder: mode and content, or where it points."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content: object = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        mode = "" if path.is_symlink() else oct(stat.S_IMODE(status.st_mode))
        found[str(path.relative_to(folder))] = (mode, content)
    return found


def last(seen: Any) -> ResourceFinished:
    ended = [event for event in seen.events if isinstance(event, (ResourceFinished, ResourceFailed))]
    assert isinstance(ended[-1], ResourceFinished), ended[-1]
    return ended[-1]


def wanted(app: Path) -> dict[str, tuple[str, object]]:
    return {name: found for name, found in tree(app).items() if name != ".readme.swp"}


PLAIN = SITE.format(prepare="pass", more="")


def test_all_of_it_comes_with_its_modes_and_links(both: Any, app: Path) -> None:
    seen = both(PLAIN)
    assert tree(seen.out / "app") == wanted(app)
    assert [(change.name, change.after) for change in last(seen).changes] == [
        ("create", "0755"),
        ("tree", "10 added"),
    ]


def test_check_announces_what_apply_does_and_a_second_apply_changes_nothing(both: Any, app: Path) -> None:
    twice = PLAIN.replace("class Site", "class Two(One):\n    pass\n\nclass Site").replace("(One())", "(One(), Two())")
    check = both(twice, mode="check")
    assert list(check.out.iterdir()) == []
    apply = both(twice)
    finished = [[event for event in seen.events if isinstance(event, ResourceFinished)] for seen in (check, apply)]
    assert [one.changes for one in finished[0]] == [one.changes for one in finished[1]]
    assert [bool(one.changes) for one in finished[1]] == [True, False]


def test_what_differs_is_one_change_that_names_it(both: Any, app: Path) -> None:
    prepare = "import shutil, os; from pathlib import Path; shutil.copytree({src!r}, OUT + '/app', symlinks=True); os.remove(OUT + '/app/.readme.swp');"
    prepare += "Path(OUT + '/app/readme').write_text('old'); os.remove(OUT + '/app/etc/empty');"
    prepare += "os.chmod(OUT + '/app/bin/tool', 0o700); Path(OUT + '/app/more').write_text('more')"
    text = SITE.format(prepare=prepare.format(src=str(app)), more="")
    seen = both(text, diff=True)
    (change,) = last(seen).changes
    assert (change.name, change.after) == ("tree", "1 added, 2 updated")
    shown = [line.partition(":")[0] for line in change.diff.splitlines()[3:]]
    assert sorted(shown) == ["+bin/tool", "+etc/empty", "+readme", "-bin/tool", "-readme"]
    assert (seen.out / "app/more").read_text() == "more"
    assert (seen.out / "app/readme").read_text() == "hello\n"


def test_delete_removes_what_is_not_in_it_and_leaves_what_is_excluded(both: Any, app: Path) -> None:
    prepare = "import os; os.makedirs(OUT + '/app/old/deep'); open(OUT + '/app/old/deep/file', 'w').close();"
    prepare += (
        "open(OUT + '/app/.x.swp', 'w').close(); os.symlink('/etc', OUT + '/app/etc'); os.mkdir(OUT + '/app/readme')"
    )
    seen = both(SITE.format(prepare=prepare, more=", delete=True"), diff=True)
    (change,) = last(seen).changes
    assert change.after == "8 added, 2 updated, 1 removed"
    assert "-old: 0755" in change.diff
    left = tree(seen.out / "app")
    assert left.pop(".x.swp")
    assert left == wanted(app)
    assert Path("/etc/hostname").exists()


def test_what_matches_a_pattern_has_a_mode_of_its_own(both: Any, app: Path) -> None:
    modes = {"*": "go-w", "etc": 0o640, "etc/empty": 0o444, "bin/*": "u=rwx,go=", "data/none": 0o777}
    text = SITE.format(prepare="pass", more=f", modes={modes}")
    check, apply = both(text, mode="check"), both(text)
    assert [change.after for change in last(check).changes] == [change.after for change in last(apply).changes]
    found = {name: mode for name, (mode, _) in tree(apply.out / "app").items()}
    own = {name: mode for name, (mode, _) in wanted(app).items()}
    assert found == {
        **own, "etc": "0o750", "etc/app.conf": "0o640", "etc/empty": "0o444", "bin/tool": "0o700",
    }, "numbers let who may read a directory enter it, and the last pattern counts"  # fmt: skip


def test_modes_of_patterns_are_the_same_again_and_are_set_right(both: Any, app: Path) -> None:
    prepare = (
        "import shutil, os; shutil.copytree({src!r}, OUT + '/app', symlinks=True); os.remove(OUT + '/app/.readme.swp');"
    )
    prepare += "os.chmod(OUT + '/app/bin/tool', 0o700)"
    text = SITE.format(prepare=prepare.format(src=str(app)), more=', modes={"etc/*": 0o600, "bin/tool": 0o700}')
    (change,) = last(both(text, diff=True)).changes
    assert change.after == "2 updated"
    assert sorted(line.partition(":")[0] for line in change.diff.splitlines()[3:]) == [
        "+etc/app.conf", "+etc/empty", "-etc/app.conf", "-etc/empty",
    ]  # fmt: skip


def test_something_else_in_the_way_is_an_error_without_delete(both: Any, app: Path) -> None:
    prepare = "import os; os.makedirs(OUT + '/app'); os.symlink('/etc', OUT + '/app/etc')"
    failure = both(SITE.format(prepare=prepare, more="")).failure
    assert "app/etc is a link, and a directory in the directory that is copied" in failure
    assert "delete=True replaces it" in failure


def test_a_directory_that_nobody_may_write_to_is_filled_and_then_closed(both: Any, app: Path) -> None:
    (app / "etc").chmod(0o555)
    seen = both(PLAIN)
    assert stat.S_IMODE((seen.out / "app/etc").stat().st_mode) == 0o555
    assert (seen.out / "app/etc/app.conf").exists()
    (seen.out / "app/etc").chmod(0o755)
    (app / "etc").chmod(0o755)


def test_what_the_rules_refuse_is_an_error_that_names_the_rule(both: Any, app: Path) -> None:
    (app / "main.py").write_text("code")
    seen = both.one("push", site(both))
    assert "'app/main.py' matches the deny pattern '*.py'" in seen.failure
    assert not (seen.out / "app").exists()
    allowed = SITE.format(prepare="pass", more="").replace(
        "def main", "def deny_fileserving_patterns(self): return []\n    def main"
    )
    seen = both.one("push", both.write(allowed, {}))
    assert (seen.out / "app/main.py").read_text() == "code"


def test_a_pipe_in_it_is_an_error_unless_it_is_excluded(both: Any, app: Path) -> None:
    os.mkfifo(app / "pipe")
    assert "'app/pipe' is no file, directory or link" in both(PLAIN).failure
    seen = both(PLAIN.replace('".*.swp"', '".*.swp", "pipe"'))
    assert tree(seen.out / "app") == {name: found for name, found in wanted(app).items() if name != "pipe"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("../app", "outside of what this role serves"), ("nowhere", "No such file"), ("app/readme", "is not a directory")],
)
def test_what_is_no_directory_of_the_roles_is_refused(name: str, said: str, both: Any, app: Path) -> None:
    (both.folder.parent / "app").mkdir(exist_ok=True)
    seen = both.one("push", both.write(PLAIN.replace('from_dir="app"', f'from_dir="{name}"'), {}))
    assert said in seen.failure


def test_parameters_that_contradict_each_other_are_refused(both: Any, app: Path) -> None:
    for more, said in (
        (", recursive=True", "only one of recursive, from_dir"),
        (", absent=True", "only one of absent, only, from_dir"),
    ):
        assert said in both(SITE.format(prepare="pass", more=more)).failure
    for more, said in (
        ('excludes=["x"]', "excludes= means nothing without from_dir="),
        ('modes={"x": 0o600}', "modes= means nothing without from_dir="),
        ('from_dir="app", modes={"*.sh": 644}', "modes['*.sh']=644 is a decimal number"),
        ('from_dir="app", modes={"x": "rw"}', "modes['x']='rw' is not octal digits, nor symbols"),
    ):
        assert said in both(PLAIN.replace('from_dir="app", excludes=[".*.swp"]', more)).failure


def test_an_empty_directory_is_copied_too(both: Any, app: Path) -> None:
    (both.folder / "nothing").mkdir()
    seen = both(PLAIN.replace('from_dir="app"', 'from_dir="nothing", delete=True'))
    assert tree(seen.out / "app") == {}
