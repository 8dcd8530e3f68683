"""Host keys of an inventory: shown, asked about, remembered where ssh looks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd
from opsmop.transport.base import Route
from opsmop.transport.host_keys import _NO_LOGIN, _run
from opsmop.transport.openssh import ssh_arguments


@pytest.fixture(scope="module")
def sshd() -> Iterator[PrivateSshd]:
    with PrivateSshd() as server:
        yield server


@pytest.fixture
def inventory(sshd: PrivateSshd, tmp_path: Path) -> Path:
    """Two names of one server, and a user whose ssh knows no host."""
    config = tmp_path / "config"
    config.write_text(f"Host *\n UserKnownHostsFile {tmp_path}/known\n GlobalKnownHostsFile /dev/null\n")
    path = tmp_path / "inventory.toml"
    place = f"opsmop_host={sshd.address} opsmop_ssh_port={sshd.port} opsmop_ssh_args='-F {config}'"
    path.write_text(f'[groups.web.hosts]\nweb1 = "{place}"\nweb2 = "{place}"\nhere = "opsmop_connection=local"\n')
    return path


def scan(inventory: Path, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opsmop", "hosts", "scan", "-i", str(inventory), *words],
        input=answer,
        env={**os.environ, "HOME": str(inventory.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def fingerprint(sshd: PrivateSshd) -> str:
    words = ["ssh-keygen", "-lf", str(sshd.folder / "host_key.pub")]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]


def test_unknown_keys_are_shown_asked_about_and_remembered_once(sshd: PrivateSshd, inventory: Path) -> None:
    known = inventory.parent / "known"
    known.write_text("other.example ssh-ed25519 AAAA")
    first = scan(inventory, answer="y\n")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.count(f"ED25519 {fingerprint(sshd)}") == 2
    lines = known.read_text().splitlines()
    assert lines[0] == "other.example ssh-ed25519 AAAA"
    assert [line.split()[0] for line in lines[1:]] == [f"[{sshd.address}]:{sshd.port}"]
    again = scan(inventory)
    assert (again.returncode, again.stdout.count("known    web")) == (0, 2)


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_nothing_is_remembered_unless_somebody_says_yes(inventory: Path, answer: str) -> None:
    done = scan(inventory, answer=answer)
    assert (done.returncode, "Nothing was remembered" in done.stdout) == (2, True)
    assert not (inventory.parent / "known").exists()


def test_programs_are_told_of_each_key_and_not_asked(sshd: PrivateSshd, inventory: Path) -> None:
    first = scan(inventory, "--output", "json", "--limit-groups", "web")
    document = json.loads(first.stdout)
    assert first.returncode == 2
    assert {name: key["key"] for name, key in document.items()} == {"web1": "new", "web2": "new"}
    assert fingerprint(sshd) in document["web1"]["fingerprint"]
    assert not (inventory.parent / "known").exists()
    for _ in range(2):
        assert scan(inventory, "--json", "--yes").returncode == 0
    assert json.loads(scan(inventory, "--json").stdout)["web1"]["key"] == "known"


def test_yes_does_not_ask_and_makes_a_private_file(inventory: Path) -> None:
    done = scan(inventory, "--yes", "--limit-hosts", "web2")
    assert (done.returncode, "web1" in done.stdout) == (0, False)
    assert (inventory.parent / "known").stat().st_mode & 0o777 == 0o600


def test_a_changed_key_is_shown_refused_and_left(sshd: PrivateSshd, inventory: Path) -> None:
    known = inventory.parent / "known"
    other = " ".join((sshd.folder / "client_key.pub").read_text().split()[:2])
    known.write_text(f"[{sshd.address}]:{sshd.port} {other}\n")
    before = known.read_text()
    done = scan(inventory, "--yes")
    assert done.returncode == 1
    assert "CHANGED  web1" in done.stdout
    assert "ssh-keygen -R" in done.stdout
    assert known.read_text() == before


def test_a_host_that_is_not_met_does_not_keep_the_others_from_being_remembered(
    sshd: PrivateSshd, inventory: Path
) -> None:
    text = inventory.read_text()
    inventory.write_text(text.replace(f"opsmop_ssh_port={sshd.port}", "opsmop_ssh_port=1", 1))
    done = scan(inventory, "--yes")
    assert done.returncode == 1
    assert "not met  web1" in done.stdout
    assert "Connection refused" in done.stdout
    assert str(sshd.port) in (inventory.parent / "known").read_text()


@pytest.mark.parametrize("words", [["scan"], ["list", "-i", "x"], ["scan", "-i", "/no/such.toml"]])
def test_wrong_words_say_how_to_write_it(words: list[str]) -> None:
    command = [sys.executable, "-m", "opsmop", "hosts", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("opsmop: ")


def test_the_inventory_of_the_defaults_is_scanned_and_nothing_to_scan_is_said(tmp_path: Path) -> None:
    (tmp_path / "opsmop.toml").write_text('[inventory]\nfile = "mine.toml"\n')
    (tmp_path / "mine.toml").write_text('[groups.all.hosts]\none = "opsmop_connection=local"\n')
    done = subprocess.run(
        [sys.executable, "-m", "opsmop", "hosts", "scan"],
        cwd=tmp_path, env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "No host is reached by ssh: there is no key to scan.\n"


def test_a_host_without_a_way_is_told_and_the_others_are_scanned(inventory: Path) -> None:
    inventory.write_text(inventory.read_text() + 'lost = "opsmop_via=web9"\n')
    done = scan(inventory, "--yes")
    assert done.returncode == 1
    assert "lost: opsmop_via names 'web9', which is no host of the inventory" in done.stdout
    assert done.stdout.count("new      web") == 2


def test_a_banner_of_a_host_is_not_even_read(tmp_path: Path) -> None:
    (tmp_path / "banner").write_text("a word of the host\n" * 100)
    with PrivateSshd(extra=f"Banner {tmp_path}/banner") as server:
        route = Route(
            host="web1", address=server.address, port=server.port, user=server.user,
            check_host_keys="yes", ssh_args=(*_NO_LOGIN, *server.ssh_args),
        )  # fmt: skip
        said = _run(ssh_arguments(route, "true"), route).stderr
    assert "Permission denied" in said
    assert "a word of the host" not in said
