"""Becoming another user, several Pythons, and hosts that die, on real hosts that have nothing of ours."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.harness.host import Host
from tests.ssh.hearing import Heard, nothing_served, order_for

from opsmop.errors import ConnectError, HostLostError, SudoError
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct

PYTHONS = {"bullseye": [3, 9], "bookworm": [3, 11], "trixie": [3, 13]}
OURS = "pgrep -fc '[O]PSMOP-READY'"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(list(PYTHONS)) as booted:
        yield booted


@pytest.fixture(params=list(PYTHONS))
def host(request: pytest.FixtureRequest, fleet: Fleet) -> Host:
    return next(host for host in fleet.hosts if host.release == request.param)


def route(fleet: Fleet, host: Host, user: str = "ops", become: str | None = "root", **details: Any) -> Route:
    return Route(
        host=host.name,
        address=host.address,
        user=user,
        key_file=str(fleet.key),
        known_hosts=str(fleet.known_hosts),
        ssh_args=("-F", "/dev/null"),
        become=become,
        **details,
    )


def evaluated(direct: Direct, way: Route, role: Any, heard: Heard | None = None) -> Heard:
    heard = heard or Heard()
    direct.evaluate(way, order_for(role, way.host), None, heard.events.append, nothing_served)
    return heard


def who(direct: Direct, way: Route, roles: ModuleType) -> Any:
    return json.loads(evaluated(direct, way, roles.Who()).ending.value)


@contextmanager
def sudoers(host: Host, text: str) -> Iterator[None]:
    """One more file of sudoers."""
    host.run("cat > /etc/sudoers.d/zz-test && chmod 440 /etc/sudoers.d/zz-test", input=text + "\n")
    try:
        yield
    finally:
        host.run("rm /etc/sudoers.d/zz-test")


def test_a_role_becomes_root_on_every_supported_python(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    found = who(direct, route(fleet, host), roles)
    assert (found["uid"], found["home"], found["python"]) == (0, "/root", PYTHONS[host.release])


def test_a_role_becomes_an_ordinary_user_or_stays_the_login(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    plain = int(host.run("id -u plain").stdout)
    assert who(direct, route(fleet, host, become="plain"), roles)["uid"] == plain
    assert who(direct, route(fleet, host, user="plain", become=None), roles)["uid"] == plain
    assert who(direct, route(fleet, host, user="root"), roles)["uid"] == 0


def test_roles_that_become_different_users_do_not_share_a_process(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    uids = [who(direct, route(fleet, host, become=become), roles)["uid"] for become in ("root", None, "root")]
    assert uids[0] == uids[2] == 0
    assert uids[1] != 0


def test_a_user_without_sudo_is_told_apart(fleet: Fleet, host: Host, direct: Direct, roles: ModuleType) -> None:
    with pytest.raises(SudoError, match=r"password for sudo|may not use sudo") as caught:
        who(direct, route(fleet, host, user="plain"), roles)
    assert caught.value.host == host.name
    assert "from plain to root" in str(caught.value)


def test_a_user_who_needs_a_password_for_sudo_is_told_so(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with sudoers(host, "plain ALL=(ALL:ALL) ALL"), pytest.raises(SudoError, match="needs a password") as caught:
        who(direct, route(fleet, host, user="plain"), roles)
    assert "NOPASSWD" in caught.value.remedy


def test_a_user_whom_sudo_allows_something_else_is_told_so(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with sudoers(host, "plain ALL=(ALL:ALL) NOPASSWD: /bin/true"), pytest.raises(SudoError):
        who(direct, route(fleet, host, user="plain"), roles)


def test_requiretty_gets_a_terminal(fleet: Fleet, host: Host, direct: Direct, roles: ModuleType) -> None:
    with sudoers(host, "Defaults:ops requiretty"):
        assert who(direct, route(fleet, host), roles)["uid"] == 0


def test_sudo_with_a_terminal_of_its_own_carries_the_frames(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with sudoers(host, "Defaults use_pty, log_output"):
        assert who(direct, route(fleet, host), roles)["uid"] == 0


def test_a_user_to_become_who_does_not_exist_is_named(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with pytest.raises(SudoError, match="knows no such user to become") as caught:
        who(direct, route(fleet, host, become="nobody-here"), roles)
    assert "nobody-here" in str(caught.value)


def test_a_host_without_sudo_is_named(fleet: Fleet, host: Host, direct: Direct, roles: ModuleType) -> None:
    host.run("mv /usr/bin/sudo /usr/bin/sudo.away")
    try:
        with pytest.raises(SudoError, match="has no sudo"):
            who(direct, route(fleet, host), roles)
    finally:
        host.run("mv /usr/bin/sudo.away /usr/bin/sudo")


def test_a_wrong_python_path_is_named_with_sudo_too(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    with pytest.raises(ConnectError, match="no Python at /opt/none/python3"):
        who(direct, route(fleet, host, python="/opt/none/python3"), roles)


def test_a_python_under_another_name_is_found_and_what_is_too_old_is_told(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    minor = PYTHONS[host.release][1]
    own, away = f"/usr/bin/python3.{minor}", f"/opt/python3.{minor}"
    old = "printf '#!/bin/sh\\necho False3.6.8\\n' > /usr/bin/python3 && chmod 755 /usr/bin/python3"
    host.run(f"rm /usr/bin/python3 && {old}")
    try:
        assert who(direct, route(fleet, host), roles)["python"] == PYTHONS[host.release]
        host.run(f"mv {own} {away}")
        with pytest.raises(
            ConnectError, match=r"no Python 3\.9 or newer: /usr/bin/python3 is Python 3\.6\.8"
        ) as caught:
            who(direct, route(fleet, host, become=None), roles)
        assert "opsmop_python_path" in caught.value.remedy
        host.run("rm /usr/bin/python3")
        with pytest.raises(ConnectError, match="none was found at all"):
            who(direct, route(fleet, host, user="plain", become=None), roles)
    finally:
        host.run(f"test -e {own} || mv {away} {own}; ln -sf python3.{minor} /usr/bin/python3")


def test_nothing_of_ours_is_left_on_disk_or_running(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    before = host.snapshot()
    who(direct, route(fleet, host), roles)
    direct.close()
    assert host.snapshot() == before
    assert host.run(OURS, check=False).stdout.strip() == "0"


def test_a_cancelled_role_ends_its_commands_as_root(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    role, heard = roles.Commander(marks="/tmp"), Heard()
    thread = threading.Thread(target=evaluated, args=(direct, route(fleet, host), role, heard))
    thread.start()
    host.run("while ! test -s /tmp/command; do sleep 0.05; done")
    direct.cancel()
    thread.join(30)
    assert heard.ending.status == "cancelled"
    assert host.run("pgrep -c -g $(cat /tmp/command); rm /tmp/command", check=False).stdout.strip() == "0"


def test_a_controller_that_closes_everything_leaves_nothing_on_the_host(
    fleet: Fleet, host: Host, direct: Direct, roles: ModuleType
) -> None:
    errors: list[Exception] = []

    def run() -> None:
        try:
            evaluated(direct, route(fleet, host), roles.Commander(marks="/tmp"))
        except HostLostError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    host.run("while ! test -s /tmp/command; do sleep 0.05; done")
    direct.close()
    thread.join(30)
    left = f"{OURS}; pgrep -c -g $(cat /tmp/command)"
    deadline = time.monotonic() + 30
    while host.run(left, check=False).stdout.split() != ["0", "0"]:
        assert time.monotonic() < deadline
    host.run("rm /tmp/command")


def test_a_host_that_dies_in_the_middle_is_lost_and_comes_back(
    fleet: Fleet, direct: Direct, roles: ModuleType, tmp_path: Path
) -> None:
    host = fleet.hosts[1]
    errors: list[Exception] = []

    def run() -> None:
        try:
            evaluated(direct, route(fleet, host, silence_timeout=8), roles.Commander(marks="/tmp"))
        except HostLostError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    host.run("while ! test -s /tmp/command; do sleep 0.05; done")
    host.kill()
    thread.join(30)
    assert [error.host for error in errors] == [host.name]
    with pytest.raises(ConnectError, match="cannot be reached"):
        who(direct, route(fleet, host), roles)
    host.start()
    assert who(direct, route(fleet, host), roles)["uid"] == 0
