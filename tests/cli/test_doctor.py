"""`opsmop doctor`: what is wrong with a host, and how to mend it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop.commands.findings import judged
from opsmop.demo.sshd import PrivateSshd

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_good_host_is_found_good(opsmop: Opsmop, three_hosts: Path) -> None:
    done = opsmop("doctor", "web1", "-i", str(three_hosts))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "web1"
    rows = [line.split()[:2] for line in lines[1:] if line.startswith("  ") and line[2] != " "]
    assert [["ok", what] in rows for what in ("login", "Python", "clock")] == [True] * 3
    assert "WRONG" not in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "what", "remedy"),
    [
        ("127.0.3.1 ", "127.0.3.1 opsmop_ssh_port=1 ", "connection", "is sshd running"),
        ("127.0.3.1 ", "no-such-name.invalid ", "connection", "opsmop_host gives an address"),
        ("127.0.3.1 ", "127.0.3.1 opsmop_ssh_key_file=/absent ", "login", "authorized_keys"),
        ("127.0.3.1 ", "127.0.3.1 opsmop_python_path=/absent/python3 ", "Python", "opsmop_python_path"),
        ("127.0.3.1 ", "127.0.3.1 opsmop_ssh_args='-oUserKnownHostsFile=/dev/null' ", "host key", "opsmop hosts scan"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    opsmop: Opsmop, three_hosts: Path, old: str, new: str, what: str, remedy: str
) -> None:
    three_hosts.write_text(three_hosts.read_text().replace(old, new))
    done = opsmop("doctor", "web1", "-i", str(three_hosts))
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.splitlines()[1].startswith(f"  WRONG  {what}")
    assert remedy in done.stdout


def test_who_cannot_be_become_is_named_whoever_logs_in(opsmop: Opsmop, three_hosts: Path) -> None:
    done = opsmop("doctor", "web1", "-i", str(three_hosts), "--sudo-user", "nobody-of-that-name")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "WRONG  sudo" in done.stdout


def test_the_command_to_try_by_hand_has_all_options_that_ssh_was_given(
    opsmop: Opsmop, three_hosts: Path, private_sshd: PrivateSshd
) -> None:
    three_hosts.write_text(three_hosts.read_text().replace("127.0.3.1 ", "127.0.3.1 opsmop_ssh_port=1 "))
    done = opsmop("doctor", "web1", "-i", str(three_hosts))
    by_hand = ["ssh", *private_sshd.ssh_args, "-p", "1", "-i", str(private_sshd.key_file), "-l", private_sshd.user]
    assert f"Try by hand: {shlex.join([*by_hand, '127.0.3.1'])} true" in done.stdout


def reading(**changed: Any) -> dict[str, Any]:
    disk = {"free": 10 << 30, "size": 20 << 30, "nodes": 1000, "nodes_free": 900}
    good = {"time": 100.0, "disks": {"/": disk}, "home": "/home/a", "home_writable": True, "reboot": False}
    return {**good, **changed}


def disk(**changed: int) -> dict[str, dict[str, int]]:
    return {"/var": {"free": 10 << 30, "size": 20 << 30, "nodes": 1000, "nodes_free": 900, **changed}}


@pytest.mark.parametrize(
    ("changed", "grade", "what", "said"),
    [
        ({"time": 92.0}, "note", "clock", "7 seconds behind this machine's"),
        ({"time": 4000.0}, "wrong", "clock", "3899 seconds ahead of this machine's"),
        ({"disks": disk(free=100 << 20)}, "note", "disk", "/var has 100.0 MB free of 20.0 GB"),
        ({"disks": disk(free=1 << 20)}, "wrong", "disk", "/var has 1.0 MB free of 20.0 GB"),
        ({"disks": disk(nodes_free=3)}, "wrong", "disk", "/var has room for 3 more files"),
        ({"home_writable": False}, "note", "home", "/home/a cannot be written to"),
        ({"reboot": True}, "note", "reboot", "its packages ask for one"),
    ],
)
def test_what_a_host_tells_is_judged(changed: dict[str, Any], grade: str, what: str, said: str) -> None:
    found = [each for each in judged(reading(**changed), 99.0, 101.0) if each.grade != "ok"]
    assert [(each.grade, each.what) for each in found] == [(grade, what)]
    assert said in found[0].said


def test_a_clock_is_judged_by_no_more_than_the_trip_took() -> None:
    assert judged(reading(time=150.0), 100.0, 160.0)[0].grade == "ok"
    assert all(each.grade == "ok" for each in judged(reading(), 99.0, 101.0))


def test_a_file_system_without_inodes_is_none_that_lacks_them() -> None:
    assert all(each.grade == "ok" for each in judged(reading(disks=disk(nodes=0, nodes_free=0)), 99.0, 101.0))
