"""Becoming another user by su, doas, and a sudo that demands a terminal, on real hosts; right and wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.test_passwords import counted, sudoers, visible
from tests.ssh.hearing import Heard, nothing_served, order_for

from opsmop.errors import AuthenticationError, SudoError, ViaError
from opsmop.language.secrets import Secret
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.wire.order import Order

RIGHT = "corréct horse%'\"$battery-7731"
ROOTS = "roots öwn%'\"$-4402"
DOAS = {"bullseye": "doas", "trixie": "opendoas"}  # the same program
ANY = "plain ALL=(ALL:ALL) ALL"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(["bullseye", "trixie"]) as booted:
        for host in booted.hosts:
            host.run("chpasswd", input=f"plain:{RIGHT}\nroot:{ROOTS}\n")
            host.run(f"apt-get install -y -qq {DOAS[host.release]}")
        yield booted


@pytest.fixture(params=[0, 1], ids=["bullseye", "trixie"])
def host(request: pytest.FixtureRequest, fleet: Fleet) -> Host:
    return fleet.hosts[request.param]


@pytest.fixture
def way(fleet: Fleet, host: Host) -> Route:
    return Route(
        host=host.name,
        address=host.address,
        user="plain",
        key_file=str(fleet.key),
        known_hosts=str(fleet.known_hosts),
        ssh_args=("-F", "/dev/null"),
        become="root",
    )


def uid(direct: Direct, way: Route, roles: ModuleType) -> int:
    heard = Heard()
    direct.evaluate(way, order_for(roles.Who(), way.host), None, heard.events.append, nothing_served)
    return int(json.loads(heard.ending.value)["uid"])


@contextmanager
def doas(host: Host, text: str) -> Iterator[None]:
    host.run("cat > /etc/doas.conf && chmod 400 /etc/doas.conf", input=text + "\n")
    try:
        yield
    finally:
        host.run("rm /etc/doas.conf")


def refusal(direct: Direct, way: Route, roles: ModuleType) -> str:
    with pytest.raises(SudoError) as caught:
        uid(direct, way, roles)
    for password in (way.sudo_password, way.ssh_password):
        assert password is None or password.reveal() not in str(caught.value)
    assert caught.value.host == way.host
    return str(caught.value)


def test_su_takes_the_password_of_the_one_to_become(direct: Direct, way: Route, roles: ModuleType, host: Host) -> None:
    by_su = replace(way, become_method="su", sudo_password=Secret(ROOTS))
    assert uid(direct, by_su, roles) == 0
    other = replace(by_su, become="plain", user="ops", sudo_password=Secret(RIGHT))
    assert uid(direct, other, roles) == int(host.run("id -u plain").stdout)


def test_a_later_role_reuses_what_was_become(direct: Direct, way: Route, roles: ModuleType, host: Host) -> None:
    by_su = replace(way, become_method="su", sudo_password=Secret(ROOTS))
    agents = []
    for _ in range(2):
        heard = Heard()
        direct.evaluate(by_su, order_for(roles.Pid(), way.host), None, heard.events.append, nothing_served)
        agents.append(json.loads(heard.ending.value)["agent"])
    assert agents[0] == agents[1]


def test_a_wrong_password_for_su_is_tried_once_by_all_who_want_to_go_there(
    direct: Direct, way: Route, roles: ModuleType, host: Host
) -> None:
    wrong = replace(way, become_method="su", sudo_password=Secret("wr0ng"))
    orders = [order_for(roles.Who(), way.host) for _ in range(8)]  # packed as a run does: in one thread

    def refused(order: Order) -> str:
        with pytest.raises(SudoError) as caught:
            direct.evaluate(wrong, order, None, print, nothing_served)
        return str(caught.value)

    with counted(host, "su", 1), ThreadPoolExecutor(4) as pool:
        assert all("refuses the password for su" in told for told in pool.map(refused, orders))


def test_every_way_in_which_su_refuses_is_told_apart(direct: Direct, way: Route, roles: ModuleType, host: Host) -> None:
    by_su = replace(way, become_method="su")
    with counted(host, "su", 1):
        assert "refuses the password for su" in refusal(direct, replace(by_su, sudo_password=Secret("wr0ng")), roles)
    assert "needs a password for su" in refusal(direct, by_su, roles)
    nobody = replace(by_su, become="nobody-there", sudo_password=Secret("wr0ng"))
    assert "knows no such user" in refusal(direct, nobody, roles)
    host.run("mv /usr/bin/su /usr/bin/su.away")
    try:
        assert "has no su" in refusal(direct, replace(by_su, sudo_password=Secret(ROOTS)), roles)
    finally:
        host.run("mv /usr/bin/su.away /usr/bin/su")


def test_an_su_that_hangs_ends_in_time(direct: Direct, way: Route, roles: ModuleType, host: Host) -> None:
    slow = "printf 'auth required pam_exec.so expose_authtok /bin/sleep 60\\n' >> /etc/pam.d/su"
    host.run(f"cp -p /etc/pam.d/su /root/pam; {slow}")
    try:
        by_su = replace(way, become_method="su", sudo_password=Secret(ROOTS), sudo_timeout=3)
        assert "did not get through su" in refusal(direct, by_su, roles)
    finally:
        host.run("mv /root/pam /etc/pam.d/su")


def test_doas_with_and_without_a_password(direct: Direct, way: Route, roles: ModuleType, host: Host) -> None:
    by_doas = replace(way, become_method="doas")
    with doas(host, "permit nopass plain"):
        assert uid(direct, by_doas, roles) == 0
        assert uid(direct, replace(by_doas, become="ops"), roles) == int(host.run("id -u ops").stdout)
    direct.close()
    again = Direct()
    try:
        with doas(host, "permit plain"):
            assert uid(again, replace(by_doas, sudo_password=Secret(RIGHT)), roles) == 0
    finally:
        again.close()


def test_every_way_in_which_doas_refuses_is_told_apart(
    direct: Direct, way: Route, roles: ModuleType, host: Host
) -> None:
    by_doas = replace(way, become_method="doas")
    with doas(host, "permit plain"):
        assert "needs a password for doas" in refusal(direct, by_doas, roles)
        with counted(host, "doas", 1):
            wrong = replace(by_doas, sudo_password=Secret("wr0ng"))
            assert "refuses the password for doas" in refusal(direct, wrong, roles)
        nobody = replace(by_doas, become="nobody-there", sudo_password=Secret("wr0ng"))
        assert "knows no such user" in refusal(direct, nobody, roles)
    with doas(host, "permit ops"):
        assert "may not use doas" in refusal(direct, replace(by_doas, sudo_password=Secret(RIGHT)), roles)
    host.run("mv /usr/bin/doas /usr/bin/doas.away")
    try:
        assert "has no doas" in refusal(direct, by_doas, roles)
    finally:
        host.run("mv /usr/bin/doas.away /usr/bin/doas")


@pytest.mark.parametrize("rule", ["plain ALL=(ALL:ALL) NOPASSWD: ALL", ANY])
def test_a_sudo_that_demands_a_terminal_gets_one(
    rule: str, direct: Direct, way: Route, roles: ModuleType, host: Host
) -> None:
    with sudoers(host, f"{rule}\nDefaults requiretty"):
        assert uid(direct, replace(way, sudo_password=Secret(RIGHT)), roles) == 0


def test_a_sudo_that_demands_a_terminal_refuses_as_clearly_there(
    direct: Direct, way: Route, roles: ModuleType, host: Host
) -> None:
    with sudoers(host, f"{ANY}\nDefaults requiretty"):
        with counted(host, "sudo", 1):
            wrong = replace(way, sudo_password=Secret("wr0ng"))
            assert "refuses the password for sudo" in refusal(direct, wrong, roles)
        assert "needs a password for sudo" in refusal(direct, way, roles)
    with sudoers(host, "ops ALL=(ALL:ALL) ALL\nDefaults requiretty"):
        assert "may not use sudo" in refusal(direct, replace(way, sudo_password=Secret(RIGHT)), roles)


@pytest.mark.parametrize("method", ["su", "doas", "sudo"])
def test_becoming_who_one_is_costs_nothing_and_needs_no_program(
    method: str, direct: Direct, way: Route, roles: ModuleType, host: Host
) -> None:
    programs = [f"/usr/bin/{name}" for name in ("su", "doas", "sudo")]
    for program in programs:
        host.run(f"mv {program} {program}.away")
    try:
        assert uid(direct, replace(way, user="root", become_method=method), roles) == 0
    finally:
        for program in programs:
            host.run(f"mv {program}.away {program}")


def test_a_policy_names_the_method_and_the_role_runs(fleet: Fleet, tmp_path: Path) -> None:
    from tests.fleet.pushing import apply  # what the product does with the inventory's word

    for host in fleet.hosts:
        host.run("cat > /etc/doas.conf && chmod 400 /etc/doas.conf", input="permit nopass plain\n")
    made: Any = fleet.inventory
    fleet.inventory = lambda path, **_: made(path, user="plain", opsmop_become_method="doas")  # type: ignore[method-assign]
    apply(fleet, tmp_path, 'File("/root/by-doas", from_content="x")')
    for host in fleet.hosts:
        assert host.run("cat /root/by-doas; rm /etc/doas.conf").stdout == "x"


def behind(fleet: Fleet, host: Host, way: Route, **details: Any) -> Route:
    """The host by way of the other one, which knows nobody's key; both take passwords."""
    other = next(each for each in fleet.hosts if each is not host)
    via = replace(way, host=other.name, address=other.address, key_file="", become=None, ssh_password=Secret(RIGHT))
    said = {"ssh_password": Secret(RIGHT), "via": via, "key_file": "", "known_hosts": "", "check_host_keys": "no"}
    return replace(way, **{"become": None, **said, **details})


