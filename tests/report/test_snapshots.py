"""What people see, whole, at several widths and numbers of hosts.

A change that is meant is taken over with ``OPSMOP_UPDATE_SNAPSHOTS=1``, and read in the difference of the files.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from tests.report import simulated

from opsmop.report.console import Console

SNAPSHOTS = Path(__file__).parent / "snapshots"


def shown(hosts: int, mode: str = "apply", encoding: str = "utf-8", **wishes: object) -> str:
    raw = io.BytesIO()
    console = Console(io.TextIOWrapper(raw, encoding=encoding, newline="\n"), **wishes)
    for event in simulated.run(hosts, mode):
        console(event)
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("hosts", [1, 3, 20, 25, 500])
def test_a_run_looks_as_it_did(hosts: int, width: int) -> None:
    compare(f"apply-{hosts}-hosts-{width}-wide", shown(hosts, width=width))


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_verbose_run_looks_as_it_did(verbose: int) -> None:
    compare(f"verbose-{verbose}", shown(25, verbose=verbose, diff=True, width=100))


def test_a_check_in_colour_looks_as_it_did() -> None:
    compare("check-in-colour", shown(25, "check", color=True, width=100))


def test_a_stream_without_signs_shows_others() -> None:
    text = shown(25, encoding="ascii", width=100)
    compare("ascii", text)
    assert text.isascii()


@pytest.mark.parametrize("width", [40, 41, 55, 59, 60, 61, 79, 100, 200])
def test_no_line_but_of_free_text_is_wider_than_the_stream(width: int) -> None:
    free = ("site.py:13:", "10.0.0.9", "Took ", "To retry", "RESULT ", "|", "command:")
    lines = shown(25, width=width).splitlines()
    assert [line for line in lines if len(line) > width and not line.strip().startswith(free)] == []


def test_results_of_more_than_twenty_hosts_are_folded_and_those_of_few_hosts_come_first() -> None:
    lines = shown(25, width=100).splitlines()
    folded = next(line for line in lines if "(22)" in line)
    assert folded == "  web[01-03,05-06,08-24] (22)  ~ File /etc/motd  changed  mode 0600 -> 0644"
    other = next(line for line in lines if line.startswith("  web07"))
    assert lines.index(other) < lines.index(folded)


def test_a_failure_is_told_at_once_and_an_equal_one_only_folded() -> None:
    text = shown(25, width=100)
    assert text.count("E: Unable to locate package nginxx") == 1
    assert text.index("E: Unable to locate package nginxx") < text.index("10 of 25 hosts")


def compare(name: str, text: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("OPSMOP_UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
