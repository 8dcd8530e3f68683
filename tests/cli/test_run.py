"""`opsmop run`: one command on many hosts."""

from __future__ import annotations

import html
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from tests.report.terminal import Terminal

import opsmop.report

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]
RUN = json.loads((Path(opsmop.report.__file__).parent / "schema" / "run.json").read_text())


def test_equal_answers_are_folded_and_the_odd_one_comes_first(opsmop: Opsmop, three_hosts: Path) -> None:
    command = f"mkdir {three_hosts.parent}/met 2>/dev/null && echo other || {{ echo same; echo lines >&2; }}"
    done = opsmop("run", command, "-i", str(three_hosts), "--serial", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == (
        "web1  status 0\n  other\n\ndb1,web2 (2)  status 0\n  same\n  lines\n\nRESULT failed=0 unreachable=0 ok=3\n"
    )
    assert done.stderr == ""


def test_a_command_that_fails_is_1_and_shows_its_status_and_words(opsmop: Opsmop, three_hosts: Path) -> None:
    done = opsmop("run", "echo no >&2; exit 3", "-i", str(three_hosts), "--limit-groups", "site")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == "web[1-2] (2)  status 3\n  no\n\nRESULT failed=2 unreachable=0 ok=0\n"


def test_a_host_that_is_not_met_does_not_keep_the_others_from_answering(opsmop: Opsmop, three_hosts: Path) -> None:
    text = three_hosts.read_text().replace("opsmop_host=127.0.3.3", "opsmop_host=127.0.3.3 opsmop_ssh_port=1")
    three_hosts.write_text(text)
    done = opsmop("run", "echo here", "-i", str(three_hosts))
    assert done.returncode == 1
    assert done.stdout.startswith("db1  unreachable\n")
    assert "Connection refused" in done.stdout
    assert done.stdout.endswith("web[1-2] (2)  status 0\n  here\n\nRESULT failed=0 unreachable=1 ok=2\n")


def test_a_long_command_is_ended_and_says_so(opsmop: Opsmop, three_hosts: Path) -> None:
    done = opsmop("run", "sleep 300", "-i", str(three_hosts), "--limit-hosts", "db1", "--timeout", "0.3")
    assert done.returncode == 1
    assert "took too long and was ended after 0.3 seconds" in done.stdout


def test_the_inventory_may_be_a_setting_of_the_project(opsmop: Opsmop, three_hosts: Path) -> None:
    (three_hosts.parent / "opsmop.toml").write_text('[inventory]\nfile = "inventory.toml"\n')
    done = opsmop("run", "echo here", "--limit-hosts", "web*,!web2")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "web1  status 0"), done.stderr


