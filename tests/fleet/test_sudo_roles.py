"""A role and a type of SELinux for sudo, as far as a kernel without SELinux can show them; and a sudo that knows neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.pushing import Pushed, push
from tests.fleet.test_passwords import sudoers

Boot = Callable[..., Fleet]
OPTIONS = "-r sysadm_r -t sysadm_t --"
# The sudo that leads to this process waits for it: what it was started with is there to be read.
MAIN = """\
Shell("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\\\0' ' ' | grep -ao 'sudo -[^/]* -- '")
File("/root/made", from_content="x")
"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(["bullseye", "bookworm", "trixie"]) as booted:
        yield booted


def pushed(fleet: Fleet, folder: Path, **variables: Any) -> Pushed:
    said = {"opsmop_sudo_role": "sysadm_r", "opsmop_sudo_type": "sysadm_t", **variables}
    made = fleet.inventory
    fleet.inventory = lambda path, **_: made(path, **said)  # type: ignore[method-assign]
    try:
        return push(fleet, folder, MAIN)
    finally:
        fleet.inventory = made  # type: ignore[method-assign]


def told(done: Pushed) -> list[str]:
    """How sudo was started on each host; the one of a terminal watches over itself, and is seen twice."""
    said = sorted((each.host, each.output.strip()) for each in done.ended if "sudo" in getattr(each, "output", ""))
    return [line for _, output in said for line in dict.fromkeys(map(str.strip, output.splitlines()))]


@contextmanager
def instead_of_sudo(host: Host, other: str) -> Iterator[None]:
    host.run(f"mv /usr/bin/sudo /usr/bin/sudo.away; ln -s {other} /usr/bin/sudo")
    try:
        yield
    finally:
        host.run("mv /usr/bin/sudo.away /usr/bin/sudo")


def test_sudo_is_given_the_role_and_the_type_and_takes_no_notice_without_selinux(fleet: Fleet, tmp_path: Path) -> None:
    done = pushed(fleet, tmp_path)
    assert (done.failures, told(done)) == ([], [f"sudo -n -H -u root {OPTIONS}"] * len(fleet.hosts))


def test_a_sudo_on_a_terminal_is_given_them_too(fleet: Fleet, tmp_path: Path) -> None:
    made = {host.name: host for host in fleet.hosts}
    with sudoers(made["bookworm1"], "Defaults requiretty"), sudoers(made["trixie1"], "Defaults requiretty"):
        done = pushed(fleet, tmp_path)
    on_terminal = f"sudo -p mitogen-sudo-prompt: -u root -H {OPTIONS}"
    assert (done.failures, told(done)) == ([], [on_terminal, f"sudo -n -H -u root {OPTIONS}", on_terminal])


def test_a_sudo_that_knows_neither_fails_its_own_host_alone(fleet: Fleet, tmp_path: Path) -> None:
    *others, last = fleet.hosts
    last.run("apt-get install -y -qq sudo-rs")
    for host in fleet.hosts:
        host.run("rm -f /root/made")
    with instead_of_sudo(last, "sudo-rs"):
        done = pushed(fleet, tmp_path)
        plain = push(fleet, tmp_path, 'Echo("plain")')
    assert plain.failures == []
    assert len(done.failures) == 1
    assert f"{last.name} has a sudo that knows nothing of SELinux (from ops to root)" in done.failures[0]
    assert "Take opsmop_sudo_role and opsmop_sudo_type away for it" in done.failures[0]
    assert [host.run("cat /root/made").stdout for host in others] == ["x", "x"]


@pytest.mark.parametrize("method", ["su", "doas"])
def test_what_has_no_such_options_refuses_them_before_anybody_logs_in(
    fleet: Fleet, tmp_path: Path, method: str
) -> None:
    done = pushed(fleet, tmp_path, opsmop_become_method=method)
    assert len(done.failures) == len(fleet.hosts)
    assert all(f"{method} cannot give the role and type of SELinux" in failure for failure in done.failures)
