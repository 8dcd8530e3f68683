"""The fleet itself: its hosts are real, apart from each other, told by their snapshots, and gone afterwards."""

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import RELEASES, CommandError, Fleet, FleetError, Host, difference
from tests.fleet.harness.containers import cgroup_root
from tests.fleet.harness.disk import mounts_below
from tests.fleet.harness.needs import INOTIFY_LIMIT, refuse_too_many

CHECKOUT = Path(__file__).parents[2]
EVERY_RELEASE = list(RELEASES)

Boot = Callable[..., Fleet]


@pytest.fixture(scope="module")
def shared() -> Iterator[Fleet]:
    with Fleet(EVERY_RELEASE) as fleet:
        yield fleet


@pytest.fixture(params=EVERY_RELEASE)
def host(shared: Fleet, request: pytest.FixtureRequest) -> Host:
    return shared.host(f"{request.param}1")


def traces(fleet: Fleet) -> list[str]:
    """What is left of a fleet on this machine: folders, mounts, cgroups, and what mentions it among processes."""
    folder = fleet.key.parent
    left = [*mounts_below(folder), *Path("/run/systemd/nspawn/propagate").glob(f"{folder.name}*")]
    left += [path for path in (folder, cgroup_root() / folder.name) if path.exists()]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if folder.name.encode() in process.read_bytes():
                left.append(process)
        except OSError:
            continue  # it ended
    return [str(path) for path in left]


def test_a_host_is_the_release_it_was_asked_to_be(host: Host) -> None:
    assert host.run("python3 --version").stdout.startswith(f"Python {RELEASES[host.release].python}.")
    assert f"VERSION_CODENAME={host.release}" in host.run("cat /etc/os-release").stdout


def test_a_host_has_systemd_as_its_first_process_and_nothing_failed(host: Host) -> None:
    assert host.run("cat /proc/1/comm").stdout == "systemd\n"
    assert host.run("systemctl is-system-running").stdout == "running\n"


def test_a_service_can_be_restarted(host: Host) -> None:
    before = host.run("systemctl show --property InvocationID dbus").stdout
    host.run("systemctl restart dbus")
    assert host.run("systemctl show --property InvocationID dbus").stdout != before


def test_ops_has_sudo_without_a_password(host: Host) -> None:
    assert host.run("sudo -n id -u", user="ops").stdout == "0\n"


def test_plain_has_no_sudo(host: Host) -> None:
    assert host.run("sudo -n true", user="plain", check=False).returncode != 0


def test_hosts_know_each_other_by_name(host: Host, shared: Fleet) -> None:
    for other in shared.hosts:
        assert other.address in host.run(["getent", "hosts", other.name]).stdout


def test_apt_installs_a_package_from_the_mirror(host: Host) -> None:
    host.run("apt-get -qq update && apt-get -qq install hello")
    assert host.run("hello").stdout == "Hello, world!\n"


def test_hosts_have_names_keys_and_identities_of_their_own(boot: Boot) -> None:
    fleet = boot("bookworm", "bookworm", "trixie")
    assert [host.name for host in fleet.hosts] == ["bookworm1", "bookworm2", "trixie1"]
    assert [host.run("hostname").stdout.strip() for host in fleet.hosts] == [host.name for host in fleet.hosts]
    for command in ("cat /etc/machine-id", "cat /etc/ssh/ssh_host_*_key.pub", "cat /proc/sys/kernel/random/uuid"):
        assert len({host.run(command).stdout for host in fleet.hosts}) == len(fleet.hosts)
    assert len({host.address for host in fleet.hosts}) == len(fleet.hosts)


def test_a_file_written_on_one_host_shows_there_and_nowhere_else(boot: Boot) -> None:
    one, other = boot("bookworm", "bookworm").hosts
    before, elsewhere = one.snapshot(), other.snapshot()
    one.run("mkdir /srv/site && echo hello > /srv/site/index && chmod 640 /srv/site/index")
    lines = difference(before, one.snapshot())
    assert [line.split(":")[0] for line in lines] == ["+ /srv/site", "+ /srv/site/index"]
    assert lines[1].startswith("+ /srv/site/index: file 0640 0:0 6 bytes sha256 ")
    assert difference(elsewhere, other.snapshot()) == []


