"""Hosts behind hosts: what they share, what they do not, and what ends with what."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ssh.hearing import Heard, nothing_served, order_for
from tests.ssh.test_lifetimes import gone
from tests.ssh.test_tree_defences import Cheat

from opsmop.demo.sshd import PrivateSshd
from opsmop.errors import AuthenticationError, ConnectError, HostKeyError, HostLostError, SudoError, ViaError
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct
from opsmop.transport.host_keys import scan
from opsmop.transport.mitogen.trees import Hop

LIMIT = 30.0


def agent(direct: Direct, way: Route, roles: Any) -> int:
    heard = Heard()
    direct.evaluate(way, order_for(roles.Pid(), way.host), None, heard.events.append, nothing_served)
    return int(json.loads(heard.ending.value)["agent"])


def logins(sshd: PrivateSshd) -> int:
    return sshd.log.read_text().count("Accepted publickey")


def fails(direct: Direct, way: Route, roles: Any) -> Exception:
    with pytest.raises((ConnectError, HostLostError)) as caught:
        agent(direct, way, roles)
    return caught.value


def relays(sshd: PrivateSshd) -> set[int]:
    """The relays that were started by way of this sshd, at whose home they are."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = str(sshd.folder).encode() in (process / "environ").read_bytes()
            if ours and b"(mitogen:opsmop" in (process / "cmdline").read_bytes():
                found.add(int(process.name))
        except OSError:
            continue
    return found


