"""Hosts that are dealt to several processes of the control machine: what comes of them is what one process makes of them."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsmop.demo.sshd import PrivateSshd
from opsmop.errors import ConnectError, HostLostError
from opsmop.transport.base import Route
from opsmop.transport.workers import Workers

# isort: split
from tests.ssh.hearing import Heard, nothing_served, order_for, serving

LIMIT = 60  # seconds
ADDRESSES = ("127.0.0.1", "127.0.7.2", "127.0.7.3", "127.0.7.4")
SITE = """\
from opsmop import *


class Web(Role):
    def inventory(self):
        return TomlInventory("inventory.toml").filter(groups="web")

    def serial(self):
        return 2

    def before_contact(self, host):
        self.note("out", host)

    def after_contact(self, host):
        self.note("in", host)

    def note(self, word, host):
        with open("balancer.log", "a") as log:
            log.write(f"{word} {host.name}\\n")

    def main(self):
        File(self.vars.place + "/small", from_file="small")
        File(self.vars.place + "/named", from_template="named.j2")
        {more}


class Site(Policy):
    def set_roles(self):
        return Roles(Web())


if __name__ == "__main__":
    Cli(Site())
"""
HOLDING = """Shell(
            f"echo $$ > {self.vars.place}/part; mv {self.vars.place}/part {self.vars.place}/busy; sleep 300; true"
        )"""


@pytest.fixture
def workers() -> Iterator[Workers]:
    transport = Workers(2)
    yield transport
    transport.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[PrivateSshd]:
    with PrivateSshd(addresses=ADDRESSES) as server:
        yield server


@pytest.fixture
def site(servers: PrivateSshd, tmp_path: Path) -> Path:
    (tmp_path / "small").write_text("small\n")
    (tmp_path / "named.j2").write_text("{{ place }}\n")
    lines = ["[groups.web.hosts]"]
    for number, address in enumerate(ADDRESSES):
        (tmp_path / f"place{number}").mkdir()
        values = {
            "opsmop_host": address,
            "opsmop_ssh_port": servers.port,
            "opsmop_ssh_username": servers.user,
            "opsmop_ssh_key_file": str(servers.key_file),
            "opsmop_ssh_args": shlex.join(servers.ssh_args),
            "opsmop_python_path": sys.executable,
            "place": str(tmp_path / f"place{number}"),
        }
        lines.append(f"web{number} = {{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in values.items()) + " }")
    (tmp_path / "inventory.toml").write_text("\n".join(lines) + "\n")
    return tmp_path


def evaluated(
    workers: Workers, way: Route, role: Any, heard: Heard | None = None, serve: Any = nothing_served
) -> Heard:
    heard = heard or Heard()
    heard.traffic = workers.evaluate(way, order_for(role, way.host), None, heard.events.append, serve)
    return heard


def write_policy(site: Path, more: str = "pass") -> Path:
    (site / "site.py").write_text(SITE.replace("{more}", more))
    return site / "site.py"


def started(site: Path, *options: str, cwd: Path | None = None) -> "subprocess.Popen[str]":
    command = [sys.executable, str(site / "site.py"), "--push", "--apply", *options]
    return subprocess.Popen(command, cwd=cwd or site, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def workers_of(process: int) -> list[int]:
    """The workers that a controller has started."""
    found = subprocess.run(
        ["pgrep", "-P", str(process), "-f", "opsmop.transport.worker"], capture_output=True, text=True, check=False
    )
    return [int(number) for number in found.stdout.split()]


def gone(*numbers: int) -> bool:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{number}").exists() for number in numbers):
            return True
        time.sleep(0.05)
    return False


def awaited(*marks: Path) -> None:
    deadline = time.monotonic() + LIMIT
    while not all(mark.exists() for mark in marks):
        assert time.monotonic() < deadline, marks
        time.sleep(0.02)


def test_hosts_of_all_workers_are_one_run_with_one_barrier_between_its_batches(site: Path) -> None:
    write_policy(site)
    for expected in ("changed=4 ok=0", "changed=0 ok=4"):
        with started(site, "-j", "3") as run:
            out, _ = run.communicate(timeout=LIMIT)
        assert run.returncode == 0, out
        assert f"RESULT failed=0 unreachable=0 {expected}" in out
        told = [line.split() for line in (site / "balancer.log").read_text().splitlines()]
        (site / "balancer.log").unlink()
        assert {name for _, name in told[:4]} == {"web0", "web1"}, "a batch begins when the one before it has ended"
        assert {name for _, name in told[4:]} == {"web2", "web3"}
    for number in range(4):
        assert (site / f"place{number}" / "named").read_text() == f"{site}/place{number}\n"


def test_an_error_keeps_its_kind_its_words_and_its_host(workers: Workers, route: Route, roles: Any) -> None:
    with pytest.raises(ConnectError, match="Connection refused") as caught:
        evaluated(workers, replace(route, port=1), roles.Pid())
    assert caught.value.host == "web1"
    assert "Try by hand: ssh" in caught.value.remedy


def test_files_are_served_by_the_rules_and_what_they_refuse_is_told(
    workers: Workers, route: Route, roles: Any, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(os.urandom(3_000_000))
    told: list[str] = []
    role = roles.Reader(names=["large", "/etc/passwd"], folder=str(tmp_path))
    heard = evaluated(workers, route, role, serve=serving(tmp_path, told))
    found = json.loads(heard.ending.value)
    assert found[0] == 3_000_000
    assert "outside of what this role serves" in str(found[1])
    assert ["/etc/passwd" in text for text in told] == [True]
    assert heard.traffic.sent > 3_000_000


def test_one_connection_serves_the_later_roles_of_its_host(workers: Workers, route: Route, roles: Any) -> None:
    agents = {json.loads(evaluated(workers, route, roles.Pid()).ending.value)["agent"] for _ in range(3)}
    assert len(agents) == 1


def test_a_tree_belongs_to_one_worker(workers: Workers, route: Route) -> None:
    trees = [replace(route, host=f"b{number}", address=f"127.0.8.{number}") for number in range(4)]
    leaves = [replace(route, host=f"leaf{number}", via=tree) for tree in trees for number in range(3)]
    for leaf in leaves:
        workers._worker_for(leaf)
    assert sorted(workers._dealt.values()) == [0, 0, 1, 1]


def test_a_worker_that_is_killed_costs_its_hosts_and_nothing_hangs(site: Path) -> None:
    write_policy(site, 'Shell(f"touch {self.vars.place}/busy; sleep 300")')
    with started(site, "-j", "2", "--serial", "4") as run:
        awaited(*(site / f"place{number}" / "busy" for number in range(4)))
        victims = workers_of(run.pid)
        assert len(victims) == 2
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        out, _ = run.communicate(timeout=LIMIT)
    assert run.returncode == 1, out
    assert "the worker process that spoke with web0 ended" in out
    assert "RESULT failed=0 unreachable=4" in out


def test_another_worker_takes_the_place_of_one_that_was_killed(workers: Workers, route: Route, roles: Any) -> None:
    evaluated(workers, route, roles.Pid())
    process = workers._worker_for(route)._process
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert evaluated(workers, route, roles.Pid()).ending.status == "ok"


def test_a_worker_takes_no_code_from_the_directory_that_the_operator_is_in(site: Path) -> None:
    write_policy(site, "pass")
    elsewhere = site / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pickle.py").write_text("raise SystemExit('taken from here')\n")
    with started(site, "-j", "2", cwd=elsewhere) as run:
        out, _ = run.communicate(timeout=LIMIT)
    assert run.returncode == 0, out


@contextmanager
def holding(site: Path) -> "Iterator[tuple[subprocess.Popen[str], list[int]]]":
    """A run whose commands sleep on every host; and the numbers of its workers and those commands."""
    write_policy(site, HOLDING)
    with started(site, "-j", "2", "--serial", "4") as run:
        marks = [site / f"place{number}" / "busy" for number in range(4)]
        awaited(*marks)
        yield run, [*workers_of(run.pid), *(int(mark.read_text()) for mark in marks)]


def test_a_first_interrupt_ends_the_roles_of_all_workers_and_leaves_nothing(site: Path) -> None:
    with holding(site) as (run, processes):
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=LIMIT)
    assert run.returncode == 130, out
    assert gone(*processes)
    assert "RESULT" in out


def test_workers_end_with_their_controller_and_so_does_what_their_hosts_do(site: Path) -> None:
    with holding(site) as (run, processes):
        run.kill()
    assert gone(*processes)


def test_a_closed_transport_evaluates_nothing_more(workers: Workers, route: Route, roles: Any) -> None:
    workers.close()
    with pytest.raises(HostLostError, match="stopped"):
        evaluated(workers, route, roles.Pid())