def test_a_snapshot_tells_of_what_was_changed_and_removed(boot: Boot) -> None:
    (host,) = boot("trixie").hosts
    host.run("mkdir /opt/tree && ln -s /one /opt/tree/link && echo text > /opt/tree/file")
    before = host.snapshot()
    host.run("chmod 600 /opt/tree/file; ln -sfn /two /opt/tree/link; rm /etc/debian_version; chmod 700 /srv")
    host.run("rm -r /etc/sudoers.d && mkdir /etc/sudoers.d && touch /tmp/left")
    changed = {line.split(":")[0]: line for line in difference(before, host.snapshot())}
    assert changed.keys() == {
        "~ /opt/tree/file",
        "~ /opt/tree/link",
        "+ /etc/debian_version",
        "+ /etc/sudoers.d",
        "+ /srv",
        "+ /tmp/left",
    }
    assert "0644" in changed["~ /opt/tree/file"]
    assert "became file 0600" in changed["~ /opt/tree/file"]
    assert "-> /one became" in changed["~ /opt/tree/link"]
    assert changed["+ /etc/debian_version"].endswith("removed 0000 0:0")
    assert "replaced directory" in changed["+ /etc/sudoers.d"]


def test_a_system_at_rest_changes_nothing(boot: Boot) -> None:
    hosts = boot(*EVERY_RELEASE).hosts
    before = [host.snapshot() for host in hosts]
    for host in hosts:
        host.run(["python3", "-c", "import asyncio, ctypes, email, json, sqlite3, ssl, unittest"])
        host.run("sudo -n true && apt-cache policy hello && systemctl list-units", user="ops")
    assert [difference(old, host.snapshot()) for old, host in zip(before, hosts, strict=True)] == [[], [], []]


@pytest.mark.parametrize("ending", ["stop", "kill"])
@pytest.mark.parametrize("release", EVERY_RELEASE)
def test_a_disk_outlives_its_host_being_stopped_or_killed(boot: Boot, release: str, ending: str) -> None:
    (host,) = boot(release).hosts
    host.run("echo kept > /root/kept; echo lost > /run/lost")
    getattr(host, ending)()
    assert not host.is_running()
    assert (host.root / "root/kept").read_text() == "kept\n"
    host.start()
    assert host.run("cat /root/kept; ls /run/lost", check=False).stdout == "kept\n"


@pytest.mark.parametrize("release", EVERY_RELEASE)
def test_a_stopped_host_ends_its_services_in_order_and_a_killed_one_does_not(boot: Boot, release: str) -> None:
    (host,) = boot(release).hosts
    goodbye = "--property=ExecStop=/bin/sh -c 'echo ended >> /root/goodbye'"
    for ending in (host.kill, host.stop):
        host.run(["systemd-run", "--quiet", "--unit=probe", goodbye, "sleep", "infinity"])
        ending()
        host.start()
        assert host.run("cat /root/goodbye", check=False).stdout == ("ended\n" if ending == host.stop else "")


def test_a_host_that_powers_itself_off_can_be_started_again(boot: Boot) -> None:
    (host,) = boot("bookworm").hosts
    host.run("systemctl poweroff", check=False)
    deadline = time.monotonic() + 60
    while host.is_running() and time.monotonic() < deadline:
        time.sleep(0.05)
    host.start()
    assert host.run("true").returncode == 0


def test_run_gives_input_status_and_output_and_raises_when_asked_to_check(shared: Fleet) -> None:
    host = shared.hosts[0]
    assert host.run(["cat"], input="a word").stdout == "a word"
    assert host.run(["printf", "%s|", "two words", "$HOME"]).stdout == "two words|$HOME|"
    assert host.run("whoami", user="plain").stdout == "plain\n"
    assert host.run("exit 7", check=False).returncode == 7
    with pytest.raises(CommandError, match=r"(?s)bullseye1: 'echo why >&2; false' ended with status 1.*why"):
        host.run("echo why >&2; false")
    with pytest.raises(FleetError, match="did not end within 1 seconds"):
        host.run("sleep 60", timeout=1)


