"""A host whose kernel enforces SELinux: nothing of ours needs it to be permissive, and nothing of ours is denied there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.harness import EnforcingFleet, Host
from tests.fleet.pushing import Pushed, apply, check, push
from tests.fleet.test_fleet_harness import traces

MAIN = """\
Directory("/srv/site", mode=0o755)
File("/srv/site/page", from_content="one\\n", mode=0o644)
File("/etc/motd", from_content="two\\n")
Line("/etc/hosts", "127.0.0.1 here")
Block("/etc/issue", "three\\n")
User("guest", shell="/bin/bash")
AuthorizedKey("guest", key={key!r})
Cron("nightly", "/bin/true", hour=3)
Service("cron", started=True, enabled=True)
"""
SEUSERS = "/etc/selinux/default/seusers"


@pytest.fixture(scope="module")
def fleet() -> Iterator[EnforcingFleet]:
    with EnforcingFleet() as booted:
        yield booted


@pytest.fixture
def host(fleet: EnforcingFleet) -> Host:
    return fleet.hosts[0]


@contextmanager
def nothing_denied(host: Host) -> Iterator[None]:
    """The host enforces before and after, and denies nothing in between that it had not denied to others before."""
    assert host.run("getenforce").stdout == "Enforcing\n"
    before = denials(host)
    yield
    assert host.run("getenforce").stdout == "Enforcing\n"
    assert denials(host) - before == set()


def denials(host: Host) -> set[str]:
    """What was denied to which program: lines of the kernel's log, without what differs each time."""
    lines = [line for line in host.run("dmesg").stdout.splitlines() if "avc:  denied" in line]
    return {re.sub(r"^.*avc:|\b(pid|ino)=\d+", "", line) for line in lines}


def context(host: Host, path: str) -> str:
    """The type in a path's label."""
    return host.run(["stat", "--format=%C", path]).stdout.split(":")[2]


@contextmanager
def confined(host: Host) -> Iterator[None]:
    """Let ops log in as one who may do little until sudo gives another role."""
    host.run(f"cp -a {SEUSERS} /root/seusers; echo 'ops:staff_u:s0-s0:c0.c1023' >> {SEUSERS}")
    try:
        yield
    finally:
        host.run(f"cat /root/seusers > {SEUSERS}")


def pushed(fleet: EnforcingFleet, folder: Path, main: str, **variables: Any) -> Pushed:
    made = fleet.inventory
    fleet.inventory = lambda path, **_: made(path, **variables)  # type: ignore[method-assign]
    try:
        return push(fleet, folder, main)
    finally:
        fleet.inventory = made  # type: ignore[method-assign]


def test_check_is_true_and_a_second_apply_is_silent(fleet: EnforcingFleet, host: Host, tmp_path: Path) -> None:
    main = MAIN.format(key=fleet.key.with_suffix(".pub").read_text().strip())
    with nothing_denied(host):
        announced = check(fleet, tmp_path, main).changes
        assert host.run("ls /srv; getent passwd guest", check=False).stdout == ""
        assert apply(fleet, tmp_path, main).changes == [change.rstrip("?") for change in announced]
        code = host.run("stat --format='%n %Z' /root/.opsmop/code/*").stdout
        assert apply(fleet, tmp_path, main).changes == []
    assert host.run("stat --format='%n %Z' /root/.opsmop/code/*").stdout == code != "", "code is kept, and used again"
    assert host.run("id -un", user="guest").stdout == "guest\n", "sshd reads keys"
    assert context(host, "/home/guest/.ssh/authorized_keys") == "ssh_home_t"
    assert host.run("restorecon -nvR /srv /etc /home /root /var/spool/cron").stdout == "", "labels are the policy's"


def test_a_type_is_given_and_one_that_the_policy_does_not_know_is_refused(
    fleet: EnforcingFleet, host: Host, tmp_path: Path
) -> None:
    main = 'File("/srv/typed", from_content="x", setype="{}")'
    with nothing_denied(host):
        apply(fleet, tmp_path, main.format("httpd_sys_content_t"))
        assert context(host, "/srv/typed") == "httpd_sys_content_t"
        assert apply(fleet, tmp_path, main.format("httpd_sys_content_t")).changes == []
    for mode in ("check", "apply"):
        refused = push(fleet, tmp_path, main.format("nobody_knows_t"), mode=mode).failures
        assert "does not know the label system_u:object_r:nobody_knows_t:s0" in refused[0]
    assert context(host, "/srv/typed") == "httpd_sys_content_t"


def test_sudo_gives_a_confined_user_the_role_and_type_that_are_asked_for(
    fleet: EnforcingFleet, host: Host, tmp_path: Path
) -> None:
    asked = {"opsmop_sudo_role": "sysadm_r", "opsmop_sudo_type": "sysadm_t"}
    with confined(host):
        assert host.run("id -Z", user="ops").stdout.split(":")[:3] == ["staff_u", "staff_r", "staff_t"]
        # sudo itself looks at the first process, which is denied to it whoever calls it
        host.run("sudo -n -r sysadm_r -t sysadm_t true", user="ops")
        with nothing_denied(host):
            done = pushed(fleet, tmp_path, 'Shell("id -Z")', **asked)
    assert done.failures == []
    assert done.outputs.split(":")[:3] == ["staff_u", "sysadm_r", "sysadm_t"]


def test_an_enforcing_host_leaves_nothing_behind() -> None:
    with EnforcingFleet() as fleet:
        assert traces(fleet)
    assert traces(fleet) == []
