"""`opsmop doctor` and `opsmop run` on real hosts, and what the reference page shows, done on one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.pushing import apply

from opsmop.reference.examples import EXAMPLES

# What these need is not on a clean container: a web server, a package of that name, an archive beside the policy, a
# kernel of its own, leave to write on the control machine.
ELSEWHERE = {"AptRepository", "Download", "Fetch", "Git", "Package", "Reboot", "Sysctl", "Unarchive"}
ALWAYS = {"changed", "ran"}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(["bookworm"]) as booted:
        yield booted


@pytest.fixture
def inventory(fleet: Fleet, tmp_path: Path) -> Path:
    return fleet.inventory(tmp_path / "inventory.toml")


def opsmop(inventory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opsmop", *words, "-i", str(inventory)],
        env={**os.environ, "HOME": str(inventory.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_clean_host_is_found_good_sudo_and_all(fleet: Fleet, inventory: Path) -> None:
    done = opsmop(inventory, "doctor", fleet.hosts[0].name, "--sudo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as ops at" in done.stdout
    assert "becomes root" in done.stdout
    assert "WRONG" not in done.stdout


def test_a_user_without_sudo_is_a_note_and_wrong_where_sudo_has_to_work(fleet: Fleet, inventory: Path) -> None:
    host = fleet.hosts[0].name
    done = opsmop(inventory, "doctor", host, "--user", "plain")
    assert (done.returncode, "note   sudo" in done.stdout) == (0, True), done.stdout + done.stderr
    done = opsmop(inventory, "doctor", host, "--user", "plain", "--sudo")
    assert (done.returncode, "WRONG  sudo" in done.stdout) == (1, True), done.stdout + done.stderr


def test_a_full_disk_and_a_home_that_takes_nothing_are_found(fleet: Fleet, inventory: Path) -> None:
    host = fleet.hosts[0]
    host.run("mount -t tmpfs -o size=1m tmpfs /tmp && chmod 555 /home/ops && touch /run/reboot-required")
    try:
        done = opsmop(inventory, "doctor", host.name)
    finally:
        host.run("umount /tmp; chmod 755 /home/ops; rm /run/reboot-required; chown ops: /home/ops")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "WRONG  disk        /tmp has 1.0 MB free of 1.0 MB" in done.stdout
    assert "note   home        /home/ops cannot be written to" in done.stdout
    assert "note   reboot" in done.stdout


def test_a_command_runs_as_who_is_asked_for(fleet: Fleet, inventory: Path) -> None:
    name = fleet.hosts[0].name
    assert opsmop(inventory, "run", "id -un").stdout.startswith(f"{name}  status 0\n  ops\n")
    assert opsmop(inventory, "run", "id -un", "--sudo").stdout.startswith(f"{name}  status 0\n  root\n")
    assert opsmop(inventory, "run", "id -un", "--sudo-user", "plain").stdout.startswith(f"{name}  status 0\n  plain\n")


def test_the_examples_of_the_reference_are_done_and_a_second_time_are_silent(fleet: Fleet, tmp_path: Path) -> None:
    for folder, name in (("templates", "app.conf.j2"), ("files", "site.tar.gz")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("workers = 4\n")
    # Groups before users, whatever their names.
    chosen = sorted(set(EXAMPLES) - ELSEWHERE, key=lambda kind: (kind != "Group", kind != "File", kind))
    main = "".join(EXAMPLES[kind] for kind in chosen)
    first = apply(fleet, tmp_path, main)
    assert {ended.type for ended in first.ended} >= set(chosen)
    again = apply(fleet, tmp_path, main)
    assert [(ended.name, again.changes) for ended in again.ended if ended.status in ALWAYS] == []
