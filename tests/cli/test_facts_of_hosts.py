"""`opsmop facts HOST`: what is true of a host, asked over ssh."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_host_of_the_inventory_tells_its_facts(opsmop: Opsmop, three_hosts: Path) -> None:
    here = json.loads(opsmop("facts", "--json").stdout)
    done = opsmop("facts", "web1", "-i", str(three_hosts), "--json")
    assert done.returncode == 0, done.stderr
    there = json.loads(done.stdout)
    assert set(there["Platform"]) == set(here["Platform"])
    assert there["Platform"]["boot_id"] == here["Platform"]["boot_id"]


def test_any_host_that_ssh_reaches_tells_them_and_one_fact_is_alone(opsmop: Opsmop, private_sshd: PrivateSshd) -> None:
    named = f"{private_sshd.user}@{private_sshd.address}:{private_sshd.port}"
    arguments = {"OPSMOP_SSH_ARGS": " ".join(private_sshd.ssh_args), "OPSMOP_SSH_KEY_FILE": str(private_sshd.key_file)}
    done = opsmop("facts", named, "Platform.system", **arguments)
    assert (done.returncode, done.stdout) == (0, "Linux\n"), done.stderr


def test_a_host_that_is_not_met_is_1_and_says_why(opsmop: Opsmop) -> None:
    done = opsmop("facts", "nobody@127.0.3.9:1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nobody@127.0.3.9:1: " in done.stderr
    assert "Connection refused" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("web9", "-i", "inventory.toml"), "Did you mean 'web"),
        (("web1", "Platfrom", "-i", "inventory.toml"), "Did you mean 'Platform'"),
    ],
)
def test_a_wrong_name_is_2_and_says_what_is_close(
    opsmop: Opsmop, three_hosts: Path, words: tuple[str, ...], said: str
) -> None:
    done = opsmop("facts", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_fact_alone_is_one_of_this_machine(opsmop: Opsmop) -> None:
    done = opsmop("facts", "Platform.system")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Linux\n", "")
    assert set(json.loads(opsmop("facts", "Platform", "--json").stdout)) == {
        line.split()[0].partition(".")[2] for line in opsmop("facts", "Platform").stdout.splitlines()
    }
