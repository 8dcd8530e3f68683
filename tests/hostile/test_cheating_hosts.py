"""Hosts that cheat, each in its own way, all in one run, beside one that does not."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.hostile.conftest import Controller, Victim

# What each comes to: the words of the reason, with a star where those of two hosts differ in a number.
CHEATS = {
    "oversized frame": "would be 2147483648 bytes long",
    "unknown kind": "no known kind (",
    "a frame of the controller": "no known kind (",
    "malformed json": "not JSON",
    "a pickle": "not JSON",
    "deeply nested json": "not JSON",
    "wrongly typed event": "ResourceFinished.id is not of type int",
    "unknown event": "no known type",
    "an event of the controller": "RunFinished, which only the controller says",
    "another schema": "another schema",
    "an event of another host": "spoke for the host 'web2'",
    "an event of another role": "spoke for the role 'Other'",
    "an event of another run": "spoke for the run 'run0'",
    "two endings": "EvaluationFinished after its evaluation had finished",
    "an event after the ending": "ResourceStarted after its evaluation had finished",
    "malformed ending": "malformed ending",
    "an end without an ending": "ended with status 0 before the role did",
    "silence": "said nothing for",
    "a byte at a time": "said nothing for",
    "closes in the middle of a frame": "ended before the role did",
    "closes at once": "ended before the role did",
    "flood of beats": "one role said",
    "escapes": "owned",
    "commands for a runner": "error::owned",
    "asks for a file after its end": "asked for a file after its role had ended",
    "begins twice": "it began twice",
    "begins a resource twice": "began resource 1 twice",
    "ends a resource twice": "ended resource *, which had not begun",
    "resources without an end": "ended none of them",
    "asks without taking": "asks for files faster than it takes them",
    "needs the code for ever": "needs the code again",
    "kept the code for ever": "keeps saying that it has kept the code",
    "too many elements": "ResourceFinished.changes is not a list",
    "well in the middle of a resource": "in the middle of resource 1",
    "an ending without a beginning": "ended resource *, which had not begun",
    "a status that is none": "ended the role as 'perfect'",
    "cancelled by nobody": "something on the host ended the role",
    "a value that is no json": "is not JSON",
    "a value of great depth": "is not JSON",
    "a value of some depth": "is nested more than 100 deep",
    "a value that is not a number": "is not JSON",
    "a value of a large number": "is not JSON",
    "a large number": "not JSON",
    "not a number": "Warned.ts is not of type float",
    "an exception with status 0": "ended before the role did",
    "times of no calendar": "when?",
}
HOSTS = {re.sub(r"[ ,.]+", "-", cheat): cheat for cheat in CHEATS}
FILES = "asks for what is not its"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# What GitHub's runner takes for a command (actions/runner, ActionCommand.cs): a line that begins so, after blanks, or
# anything behind ##[ in it; Azure's and TeamCity's have a word before the bracket.
COMMAND = re.compile(r"^\s*::[a-z-]+(?: [^\n]*)?::.*|##\w*\[.*", re.MULTILINE)


@pytest.fixture(scope="module", params=["direct", "via"])
def victim(request: pytest.FixtureRequest, sshd: PrivateSshd, tmp_path_factory: pytest.TempPathFactory) -> Victim:
    folder = tmp_path_factory.mktemp("victim")
    controller = Controller(folder, sshd, via=request.param == "via")
    return controller.run({**HOSTS, "curious": FILES})


def reasons(victim: Victim) -> dict[str, str]:
    """Why each host has failed, as the end of the run tells it."""
    told = victim.said.partition("\nReasons\n")[2].partition("\n\n")[0]
    rows = [row.strip().partition(": ") for row in told.splitlines()]
    return {host: reason.replace("HOST", host) for hosts, _, reason in rows for host in hosts.split(", ")}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_cheats_has_failed_and_the_reason_is_told(victim: Victim, host: str) -> None:
    assert CHEATS[HOSTS[host]] in reasons(victim)[host]


def test_the_run_has_failed_and_the_honest_host_is_as_it_should_be(victim: Victim) -> None:
    assert victim.status == 1
    assert set(reasons(victim)) == set(HOSTS)
    assert (victim.folder / "made-variable-of-honest").read_text() == "served"
    failed, unreachable = map(int, re.findall(r"RESULT failed=(\d+) unreachable=(\d+)", victim.said)[-1])
    assert failed + unreachable == len(HOSTS)


def test_nothing_that_could_rewrite_a_terminal_is_printed(victim: Victim) -> None:
    assert "owned" in victim.said
    assert CONTROL.findall(victim.said) == []


def test_nothing_that_a_ci_would_take_for_a_command_is_printed(victim: Victim) -> None:
    assert "error::owned" in victim.said
    assert COMMAND.findall(victim.said) == []


def test_no_host_is_sent_anything_of_another_or_of_the_controller(victim: Victim) -> None:
    for kept in victim.folder.glob("*.received"):
        received, host = kept.read_bytes(), kept.stem
        assert set(re.findall(rb"variable-of-[a-z0-9-]+", received)) <= {f"variable-of-{host}".encode()}
        for secret in (b"password-of-the-controller", b"source-of-elsewhere", b"variable-of-elsewhere"):
            assert secret not in received
    assert b"variable-of-silence" in victim.received("silence")
    assert b"source-of-everywhere" in victim.received("silence")


def test_no_file_is_served_that_the_role_does_not_serve(victim: Victim) -> None:
    received = victim.received("curious")
    assert b"secret-of" not in received
    assert b"root:" not in received
    assert received.count(b"is outside of what this role serves") >= 8
    assert victim.said.count("refused: ") >= 10


def test_nothing_of_a_host_was_run_here(victim: Victim) -> None:
    assert not Path("/tmp/owned").exists()


def test_the_memory_of_the_controller_stays_small(victim: Victim) -> None:
    assert victim.memory < 150 << 10
