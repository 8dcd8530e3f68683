"""What programs read of a run with hosts that cheat: whole, well formed, and with no word for anybody but its reader."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from opsmop.demo.sshd import PrivateSshd

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.hostile.conftest import Controller, Victim
from tests.hostile.test_cheating_hosts import COMMAND, CONTROL, HOSTS


@pytest.fixture(scope="module", params=["ndjson", "json", "junit", "github"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def victim(form: str, sshd: PrivateSshd, tmp_path_factory: pytest.TempPathFactory) -> Victim:
    return Controller(tmp_path_factory.mktemp("victim"), sshd, via=False).run(HOSTS, "--output", form)


def hosts_of_ndjson(told: str) -> set[str]:
    said = [json.loads(line, parse_constant=pytest.fail) for line in told.splitlines()]
    assert said[-1]["event"] == "RunFinished"
    return {one["host"] for one in said if one["event"] == "ContactFinished" and one.get("status", "ok") != "ok"}


def hosts_of_json(told: str) -> set[str]:
    document = json.loads(told, parse_constant=pytest.fail)
    return {one["host"] for one in document["hosts"] if one["ending"] in ("failed", "unreachable")}


def hosts_of_junit(told: str) -> set[str]:
    failed = [suite for suite in ET.fromstring(told) if suite.find("testcase/error") is not None]
    failed += [suite for suite in ET.fromstring(told) if suite.find("testcase/failure") is not None]
    return {suite.get("name", "").rpartition(" ")[2] for suite in failed}


def hosts_of_github(told: str) -> set[str]:
    *lines, last = told.splitlines()
    assert all(re.match("::(error|warning) [^:]*::", line) for line in lines)
    failed, unreachable = map(int, re.findall(r"RESULT failed=(\d+) unreachable=(\d+)", last)[0])
    return set(HOSTS) if failed + unreachable == len(HOSTS) else set()


READERS = {"ndjson": hosts_of_ndjson, "json": hosts_of_json, "junit": hosts_of_junit, "github": hosts_of_github}


def test_every_host_that_cheats_has_failed_in_it_and_the_honest_one_has_not(form: str, victim: Victim) -> None:
    assert victim.status == 1
    assert READERS[form](victim.told) == set(HOSTS)
    assert (victim.folder / "made-variable-of-honest").read_text() == "served"


def test_nothing_in_it_is_a_command_for_a_terminal_or_a_ci(form: str, victim: Victim) -> None:
    assert CONTROL.findall(victim.said) == []
    ours = re.compile("^::(error|warning) .*") if form == "github" else re.compile("$.")
    assert [found for found in COMMAND.findall(victim.said) if not ours.match(found)] == []
