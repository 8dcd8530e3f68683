"""The private sshd: for its user alone, for as long as it lasts."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd, SshdError


def ssh(
    sshd: PrivateSshd, command: str, *, address: str = "", key: Path | None = None
) -> subprocess.CompletedProcess[str]:
    target = f"{sshd.user}@{address or sshd.address}"
    words = [
        "ssh",
        *sshd.ssh_args,
        "-o",
        "BatchMode=yes",
        "-i",
        str(key or sshd.key_file),
        "-p",
        str(sshd.port),
        target,
        command,
    ]
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def runs(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_commands_run_as_the_current_user_with_a_home_of_their_own(tmp_path: Path) -> None:
    with PrivateSshd(home=tmp_path / "home") as sshd:
        told = ssh(sshd, "id -u; echo $HOME")
    assert (told.stdout, told.stderr) == (f"{os.geteuid()}\n{tmp_path}/home\n", "")


def test_it_listens_on_every_address_and_its_host_key_is_known_there() -> None:
    addresses = ("127.0.2.1", "127.0.2.2", "127.0.2.3")
    with PrivateSshd(addresses=addresses) as sshd:
        told = [ssh(sshd, "echo $SSH_CONNECTION", address=address).stdout.split()[2] for address in addresses]
    assert told == list(addresses)


def test_two_of_them_do_not_disturb_each_other() -> None:
    with PrivateSshd() as first, PrivateSshd() as second:
        assert first.port != second.port
        assert ssh(first, "echo first").stdout == "first\n"
        refused = ssh(second, "echo second", key=first.key_file)
    assert (refused.returncode, refused.stdout) == (255, "")
    assert "Permission denied" in refused.stderr


def test_it_leaves_no_process_and_no_file() -> None:
    with PrivateSshd() as sshd:
        daemon = int(ssh(sshd, "setsid sleep 600 >/dev/null 2>&1 </dev/null & echo $!").stdout)
        session = subprocess.Popen(
            ["ssh", *sshd.ssh_args, "-i", str(sshd.key_file), "-p", str(sshd.port), f"{sshd.user}@127.0.0.1", "sleep 600"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        limit = time.monotonic() + 30
        while len(started := sshd.processes()) < 4 and time.monotonic() < limit:
            time.sleep(0.02)
        assert daemon in started
    assert session.wait(timeout=30) == 255
    assert [process for process in (*started, daemon) if runs(process)] == []
    assert sshd.processes() == ()
    assert not sshd.folder.exists()


def test_what_its_configuration_refuses_is_told_and_leaves_nothing() -> None:
    sshd = PrivateSshd(extra="NoSuchOption yes")
    with pytest.raises(SshdError, match="NoSuchOption"):
        sshd.__enter__()
    assert not sshd.folder.exists()


def test_a_missing_sshd_is_an_error_that_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(SshdError, match="OpenSSH's sshd is not installed\n  apt-get install openssh-server"):
        PrivateSshd(search=str(tmp_path)).__enter__()
