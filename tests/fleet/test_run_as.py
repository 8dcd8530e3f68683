"""Another user of the target looks, writes and runs commands."""

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, difference
from tests.fleet.laws import OURS, everywhere
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "bookworm")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        for host in fleet.hosts:
            host.run("useradd -m ana; groupadd crew; usermod -aG crew ana; useradd -m bo; chmod 700 /home/bo")
        yield fleet


def test_what_another_user_makes_is_that_users_own(fleet: Fleet, tmp_path: Path) -> None:
    main = """
    Directory("/home/ana/site", run_as="ana", mode=0o750)
    File("/home/ana/site/conf", from_content="x", run_as="ana")
    Shell("id -un > ~/who; id -Gn >> ~/who; echo $HOME $USER $LOGNAME >> ~/who", run_as="ana", creates="/home/ana/who")
    File("/root/mine", from_content="root's again")
    """
    before = {host.name: host.snapshot(OURS) for host in fleet.hosts}
    announced = check(fleet, tmp_path, main).changes
    for host in fleet.hosts:
        assert difference(before[host.name], host.snapshot(OURS)) == []
    made = apply(fleet, tmp_path, main).changes
    assert made == [change.rstrip("?") for change in announced]
    assert apply(fleet, tmp_path, main).changes == []
    assert everywhere(fleet, "stat -c '%U %G' /home/ana/site /home/ana/site/conf /home/ana/who") == "ana ana\n" * 3
    assert everywhere(fleet, "stat -c %U /root/mine") == "root\n"
    assert everywhere(fleet, "cat /home/ana/who") == "ana\nana crew\n/home/ana ana ana\n"


def test_a_command_of_another_user_cannot_become_root_again(fleet: Fleet, tmp_path: Path) -> None:
    program = (
        "import os; print(os.getresuid() == (os.getuid(),) * 3, os.getresgid() == (os.getgid(),) * 3, os.getuid() > 0)"
    )
    said = apply(fleet, tmp_path, f"Shell({f'python3 -c {program!r}'!r}, run_as='ana', run_in_check=True)")
    assert said.outputs == "True True True\n" * len(RELEASES) or said.outputs.split() == ["True"] * 3 * len(RELEASES)


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_the_kernel_refuses_another_user_what_it_may_not_touch(fleet: Fleet, tmp_path: Path, mode: str) -> None:
    for main in (
        'File("/etc/conf", from_content="x", run_as="ana")',
        'File("/home/bo/conf", from_content="x", run_as="ana")',
        'File("/etc/passwd", mode=0o600, run_as="ana")',
    ):
        failed = push(fleet, tmp_path, main, mode=mode)
        assert len(failed.failures) >= len(RELEASES), main
        assert all("ermi" in text or "not" in text for text in failed.failures), failed.failures


def test_files_of_the_policy_reach_another_users_file(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("from the policy\n")
    (tmp_path / "conf").chmod(0o600)
    (tmp_path / "conf.j2").write_text("rendered as {{ FileTests.user('/root/.profile') }}\n")
    apply(
        fleet,
        tmp_path,
        """
        File("/home/ana/conf", from_file="conf", run_as="ana")
        File("/home/ana/rendered", from_template="conf.j2", run_as="ana")
        """,
    )
    assert everywhere(fleet, "cat /home/ana/conf /home/ana/rendered") == "from the policy\nrendered as root\n"


def test_who_is_not_root_cannot_act_as_another(fleet: Fleet, tmp_path: Path) -> None:
    failed = push(fleet, tmp_path, 'File("/home/ana/no", run_as="ana")', sudo=False)
    assert sum("only root may act as ana" in text for text in failed.failures) >= len(RELEASES)


def test_a_user_who_is_only_planned_acts_by_assumption(fleet: Fleet, tmp_path: Path) -> None:
    main = """
    User("cy")
    File("/home/cy/conf", from_content="x", run_as="cy")
    """
    announced = check(fleet, tmp_path, main).changes
    assert [change for change in announced if change.endswith("?")] == ["create?"] * len(RELEASES)
    apply(fleet, tmp_path, main)
    assert everywhere(fleet, "stat -c '%U %G' /home/cy/conf") == "cy cy\n"
    assert apply(fleet, tmp_path, main).changes == []


def test_a_command_of_another_user_that_takes_too_long_is_ended(fleet: Fleet, tmp_path: Path) -> None:
    failed = push(fleet, tmp_path, 'Shell("sleep 4711", run_as="ana", timeout=1)')
    assert sum("took too long" in text for text in failed.failures) >= len(RELEASES)
    assert everywhere(fleet, "pgrep -f 'sleep 471[1]'") == ""


def test_code_that_only_root_may_read_is_loaded_all_the_same(fleet: Fleet, tmp_path: Path) -> None:
    """And what could not be listed meanwhile is not remembered as empty."""
    main = """
    File("/home/ana/lazy", from_content="x", mode="u=rw,go=", run_as="ana", only_if="true")
    Line("/home/ana/lazy", "y", run_as="ana", backup=True)
    import html.parser, xml.dom.minidom
    Echo(html.parser.__name__)
    """
    for host in fleet.hosts:
        host.run("chmod 700 /usr/lib/python3.*")
    said = apply(fleet, tmp_path, main)
    for host in fleet.hosts:
        host.run("chmod 755 /usr/lib/python3.*")
    assert said.outputs.count("html.parser") == len(RELEASES)
    assert everywhere(fleet, "stat -c %U /home/ana/lazy*") == "ana\nana\n"


LOCAL = """
from opsmop import *

class One(Role):
    def inventory(self):
        return TomlInventory("inventory.toml")

    def main(self):
        File("../theirs/large", from_file="files/large", run_as="nobody")
        Directory("../theirs/tree", from_dir="files", run_as="nobody")
        File("../theirs/small", from_file="files/small", run_as="nobody")

class Site(Policy):
    def set_roles(self):
        return Roles(One())

if __name__ == "__main__":
    Cli(Site())
"""


def test_large_files_that_only_root_may_read_reach_another_users_file_locally_too() -> None:
    """On this machine itself, where nothing but the user who acts stands between a role and the policy's files."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        (place / "policy" / "files").mkdir(parents=True)
        (place / "theirs").mkdir()
        os.chown(place / "theirs", pwd.getpwnam("nobody").pw_uid, -1)
        large, small = b"large" * (1 << 20), b"small"
        (place / "policy" / "files" / "large").write_bytes(large)
        (place / "policy" / "files" / "small").write_bytes(small)
        (place / "policy" / "site.py").write_text(LOCAL.replace("..", name))
        (place / "policy" / "inventory.toml").write_text('[groups.all.hosts]\nhere = "opsmop_connection=local"\n')
        (place / "policy").chmod(0o700)
        done = subprocess.run(
            [sys.executable, place / "policy" / "site.py", "--local", "--apply"],
            env={**os.environ, "HOME": str(place / "home")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        there = [place / "theirs" / name for name in ("large", "small", "tree/large", "tree/small")]
        assert [path.read_bytes() for path in there] == [large, small] * 2
        assert {path.owner() for path in there} == {"nobody"}