@contextmanager
def stopped(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_twelve_hosts_at_once_cost_one_login_at_the_host_before_them(
    sshd: PrivateSshd, behind: Route, direct: Direct, roles: Any
) -> None:
    before = logins(sshd)
    ended: list[str] = []
    orders = [order_for(roles.Pid(), f"web{number}") for number in range(12)]

    def once(number: int) -> None:
        heard = Heard()
        way = replace(behind, host=f"web{number}")
        direct.evaluate(way, orders[number], None, heard.events.append, nothing_served)
        ended.append(heard.ending.status)

    threads = [threading.Thread(target=once, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == ["ok"] * 12
    assert logins(sshd) - before == 13


def test_another_login_behind_the_same_host_gets_its_own_connection_by_the_same_way(
    sshd: PrivateSshd, behind: Route, direct: Direct, roles: Any
) -> None:
    other = replace(behind, ssh_args=(*behind.ssh_args, "-o", "TCPKeepAlive=yes"))
    before = logins(sshd)
    assert agent(direct, behind, roles) == agent(direct, behind, roles) != agent(direct, other, roles)
    assert logins(sshd) - before == 3


def test_another_login_on_the_way_is_another_way(sshd: PrivateSshd, behind: Route, direct: Direct, roles: Any) -> None:
    assert behind.via is not None
    other = replace(behind, via=replace(behind.via, ssh_args=(*behind.ssh_args, "-o", "TCPKeepAlive=yes")))
    before = logins(sshd)
    assert agent(direct, behind, roles) != agent(direct, other, roles)
    assert logins(sshd) - before == 4


def test_five_hosts_deep(route: Route, direct: Direct, roles: Any) -> None:
    way = route
    for number in range(4):
        way = replace(route, host=f"web{number}", via=way)
    assert agent(direct, way, roles) > 0


def test_much_output_of_a_host_behind_another_arrives_whole_and_in_order(
    behind: Route, evaluate: Any, roles: Any
) -> None:
    heard = evaluate(behind, roles.Talkative(lines=20_000))
    assert heard.printed[:20_000] == [str(number) for number in range(20_000)]


def test_a_failure_on_the_way_is_remembered_and_met_once(route: Route, direct: Direct, roles: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gone_host = replace(route, host="bastion", port=port)
    first = fails(direct, replace(route, via=gone_host), roles)
    second = fails(direct, replace(route, host="web2", via=gone_host), roles)
    assert isinstance(first, ViaError)
    assert "Connection refused" in str(first)
    assert (first.host, getattr(second, "host", "")) == ("web1", "web2")
    assert "web2 is reached through bastion" in str(second)


def test_a_host_that_refuses_behind_another_is_told_as_itself(behind: Route, direct: Direct, roles: Any) -> None:
    error = fails(direct, replace(behind, port=1), roles)
    assert not isinstance(error, ViaError)
    assert "web1" in str(error)
    assert "Connection refused" in str(error)


def test_a_run_that_is_stopped_does_not_wait_for_a_host_on_the_way(route: Route, direct: Direct, roles: Any) -> None:
    errors: list[Exception] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = replace(route, host="bastion", port=silent.getsockname()[1], connect_timeout=600)
        thread = threading.Thread(target=lambda: errors.append(fails(direct, replace(route, via=mute), roles)))
        thread.start()
        with silent.accept()[0]:  # somebody has come
            direct.cancel()
            thread.join(LIMIT)
    assert not thread.is_alive()
    assert "was stopped" in str(errors[0])


def test_a_relay_that_hangs_is_given_up_and_what_is_not_behind_it_goes_on(
    sshd: PrivateSshd, route: Route, direct: Direct, roles: Any
) -> None:
    bastion = replace(route, host="bastion")
    good, bad = (replace(route, host=name, via=bastion) for name in ("good", "bad"))
    others = relays(sshd)
    first = agent(direct, replace(route, via=good), roles)
    before = relays(sshd) - others
    assert agent(direct, replace(route, host="web2", via=bad), roles)
    (hanging,) = relays(sshd) - others - before
    with stopped(hanging):
        error = fails(direct, replace(route, host="web3", via=bad), roles)
        assert "does not answer any more" in str(error)
        assert agent(direct, replace(route, via=good), roles) == first
    assert gone(hanging)
    assert agent(direct, replace(route, host="web3", via=bad), roles)  # by a new one


def test_a_cheat_among_the_hosts_on_the_way_takes_no_other_with_it(
    route: Route, direct: Direct, roles: Any, tmp_path: Path
) -> None:
    bastion = replace(route, host="bastion")
    way = replace(route, via=replace(route, host="good", via=bastion))
    first = agent(direct, way, roles)
    cheat = Cheat(tmp_path, route, "says nothing that is a frame").route
    assert fails(direct, replace(route, host="web2", via=replace(cheat, host="evil", via=bastion)), roles)
    assert agent(direct, way, roles) == first


def test_closing_leaves_no_relay_no_agent_and_no_ssh(
    sshd: PrivateSshd, route: Route, behind: Route, roles: Any
) -> None:
    others, transport = relays(sshd), Direct()
    agents = [agent(transport, way, roles) for way in (behind, replace(route, via=behind))]
    ours = relays(sshd) - others
    assert len(ours) == 2
    transport.close()
    assert gone(*agents, *ours)


def test_a_relay_that_is_killed_loses_its_hosts_at_once(
    sshd: PrivateSshd, behind: Route, direct: Direct, roles: Any, tmp_path: Path
) -> None:
    others, errors = relays(sshd), []
    order = order_for(roles.Sleeper(marks=str(tmp_path)))

    def sleep() -> None:
        try:
            direct.evaluate(replace(behind, silence_timeout=600), order, None, lambda event: None, nothing_served)
        except HostLostError as error:
            errors.append(error)

    thread = threading.Thread(target=sleep)
    thread.start()
    deadline = time.monotonic() + LIMIT
    while not (tmp_path / "sleeping").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (relay,) = relays(sshd) - others
    os.kill(relay, signal.SIGKILL)
    thread.join(LIMIT)
    assert "the connection to it ended" in str(errors[0])
    role, agent_of_it = map(int, (tmp_path / "sleeping").read_text().split()[:2])
    assert gone(role, agent_of_it)


def strange(route: Route, folder: Path, key: str = "") -> Route:
    """`route` to a host whose key is not known, or another one."""
    known = folder / "known_hosts"
    known.write_text(f"[{route.address}]:{route.port} {key}\n" if key else "")
    return replace(route, ssh_args=("-o", f"UserKnownHostsFile={known}", *route.ssh_args))


@pytest.mark.parametrize("where", ["on the way", "behind"])
@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ("key", AuthenticationError, r"does not let user \w+ in with"),
        ("unknown", HostKeyError, "is unknown"),
        ("changed", HostKeyError, "is not the one that is known"),
        ("python", ConnectError, "has no Python at /no/such/python"),
        ("name", ConnectError, r"no-such-host\.invalid"),
        ("port", ConnectError, "Connection refused"),
        ("option", ConnectError, "refuses its configuration"),
        ("silence", ConnectError, "within 1 seconds|cannot be reached|timed out"),
    ],
)
def test_what_keeps_from_a_login_is_as_clear_on_the_way_and_behind(
    fault: str,
    kind: type,
    said: str,
    where: str,
    sshd: PrivateSshd,
    route: Route,
    direct: Direct,
    roles: Any,
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other = (sshd.folder / "client_key.pub").read_text().strip()
        wrong = {
            "key": lambda: replace(route, key_file=str(sshd.folder / "host_key")),
            "unknown": lambda: strange(route, tmp_path),
            "changed": lambda: strange(route, tmp_path, other),
            "python": lambda: replace(route, python="/no/such/python"),
            "name": lambda: replace(route, address="no-such-host.invalid"),
            "port": lambda: replace(route, port=1),
            "option": lambda: replace(route, ssh_args=("-o", "NoSuchOption=yes")),
            "silence": lambda: replace(route, port=silent.getsockname()[1], connect_timeout=1),
        }[fault]()
        if where == "behind":
            error = fails(direct, replace(wrong, via=replace(route, host="bastion")), roles)
            assert isinstance(error, kind)
        else:
            error = fails(direct, replace(route, via=replace(wrong, host="bastion")), roles)
            assert isinstance(error, ViaError)
            assert "web1 is reached through bastion" in str(error)
        assert re.search(said, str(error)), error
        assert "\N{REPLACEMENT CHARACTER}" not in str(error)
        assert getattr(error, "host", "") == "web1"


def test_a_scan_says_where_the_key_of_a_host_behind_another_has_to_be_known(behind: Route) -> None:
    found = scan(behind)
    assert "must know its key" in str(found.error)
    assert f"ssh-keyscan -p {behind.port} {behind.target} >>" in str(found.error)


def test_a_relay_that_could_not_start_what_it_should_is_told(behind: Route, direct: Direct, roles: Any) -> None:
    assert behind.via is not None
    station = direct._grown()._station(Hop(behind.via), "web1")
    with pytest.raises(ConnectError, match=r"/no/such/program cannot be started there: No such file"):
        station.run(["/no/such/program"], kill=True)


@pytest.mark.parametrize("method", ["su", "doas"])
def test_a_process_of_this_machine_becomes_others_by_sudo_alone_and_needs_nothing_for_its_own_user(
    method: str, here: Route, direct: Direct, roles: Any
) -> None:
    own = replace(here, become=pwd.getpwuid(os.geteuid()).pw_name, become_method=method)
    assert agent(direct, own, roles) > 0
    with pytest.raises(SudoError, match=f"by sudo only, not by {method}") as caught:
        agent(direct, replace(own, become="nobody"), roles)
    assert "opsmop_connection" in caught.value.remedy
