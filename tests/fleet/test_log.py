"""The log on real hosts: in the home of whoever evaluates, and never in the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fleet.harness import Fleet
from tests.fleet.pushing import check, push

Boot = Callable[..., Fleet]


def test_the_log_is_in_the_home_of_the_user_who_evaluates(boot: Boot, tmp_path: Path) -> None:
    fleet = boot("bullseye", "trixie")
    push(fleet, tmp_path, 'File("/srv/by-root", from_content="x")', sudo=True)
    push(fleet, tmp_path, 'File("/tmp/by-ops", from_content="x")', sudo=False)
    for host in fleet.hosts:
        stated = host.run("stat -c '%U %a' /root/.opsmop /root/.opsmop/opsmop.log").stdout.split()
        assert stated == ["root", "700", "root", "600"]
        assert "File /srv/by-root  create" in host.run("cat /root/.opsmop/opsmop.log").stdout
        home = host.run("cd; pwd", user="ops").stdout.strip()
        stated = host.run(f"stat -c '%U %a' {home}/.opsmop {home}/.opsmop/opsmop.log").stdout.split()
        assert stated == ["ops", "700", "ops", "600"]
        assert "File /tmp/by-ops  create" in host.run(f"cat {home}/.opsmop/opsmop.log").stdout


def test_a_full_disk_and_a_read_only_home_fail_no_role(boot: Boot, tmp_path: Path) -> None:
    fleet = boot("bookworm", "bookworm")
    full, read_only = fleet.hosts
    full.run("mkdir -m 700 /root/.opsmop && mount -t tmpfs -o size=16k,mode=700 tmpfs /root/.opsmop")
    full.run("head -c 100000 /dev/zero > /root/.opsmop/filler", check=False)
    read_only.run("mkdir -m 700 /root/.opsmop && mount -t tmpfs -o ro,mode=700 tmpfs /root/.opsmop")
    for attempt in (check, push):
        pushed = attempt(fleet, tmp_path, 'File("/srv/made", from_content="x")')
        assert pushed.failures == []
        said = [text.rpartition(": ")[2] for text in pushed.warnings if text.startswith("the log ")]
        assert sorted(said) == ["No space left on device", "Read-only file system"]
    assert {host.run("cat /srv/made").stdout for host in fleet.hosts} == {"x"}


def test_a_user_without_a_home_is_told_once_of_the_log_and_the_lock(boot: Boot, tmp_path: Path) -> None:
    fleet = boot("bookworm")
    (host,) = fleet.hosts
    host.run("sed -i 's|:/root:|:/nonexistent:|' /etc/passwd")
    checked = check(fleet, tmp_path, 'File("/srv/made", from_content="x")')
    assert [text.rpartition(": ")[2] for text in checked.warnings] == ["the user's home /nonexistent is not there"]
    pushed = push(fleet, tmp_path, 'File("/srv/made", from_content="x")')
    assert pushed.failures == []
    assert pushed.warnings == [
        "the user's home /nonexistent is not there: no log is kept there, and another run may be at work here at the same time"
    ]
