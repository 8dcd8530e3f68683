"""`opsmop doctor` and `opsmop run` on real hosts, and what the reference page shows, done on one."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from tests.fleet import example_com
from tests.fleet.harness import Fleet, difference
from tests.fleet.pushing import apply, check, push

from opsmop.reference.examples import EXAMPLES

Boot = Callable[..., Fleet]
FOUNDING = ["Group", "File", "DebugFacts", "Directory", "Echo", "Link", "Package", "Service", "User", "Shell"]
# They set what the machine that runs the tests would have too, but on a host with a network of its own.
OWN_NETWORK = {"Sysctl"}
COMMANDS = {"Command", "Shell"}
ALWAYS = {"changed", "ran"}
# What a run itself writes, and the index that apt makes of its lists when it looks; neither is the host's configuration.
OURS = ("/root/.opsmop*", "/home/ops/.opsmop*", "/root/.cache*", "/home/ops/.cache*", "/var/cache/apt/*pkgcache.bin*")
# Whose example takes what the examples of others make.
BEFORE = {"User": ["Group"], "Reboot": ["AptRepository"]}
OF_THE_WEB = {"AptRepository", "Download", "Git", "Reboot"}


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


def hold_the_laws(fleet: Fleet, folder: Path, chosen: list[str]) -> None:
    """Check, apply and apply again the examples of these types on the fleet's only host; all laws hold."""
    main = "".join(EXAMPLES[kind] for kind in chosen)
    (host,) = fleet.hosts
    before = host.snapshot(OURS)
    announced = Counter(check(fleet, folder, main).changes)
    assert difference(before, host.snapshot(OURS)) == [], "check touches nothing"
    assert not (folder / "fetched").exists(), "neither here"
    with host.restarting() if "Reboot" in chosen else nullcontext():
        first = apply(fleet, folder, main)
    assert {ended.type for ended in first.ended} >= set(chosen)
    made = Counter(first.changes)
    certain = Counter({name: count for name, count in announced.items() if not name.endswith("?")})
    supposed = Counter({name[:-1]: count for name, count in announced.items() if name.endswith("?")})
    assert certain - made == Counter(), "what check is certain of is made"
    assert made - (certain + supposed) == Counter(), "what is made was announced"
    for anew in (check, apply):
        again = anew(fleet, folder, main)
        assert [(ended, again.texts) for ended in again.ended if ended.status in ALWAYS] == [], "nothing is left to do"


def test_every_law_holds_for_the_examples_of_the_reference(fleet: Fleet, tmp_path: Path) -> None:
    example_com.set_up(fleet, tmp_path)
    # Groups before users, what makes all that follows an assumption late, and the end of the role last.
    chosen = sorted(
        set(EXAMPLES) - OWN_NETWORK,
        key=lambda kind: (kind == "Reboot", kind in COMMANDS, kind != "Group", kind != "File", kind),
    )
    hold_the_laws(fleet, tmp_path, chosen)
    assert (tmp_path / "fetched" / fleet.hosts[0].name / "etc" / "hostname").read_text() == f"{fleet.hosts[0].name}\n"


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_every_law_holds_for_each_example_by_itself_on_a_fresh_host(boot: Boot, kind: str, tmp_path: Path) -> None:
    fleet = boot("bookworm", behind=[None] if kind in OWN_NETWORK else [])
    if kind in OF_THE_WEB:
        example_com.set_up(fleet, tmp_path)
    else:
        example_com.lay_out(tmp_path)
    hold_the_laws(fleet, tmp_path, [*BEFORE.get(kind, []), kind])


@pytest.mark.parametrize("release", ["bullseye", "trixie"])
def test_every_law_holds_for_the_founding_types_on_the_oldest_and_the_newest_python(
    boot: Boot, release: str, tmp_path: Path
) -> None:
    example_com.lay_out(tmp_path)
    hold_the_laws(boot(release), tmp_path, FOUNDING)


def test_every_law_holds_for_the_examples_that_need_a_network_of_their_own(boot: Boot, tmp_path: Path) -> None:
    fleet = boot("bookworm", behind=[None])
    hold_the_laws(fleet, tmp_path, sorted(OWN_NETWORK))
    assert fleet.hosts[0].run("cat /proc/sys/net/ipv4/ip_forward").stdout == "1\n"
    refused = push(fleet, tmp_path, 'Sysctl("net.ipv4.ip_forward", "perhaps")').failures[0]
    assert "the kernel does not take perhaps for net.ipv4.ip_forward" in refused
