"""Every host of a run meets another fault. Each is reported with its own reason; the others finish; nothing is left."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.faults import AGENT, FAULTS, Case, Fault, nothing
from tests.chaos.links import Link
from tests.fleet.harness import Fleet

HERE = Path(__file__).parent
LARGE = 24 << 20
HOSTS = 11  # of one run; the faults are dealt to as many runs as they need
RUN_SECONDS = 240  # a run in which hosts fall silent; each wait within it has its own, shorter limit
LEASE_SECONDS = 90  # after which a host that hears nothing has ended what it did
ROUNDS = [FAULTS[start : start + HOSTS] for start in range(0, len(FAULTS), HOSTS)]
TEMPORARY = r"find / -xdev -regextype posix-extended -regex '.*/\.[^/]*\.[0-9a-f]{16}'"


@dataclass
class Round:
    """A run with its faults, and one more without any."""

    cases: dict[str, Case]
    first: dict[str, Any]
    left: dict[str, str]
    left_here: list[str]
    second: dict[str, Any]
    third: dict[str, Any]


@pytest.fixture(scope="module", params=range(len(ROUNDS)))
def met(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Round]:
    faults = ROUNDS[request.param]
    with Fleet(["bookworm"] * len(faults)) as fleet:
        site = tmp_path_factory.mktemp("chaos")
        cases = {
            fault.name: Case(host, Link(host.address, **fault.link))
            for fault, host in zip(faults, fleet.hosts, strict=True)
        }
        _prepare(site, fleet, faults, cases)
        first = _run(site, faults, cases)
        for fault in faults:
            fault.mend(cases[fault.name])
            cases[fault.name].link.mend()
            (cases[fault.name].host.root / "srv/hold").unlink(missing_ok=True)
        left = {fault.name: _what_is_left(cases[fault.name]) for fault in faults}
        left_here = sorted(path.name for path in (site / "tmp").iterdir())
        _inventory(site, fleet, [Fault(fault.name, "ok") for fault in faults], cases)
        yield Round(cases, first, left, left_here, _run(site, (), cases), _run(site, (), cases))
        for case in cases.values():
            case.link.close()


def _prepare(site: Path, fleet: Fleet, faults: tuple[Fault, ...], cases: dict[str, Case]) -> None:
    shutil.copy(HERE / "policies" / "working.py", site / "site.py")
    (site / "large.bin").write_bytes(os.urandom(LARGE))
    (site / "tmp").mkdir()
    (site / "home").mkdir()
    _inventory(site, fleet, faults, cases)
    for fault in faults:
        case = cases[fault.name]
        fault.before(case)
        if fault.during is not None:
            (case.host.root / "srv/hold").touch()


def _inventory(site: Path, fleet: Fleet, faults: Any, cases: dict[str, Case]) -> None:
    common = {
        "opsmop_ssh_username": "ops",
        "opsmop_ssh_key_file": str(fleet.key),
        "opsmop_host": "127.0.4.1",
        "memory": "",
        "linger": False,
    }
    lines = ["[groups.fleet.hosts]"]
    for fault in faults:
        case = cases[fault.name]
        options = f"-F /dev/null -o UserKnownHostsFile={fleet.known_hosts} -o HostKeyAlias={case.host.address}"
        values = {**common, "opsmop_ssh_port": case.link.port, "opsmop_ssh_args": options, **fault.variables}
        lines.append(f"{case.host.name} = {{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in values.items()) + " }")
    (site / "inventory.toml").write_text("\n".join(lines) + "\n")


def _run(site: Path, faults: tuple[Fault, ...], cases: dict[str, Case]) -> dict[str, Any]:
    """Apply, making what goes wrong as soon as its host is in the middle of its role."""
    waiting = {fault.name: fault for fault in faults if fault.during is not None}
    deadline = time.monotonic() + RUN_SECONDS
    with subprocess.Popen(
        [sys.executable, str(site / "site.py")],
        cwd=site,
        env=_environment(site),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as controller:
        try:
            while waiting and controller.poll() is None:
                assert time.monotonic() < deadline, f"not yet in the middle of a role: {sorted(waiting)}"
                for name in [name for name in waiting if cases[name].busy]:
                    _make(waiting.pop(name), cases[name], controller)
                time.sleep(0.05)
            out, err = controller.communicate(timeout=max(1.0, deadline - time.monotonic()))
        finally:
            controller.kill()
    assert not waiting, f"never in the middle of a role: {sorted(waiting)}\n{out}\n{err}"
    assert "Traceback" not in err, err
    told: dict[str, Any] = json.loads(out)
    return told


def _environment(site: Path) -> dict[str, str]:
    return {
        **os.environ,
        "TMPDIR": str(site / "tmp"),
        "HOME": str(site / "home"),
        "OPSMOP_SSH_SILENCE_TIMEOUT": "12",
        "OPSMOP_SSH_CONNECT_TIMEOUT": "10",
        "OPSMOP_SUDO_TIMEOUT": "8",
    }


def _make(fault: Fault, case: Case, controller: subprocess.Popen[str]) -> None:
    assert fault.during is not None
    case.controller = controller
    fault.during(case)
    if fault.status in ("ok", "failed"):
        (case.host.root / "srv/hold").unlink()


def _what_is_left(case: Case) -> str:
    """Processes and temporary files of ours on the host, once a lease has run out."""
    ours = f"{AGENT}; pgrep -af '[s]rv/hold'"
    deadline = time.monotonic() + LEASE_SECONDS
    while (found := case.host.run(ours, check=False).stdout.strip()) and time.monotonic() < deadline:
        time.sleep(1)
    return found + case.host.run(TEMPORARY).stdout.strip()


def _faults_of(met: Round) -> list[Fault]:
    return [fault for fault in FAULTS if fault.name in met.cases]


def test_each_host_is_reported_with_its_own_reason_and_the_others_finish(met: Round) -> None:
    for fault in _faults_of(met):
        told = met.first["hosts"][met.cases[fault.name].host.name]
        assert re.fullmatch(fault.status, told["status"]), (fault.name, told)
        assert re.search(fault.why, told["why"]), (fault.name, told)
        if fault.status == "ok":
            assert told["changed"][-2:] == ["/srv/work/large", "/srv/work/last"], (fault.name, told)
    assert met.first["exit_status"] == 1


def test_nothing_of_ours_is_left_on_any_host_or_here(met: Round) -> None:
    assert {name: found for name, found in met.left.items() if found} == {}
    assert met.left_here == []


def test_the_next_run_does_the_rest_and_the_one_after_it_nothing(met: Round) -> None:
    assert met.second["exit_status"] == 0, met.second
    large = {case.host.root / "srv/work/large" for case in met.cases.values()}
    assert {path.stat().st_size for path in large} == {LARGE}
    assert met.third["exit_status"] == 0
    assert {name: told["changed"] for name, told in met.third["hosts"].items() if told["changed"]} == {}


def test_a_controller_that_is_killed_leaves_nothing_and_the_next_run_does_the_rest(tmp_path: Path) -> None:
    faults = tuple(Fault(f"held {number}", "", during=nothing) for number in (1, 2))
    with Fleet(["bookworm"] * len(faults)) as fleet:
        cases = {fault.name: Case(host, Link(host.address)) for fault, host in zip(faults, fleet.hosts, strict=True)}
        _prepare(tmp_path, fleet, faults, cases)
        with subprocess.Popen(
            [sys.executable, str(tmp_path / "site.py")], cwd=tmp_path, env=_environment(tmp_path)
        ) as controller:
            deadline = time.monotonic() + RUN_SECONDS
            while not all(case.busy for case in cases.values()) and time.monotonic() < deadline:
                time.sleep(0.05)
            controller.kill()
        assert {name: _what_is_left(case) for name, case in cases.items()} == dict.fromkeys(cases, "")
        for case in cases.values():
            (case.host.root / "srv/hold").unlink()
        assert _run(tmp_path, (), cases)["exit_status"] == 0
        for case in cases.values():
            assert (case.host.root / "srv/work/last").read_text() == "last\n"
            case.link.close()