def test_what_failed_last_can_be_named(opsmop: Opsmop, three_hosts: Path) -> None:
    wrong = opsmop("run", f"mkdir {three_hosts.parent}/met", "-i", str(three_hosts))
    assert wrong.stdout.endswith("RESULT failed=2 unreachable=0 ok=1\n")
    again = ("run", "false", "-i", str(three_hosts))
    for limits in (["--limit-hosts", "@failed"], ["--retry"]):
        done = opsmop(*again, *limits)
        assert done.stdout.endswith("RESULT failed=2 unreachable=0 ok=0\n"), done.stderr
        assert done.stdout.split()[0] in wrong.stdout
    assert opsmop(*again, "--retry", "--limit-groups", "web", "--limit-hosts", "db1").returncode == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run",), "COMMAND is missing"),
        (("run", ""), "the command is empty"),
        (("run", " ", "-i", "inventory.toml"), "the command is empty"),
        (("run", "uptime"), "takes an inventory"),
        (("run", "uptime", "-i", "absent.toml"), "absent.toml"),
        (("run", "uptime", "-i", "inventory.toml", "--limit-hosts", "wbe1"), "Did you mean 'web1'?"),
        (("run", "uptime", "-i", "inventory.toml", "--timeout", "-1"), "--timeout"),
    ],
)
def test_a_wrong_line_is_2_and_says_why(opsmop: Opsmop, three_hosts: Path, words: tuple[str, ...], said: str) -> None:
    done = opsmop(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 3


def test_ctrl_c_ends_the_command_on_the_hosts_and_tells_what_came(three_hosts: Path) -> None:
    folder = three_hosts.parent
    words = ["run", f"touch {folder}/begun; sleep 300", "-i", str(three_hosts), "--limit-hosts", "db1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "opsmop", *words],
        env={**os.environ, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (folder / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "db1  cancelled\n\nRESULT failed=0 unreachable=0 cancelled=1 ok=0\n"), err


def test_programs_are_told_of_the_run_and_people_read_on_stderr(opsmop: Opsmop, three_hosts: Path) -> None:
    words = ("run", "echo no; exit 3", "-i", str(three_hosts), "--limit-groups", "site")
    done = opsmop(*words, "--output", "json")
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator(RUN).validate(document)
    assert (done.returncode, document["result"]["failed"], document["command"][1:3]) == (1, 2, ["run", words[1]])
    assert [role["resources"][0]["failure"]["rc"] for host in document["hosts"] for role in host["roles"]] == [3, 3]
    assert done.stderr == opsmop(*words).stdout
    lines = [json.loads(line)["event"] for line in opsmop(*words, "--output", "ndjson").stdout.splitlines()]
    assert (lines[0], lines[-1]) == ("RunStarted", "RunFinished")


def test_a_run_that_cannot_begin_is_a_document_too(opsmop: Opsmop, three_hosts: Path) -> None:
    done = opsmop("run", "true", "-i", str(three_hosts), "--limit-hosts", "wbe1", "--output", "json")
    assert (done.returncode, json.loads(done.stdout)["exit_status"]) == (2, 2)
    assert "Did you mean 'web1'?" in json.loads(done.stdout)["failure"]["remedy"]


def test_its_record_says_what_was_typed(opsmop: Opsmop, three_hosts: Path) -> None:
    words = ("run", "echo 'a b'", "-i", str(three_hosts))
    assert opsmop(*words).returncode == 0
    (row,) = opsmop("runs").stdout.splitlines()[1:]
    assert f"  {shlex.join(['run', words[1]])} -i" in row
    (run,) = json.loads(opsmop("runs", "--json").stdout)
    assert run["command"][-4:] == list(words)
    told = opsmop("show").stdout.splitlines()
    assert told[0] == f"Running {shlex.join(words[1:])} (push)"
    assert f"<title>{html.escape(shlex.join(words))} · OpsMop</title>" in opsmop("report", "-o", "-").stdout
    assert told[-1] == "RESULT failed=0 unreachable=0 changed=3 ok=0 skipped=0"


def test_a_full_disk_and_a_reader_that_goes_change_no_status(opsmop: Opsmop, three_hosts: Path) -> None:
    words = f"{sys.executable} -m opsmop run 'exit 3' -i {three_hosts} --limit-hosts db1"
    shell = f"{words} > /dev/full; echo $?; {words} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], cwd=three_hosts.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]
    assert done.stderr == "opsmop: the output could not be written: No space left on device\n"


@pytest.mark.parametrize(("more", "moves"), [({}, True), ({"TERM": "dumb"}, False), ({"CI": "1"}, False)])
def test_how_far_it_is_is_shown_where_somebody_watches(three_hosts: Path, more: dict[str, str], *, moves: bool) -> None:
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(three_hosts.parent), "TERM": "xterm", **more}
    words = [sys.executable, "-m", "opsmop", "run", "true", "-i", str(three_hosts), "--limit-hosts", "db1"]
    terminal = Terminal(words, surroundings, 80, str(three_hosts.parent))
    assert terminal.end() == 0
    assert ("1 of 1 hosts have answered" in terminal.written, "\x1b" in terminal.written) == (moves, moves)
    assert terminal.screen.text.splitlines() == ["db1  status 0", "", "RESULT failed=0 unreachable=0 ok=1"]