def test_passwords_of_a_host_on_the_way_and_of_one_behind_it(
    fleet: Fleet, host: Host, direct: Direct, way: Route, roles: ModuleType
) -> None:
    plain = int(host.run("id -u plain").stdout)
    assert uid(direct, behind(fleet, host, way), roles) == plain
    with sudoers(host, ANY):
        assert uid(direct, behind(fleet, host, way, become="root", sudo_password=Secret(RIGHT)), roles) == 0
    by_su = behind(fleet, host, way, become="root", become_method="su", sudo_password=Secret(ROOTS))
    assert uid(direct, by_su, roles) == 0


def test_a_wrong_password_behind_another_host_is_tried_once(
    fleet: Fleet, host: Host, direct: Direct, way: Route, roles: ModuleType
) -> None:
    wrong = behind(fleet, host, way, ssh_password=Secret("wr0ng-one"))
    with counted(host, "sshd", 1), pytest.raises(AuthenticationError, match="password that was given") as caught:
        uid(direct, wrong, roles)
    assert caught.value.host == host.name
    assert "wr0ng-one" not in str(caught.value)


def test_a_wrong_password_on_the_way_is_tried_once_and_told_of_the_host_behind(
    fleet: Fleet, host: Host, direct: Direct, way: Route, roles: ModuleType
) -> None:
    right = behind(fleet, host, way)
    assert right.via is not None
    wrong = replace(right, via=replace(right.via, ssh_password=Secret("wr0ng-one")))
    other = next(each for each in fleet.hosts if each is not host)
    with counted(other, "sshd", 1), pytest.raises(ViaError, match="password that was given") as caught:
        uid(direct, wrong, roles)
    assert caught.value.host == host.name
    assert f"is reached through {other.name}" in str(caught.value)
    assert "wr0ng-one" not in str(caught.value)


def test_a_sudo_that_demands_a_terminal_gets_one_behind_another_host(
    fleet: Fleet, host: Host, direct: Direct, way: Route, roles: ModuleType
) -> None:
    with sudoers(host, f"{ANY}\nDefaults requiretty"):
        assert uid(direct, behind(fleet, host, way, become="root", sudo_password=Secret(RIGHT)), roles) == 0


def test_passwords_on_the_way_are_in_no_argument_and_no_environment(
    fleet: Fleet, host: Host, direct: Direct, way: Route, roles: ModuleType
) -> None:
    by_su = behind(fleet, host, way, become="root", become_method="su", sudo_password=Secret(ROOTS))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(uid, direct, by_su, roles)
        seen = []
        while not running.done():
            seen += visible(RIGHT.encode()) + visible(ROOTS.encode())
        seen += visible(RIGHT.encode()) + visible(ROOTS.encode())
    assert (running.result(), seen) == (0, [])
