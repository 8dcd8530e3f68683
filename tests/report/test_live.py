"""The status line on a terminal."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest
from tests.report import simulated
from tests.report.terminal import Terminal

from opsmop.events import ContactStarted, EvaluationStarted, ResourceFinished, ResourceStarted, RoleStarted
from opsmop.events.look import Look
from opsmop.report.console import Console
from opsmop.report.running import Running

REPLAY = """
import sys
from opsmop.report.live import LiveConsole
from tests.report import simulated
console = LiveConsole(sys.stdout, width=100)
for event in simulated.run({hosts}):
    console(event)
console.close()
"""
IDLE = """
import sys, threading, time
from pathlib import Path
from opsmop.report.live import LiveConsole
from tests.report import simulated

def woken():
    thread = next(one for one in threading.enumerate() if one.name == "status")
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    return int(status.partition("voluntary_ctxt_switches:")[2].split()[0]), status.partition("State:")[2].split()[0]

console = LiveConsole(sys.stdout)
for event in simulated.run(25)[:2]:
    console(event)
while woken()[1] != "S":
    time.sleep(0.01)
time.sleep(0.5)
before = woken()
time.sleep(1.5)
print("WOKEN", woken()[0] - before[0])
console.close()
"""


def started(program: str) -> Terminal:
    surroundings = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm",
        "PYTHONUTF8": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return Terminal([sys.executable, "-c", program], surroundings, 100)


@pytest.mark.parametrize("hosts", [3, 25, 500])
def test_any_number_of_hosts_leaves_what_a_file_has_but_for_how_far_it_came(hosts: int) -> None:
    plain = io.BytesIO()
    console = Console(io.TextIOWrapper(plain, encoding="utf-8"), width=100)
    for event in simulated.run(hosts):
        console(event)
    terminal = started(REPLAY.format(hosts=hosts))
    assert terminal.end() == 0
    lines = [line for line in plain.getvalue().decode().splitlines() if f" of {hosts} hosts" not in line]
    assert terminal.screen.text.splitlines() == lines
    after = terminal.written.rpartition("RESULT")[2].partition("\n")[2]
    assert re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\s", "", after) == "", (
        "nothing is drawn after the last line, not even to be erased"
    )


def test_nothing_is_drawn_while_nothing_happens() -> None:
    terminal = started(IDLE)
    assert terminal.end() == 0
    assert "WOKEN 0" in terminal.written


def test_the_status_names_what_runs_longest_and_how_far_the_role_is() -> None:
    running = Running()
    look = Look(80, color=False, signs=True)
    hosts = tuple(f"web{number}" for number in range(1, 9))
    assert running.lines(look, 0.0) == []
    running(RoleStarted(role="Web", hosts=hosts))
    for number, host in enumerate(hosts[:3]):
        running(ContactStarted(host=host, role="Web", ts=100.0 + number))
    assert running.lines(look, 110.0)[-1] == "    10.0 s  web1  connecting  and 2 more"
    running(EvaluationStarted(host="web1", role="Web", ts=5.0, heard=108.0))
    running(ResourceStarted(host="web1", role="Web", type="Package", name="nginx", ts=6.0, heard=109.0))
    assert running.lines(look, 110.0) == [
        "  ────────────────────  Web  0 of 8 hosts",
        "     9.0 s  web2  connecting  and 2 more",
    ]
    for event in simulated.run(8)[2:]:
        running(event)
    assert not running


def test_the_clock_of_a_host_does_not_count() -> None:
    running = Running()
    running(RoleStarted(role="Web", hosts=("a",)))
    running(ResourceStarted(host="a", role="Web", type="File", name="/x", ts=9_999.0, heard=100.0))
    assert running.lines(Look(80, color=False, signs=True), 103.0) == ["     3.0 s  a  File /x"]
    running(ResourceFinished(host="a", role="Web", type="File", name="/x", ts=9_999.0, heard=104.0))
    assert running.lines(Look(80, color=False, signs=True), 104.5) == ["     0.5 s  a  Web"]


@pytest.mark.parametrize("width", range(40, 201, 16))
def test_the_status_fits_the_terminal(width: int) -> None:
    running = Running()
    hosts = tuple(f"a-host-with-a-long-name-{number}.rack.example.com" for number in range(500))
    running(RoleStarted(role="ARoleWithAConsiderablyLongNameOfItsOwn", hosts=hosts))
    for host in hosts:
        running(ResourceStarted(host=host, role="R", type="Shell", name="x " * 300, heard=1.0))
    assert max(map(len, running.lines(Look(width, color=False, signs=True), 100.0))) < width