def test_the_inventory_names_every_host_by_release_and_as_fleet(shared: Fleet, tmp_path: Path) -> None:
    read = tomllib.loads(shared.inventory(tmp_path / "hosts.toml", user="plain", http_port=8080).read_text())
    groups = read["groups"]
    for host in shared.hosts:
        assert groups[host.release]["hosts"] == {host.name: {"opsmop_host": host.address, "http_port": 8080}}
    assert groups["fleet"]["children"] == EVERY_RELEASE
    login = groups["fleet"]["vars"]
    assert login["opsmop_ssh_username"] == "plain"
    words = ["ssh", *login["opsmop_ssh_args"].split(), "-i", login["opsmop_ssh_key_file"], "-oBatchMode=yes"]
    reached = subprocess.run([*words, f"plain@{shared.hosts[0].address}", "id", "-un"], capture_output=True, check=True)
    assert reached.stdout == b"plain\n"


def test_two_fleets_stand_beside_each_other(boot: Boot) -> None:
    one, other = boot("bookworm"), boot("bookworm")
    assert one.hosts[0].address != other.hosts[0].address
    assert one.hosts[0].run("true").returncode == other.hosts[0].run("true").returncode == 0


def test_nothing_is_left_of_a_fleet_after_its_block() -> None:
    with Fleet(["bookworm", "trixie"]) as fleet:
        assert traces(fleet)
    assert traces(fleet) == []


def test_nothing_is_left_of_a_fleet_after_an_error_in_its_block() -> None:
    fleet = Fleet(["bookworm"])
    with pytest.raises(CommandError), fleet:
        fleet.hosts[0].run("false")
    assert traces(fleet) == []


def test_a_boot_that_fails_shows_the_console_and_leaves_nothing(boot: Boot) -> None:
    fleet = boot("bookworm")
    (host,) = fleet.hosts
    host.stop()
    (host.root / "usr/lib/systemd/systemd").unlink()
    with pytest.raises(FleetError, match=r"(?s)bookworm1 \(bookworm, 127.0.3.\d+\) did not boot.*Its console:\n.+"):
        host.start()


def by_hand() -> tuple["subprocess.Popen[str]", str]:
    """Boot a fleet with the command for people; return its process and the name of its folder."""
    words = [sys.executable, "-m", "tests.fleet", "up", "bookworm"]
    process = subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("inventory: "):
            return process, line.split(": ")[1].strip()
    raise AssertionError("the fleet ended before it was up")


def finished(process: "subprocess.Popen[str]") -> int:
    process.communicate(timeout=60)
    return process.returncode


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_takes_the_fleet_away(number: int) -> None:
    process, inventory = by_hand()
    folder = Path(inventory).parent
    process.send_signal(number)
    assert finished(process) == 130
    assert not folder.exists()
    assert mounts_below(folder) == []
    assert not (cgroup_root() / folder.name).exists()


def test_a_fleet_whose_process_was_killed_is_reaped_by_the_next() -> None:
    process, inventory = by_hand()
    folder = Path(inventory).parent
    process.kill()
    finished(process)
    assert mounts_below(folder)
    with Fleet(["bookworm"]) as fleet:
        assert fleet.key.parent != folder
        assert mounts_below(folder) == []
        assert not folder.exists()
        assert not (cgroup_root() / folder.name).exists()


def test_a_release_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(FleetError, match="no release is named 'potato'; there are bullseye, bookworm, trixie"):
        Fleet(["potato"])


@pytest.mark.parametrize("where", [Path(__file__), Path(__file__).parent])
def test_without_root_the_folder_is_left_out_aloud_unless_it_is_required(tmp_path: Path, where: Path) -> None:
    # The checkout may lie where no other user may look, so this is ours in a namespace where our number is not 0.
    words = ["unshare", "--user", "--map-user=1234", sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    words += [str(where), f"--basetemp={tmp_path}/left-out"]
    environment = {name: value for name, value in os.environ.items() if name != "OPSMOP_REQUIRE_FLEET"}
    quiet = subprocess.run(words, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert "LEFT OUT: tests/fleet (real hosts), which needs root" in quiet.stdout
    assert "skipped" not in quiet.stdout
    environment["OPSMOP_REQUIRE_FLEET"] = "1"
    loud = subprocess.run(words, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert loud.returncode != 0
    assert "OPSMOP_REQUIRE_FLEET=1, and tests/fleet cannot run: it needs root" in loud.stdout + loud.stderr


def test_more_hosts_than_the_kernel_allows_are_refused_with_the_remedy() -> None:
    limit = int(INOTIFY_LIMIT.read_text())
    with pytest.raises(FleetError, match=rf"{limit} hosts need .* allows {limit}: .* sysctl fs.inotify"):
        refuse_too_many(limit)
