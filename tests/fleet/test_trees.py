"""The founding document's two racks, on hosts that can reach each other only as its tree says."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host

from opsmop.ship.bundle import code_bundle
from opsmop.ship.compiled import compiled_code

# One release each on the way: Python 3.9 carries connections as well as 3.11 and 3.13 do.
EXAMPLE = Path(__file__).parents[2] / "examples" / "bastion_tree"
RELEASES = ["bullseye", "trixie", "bookworm", "bookworm", "bookworm", "bookworm", "bookworm"]
BEHIND = [None, 0, 1, 1, 0, 4, 4]
NAMES = ["bastion", "rack1-top", "rack1-101", "rack1-102", "rack2-top", "rack2-201", "rack2-202"]

INVENTORY = """\
[groups.bastions.hosts]
"bastion.example.com" = ""

[groups.rack1.hosts]
"rack1-top.example.com" = "opsmop_via=bastion.example.com"
"rack1-101.example.com" = ""
"rack1-102.example.com" = ""

[groups.rack2.hosts]
"rack2-top.example.com" = "opsmop_via=bastion.example.com"
"rack2-201.example.com" = ""
"rack2-202.example.com" = ""

[groups.rack1.vars]
opsmop_via = "rack1-top.example.com"

[groups.rack2.vars]
opsmop_via = "rack2-top.example.com"

[groups.fooapp.hosts]
"rack1-101.example.com" = ""
"rack2-202.example.com" = ""

[groups.leaves.hosts]
"rack1-101.example.com" = ""
"rack1-102.example.com" = ""
"rack2-201.example.com" = ""
"rack2-202.example.com" = ""
"""

POLICY = """\
from opsmop import *

inventory = TomlInventory("inventory.toml")

class Pushed(Role):
    def inventory(self):
        return inventory.filter(groups={groups!r})

    def sudo(self):
        return {sudo}

    def main(self):
{main}

class Site(Policy):
    def set_roles(self):
        return Roles({roles})

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture(scope="module")
def racks() -> Iterator[Fleet]:
    with Fleet(RELEASES, behind=BEHIND) as fleet:
        yield fleet


def named(racks: Fleet, name: str) -> Host:
    return racks.hosts[NAMES.index(name)]


class Site:
    """A policy for the racks, and the controller's settings, in a folder of their own."""

    def __init__(self, racks: Fleet, folder: Path) -> None:
        self.racks, self.folder = racks, folder
        self.addresses = "".join(
            f'[hosts."{name}.example.com".vars]\nopsmop_host = "{host.address}"\n'
            for name, host in zip(NAMES, racks.hosts, strict=True)
        )
        (folder / "inventory.toml").write_text(INVENTORY + self.addresses)
        self.environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        (folder / ".opsmop").mkdir()
        settings = f'[ssh]\nusername = "ops"\nargs = ["-F", "/dev/null"]\nkey_file = "{racks.key}"\n'
        (folder / ".opsmop/defaults.toml").write_text(settings + f'known_hosts = "{racks.known_hosts}"\n')

    def start(
        self, main: str, *options: str, groups: str = "leaves", sudo: bool = True, roles: str = "Pushed()"
    ) -> subprocess.Popen[str]:
        body = textwrap.indent(textwrap.dedent(main).strip(), " " * 8)
        (self.folder / "site.py").write_text(POLICY.format(main=body, groups=groups, sudo=sudo, roles=roles))
        return subprocess.Popen(
            [sys.executable, "site.py", "--push", *(options or ("--apply",))],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, main: str, *options: str, fails: bool = False, **details: str | bool) -> str:
        process = self.start(main, *options, **details)  # type: ignore[arg-type]
        output = process.communicate(timeout=180)[0]
        assert process.returncode == int(fails), output
        return output


@pytest.fixture
def site(racks: Fleet, tmp_path: Path) -> Site:
    return Site(racks, tmp_path)


def logins(host: Host) -> int:
    """How often somebody has logged in as ops, by sshd's own log."""
    host.run("journalctl --sync", check=False)
    return host.run("journalctl --no-pager -q -t sshd -t sshd-session").stdout.count("Accepted publickey for ops")


def await_on(host: Host, condition: str) -> None:
    deadline = time.monotonic() + 60
    while host.run(condition, check=False).returncode:
        assert time.monotonic() < deadline, f"{host.name}: {condition}"


def nothing_of_ours_runs_on(host: Host) -> None:
    """No agent, no role, no relay and no ssh of theirs."""
    await_on(host, "! pgrep -af '[o]psmop|[m]itogen|sleep 9876[5]|^ssh '")


def test_no_leaf_can_be_met_from_here_or_from_the_other_rack(racks: Fleet) -> None:
    leaf = named(racks, "rack1-101")
    for other in ("bastion", "rack2-top", "rack2-201"):
        met = named(racks, other).run(f"timeout 2 ssh -o BatchMode=yes {leaf.address} true", check=False)
        assert met.returncode != 0
    words = [*racks.ssh_command(leaf)[:1], "-o", "ConnectTimeout=2", *racks.ssh_command(leaf)[1:], "true"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 255


def test_the_founding_documents_role_reaches_its_hosts_in_both_racks(racks: Fleet, site: Site) -> None:
    (site.folder / "content.txt").write_text("from the controller\n")
    main = 'File("/root/foo.txt", from_file="content.txt")'
    before = [logins(named(racks, name)) for name in ("bastion", "rack1-top", "rack2-top")]
    site.run(main, groups="fooapp", roles="Pushed(), Pushed(name='Again')")
    for name in ("rack1-101", "rack2-202"):
        assert named(racks, name).run("cat /root/foo.txt; stat -c %U /root/foo.txt").stdout == (
            "from the controller\nroot\n"
        )
    for name in ("rack1-102", "rack2-201", "bastion"):
        assert named(racks, name).run("test -e /root/foo.txt", check=False).returncode == 1
    after = [logins(named(racks, name)) for name in ("bastion", "rack1-top", "rack2-top")]
    assert [late - early for early, late in zip(before, after, strict=True)] == [1, 1, 1]


def test_a_second_apply_changes_nothing_and_check_foretells_the_first(racks: Fleet, site: Site) -> None:
    main = 'File("/root/checked.txt", from_content="x")'
    assert "create" in site.run(main, "--check")
    assert named(racks, "rack2-201").run("test -e /root/checked.txt", check=False).returncode == 1
    site.run(main)
    assert "create" not in site.run(main)


def test_our_code_crosses_each_uplink_once_however_many_hosts_are_behind_it(racks: Fleet, site: Site) -> None:
    for host in racks.hosts:
        host.run("rm -rf /root/.cache/opsmop /home/ops/.cache/opsmop /root/.opsmop /home/ops/.opsmop")
    bundle = code_bundle()
    code = len(bundle.data) + len(compiled_code(bundle))
    ways = ["bastion", "rack1-top", "rack2-top", "rack1-101", "rack1-102"]
    before = {name: named(racks, name).cable.carried()[0] for name in ways}
    site.run('Echo("here")')
    sent = {name: named(racks, name).cable.carried()[0] - before[name] for name in ways}
    for name, count in sent.items():
        assert code < count < 1.5 * code, (name, sent, code)


def test_a_host_on_the_way_may_be_a_target_itself_beside_those_behind_it(racks: Fleet, site: Site) -> None:
    site.run('File("/root/all.txt", from_content="x")', groups="*")
    for host in racks.hosts:
        assert host.run("cat /root/all.txt").stdout == "x"


def test_a_leafs_unknown_key_is_told_with_where_it_has_to_be_known(racks: Fleet, site: Site) -> None:
    top = named(racks, "rack2-top")
    top.run("mv /etc/ssh/ssh_known_hosts /etc/ssh/away")
    try:
        output = site.run('Echo("here")', fails=True, groups="fooapp")
    finally:
        top.run("mv /etc/ssh/away /etc/ssh/ssh_known_hosts")
    assert "the host key of rack2-202.example.com" in output
    assert "is unknown on rack2-top.example.com" in output
    assert "ssh-keyscan" in output


def test_a_host_on_the_way_that_is_down_fails_exactly_the_hosts_behind_it(racks: Fleet, site: Site) -> None:
    top = named(racks, "rack1-top")
    top.run("systemctl stop ssh.socket ssh; true")
    command = racks.ssh_command(top)
    assert command
    try:
        output = site.run('File("/root/past.txt", from_content="x")', fails=True)
    finally:
        inside = ["nsenter", f"--target={leader(top)}", "--all", "systemctl", "start", "ssh"]
        subprocess.run(inside, check=True)
    for name in ("rack1-101", "rack1-102"):
        assert f"{name}.example.com is reached through rack1-top.example.com, which cannot be worked with" in output
    for name in ("rack2-201", "rack2-202"):
        assert named(racks, name).run("cat /root/past.txt").stdout == "x"
    assert "Connection refused" in output


def leader(host: Host) -> int:
    """The number of the container's systemd, as this machine sees it."""
    assert host.cable is not None
    own = host.cable.path.stat().st_ino
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/net").stat().st_ino == own and (process / "comm").read_text() == "systemd\n":
                return int(process.name)
        except OSError:
            continue
    raise AssertionError(f"{host.name} has no systemd")


SLEEPS = 'Shell("touch /root/running; sleep 98765")'


def test_an_interrupt_ends_everything_on_every_host(racks: Fleet, site: Site) -> None:
    process = site.start(SLEEPS)
    for name in ("rack1-101", "rack1-102", "rack2-201", "rack2-202"):
        await_on(named(racks, name), "rm /root/running")
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    for host in racks.hosts:
        nothing_of_ours_runs_on(host)


def test_a_killed_controller_leaves_nothing_running_on_any_host(racks: Fleet, site: Site) -> None:
    process = site.start(SLEEPS)
    for name in ("rack1-101", "rack2-202"):
        await_on(named(racks, name), "rm /root/running")
    process.kill()
    process.communicate()
    for host in racks.hosts:
        nothing_of_ours_runs_on(host)


def test_the_hosts_behind_a_relay_that_is_killed_are_lost_and_the_others_go_on(racks: Fleet, site: Site) -> None:
    process = site.start(
        """
        Shell("touch /root/running; while test -e /root/running; do sleep 0.1; done")
        File("/root/went-on", from_content="x")
        """
    )
    for name in ("rack1-101", "rack1-102", "rack2-201", "rack2-202"):
        await_on(named(racks, name), "test -e /root/running")
    named(racks, "rack1-top").run("pkill -KILL -f '[m]itogen:opsmop'")
    for name in ("rack1-101", "rack1-102"):
        await_on(named(racks, name), "! pgrep -f '[o]psmop'")
    for name in ("rack2-201", "rack2-202"):
        named(racks, name).run("rm /root/running")
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1, output
    assert output.count("the connection to it ended") >= 2
    for name in ("rack2-201", "rack2-202"):
        named(racks, name).run("rm /root/went-on")
    for name in ("rack1-101", "rack1-102"):
        assert named(racks, name).run("rm -f /root/running; test -e /root/went-on", check=False).returncode == 1


def test_a_cut_cable_is_told_within_the_time_of_silence_and_the_others_go_on(racks: Fleet, site: Site) -> None:
    settings = site.folder / ".opsmop/defaults.toml"
    settings.write_text(settings.read_text() + "silence_timeout = 8\n")
    process = site.start(
        """
        Shell("touch /root/running; while test -e /root/running; do sleep 0.1; done")
        File("/root/went-on", from_content="x")
        """
    )
    for name in ("rack1-101", "rack1-102", "rack2-201", "rack2-202"):
        await_on(named(racks, name), "test -e /root/running")
    cut = named(racks, "rack2-top")
    cut.cable.cut()
    for name in ("rack1-101", "rack1-102"):
        named(racks, name).run("rm /root/running")
    output = process.communicate(timeout=90)[0]
    assert process.returncode == 1, output
    assert "has said nothing for 8 seconds" in output
    for name in ("rack1-101", "rack1-102"):
        named(racks, name).run("rm /root/went-on")
    cut.cable.mend()
    for name in ("rack2-201", "rack2-202"):
        named(racks, name).run("rm -f /root/running /root/went-on")


def test_the_example_is_applied_and_then_silent(racks: Fleet, site: Site) -> None:
    shutil.copytree(EXAMPLE, site.folder / "example")
    inventory = site.folder / "example/inventory.toml"
    inventory.write_text(inventory.read_text() + site.addresses)
    summaries = []
    for _ in range(2):
        process = subprocess.run(
            [sys.executable, "example/site.py", "--push", "--apply"],
            cwd=site.folder,
            env=site.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        summaries.append(process.stdout.splitlines()[-1])
    assert "failed=0 unreachable=0 changed=7" in summaries[0]
    assert "failed=0 unreachable=0 changed=0" in summaries[1]
    assert named(racks, "rack2-202").run("cat /srv/fooapp/config").stdout == "debug = false\n"


def test_a_host_behind_others_may_reboot_and_the_run_goes_on(racks: Fleet, site: Site) -> None:
    host = named(racks, "rack1-102")
    boot_id = "cat /proc/sys/kernel/random/boot_id"
    before = host.run(boot_id).stdout
    with host.restarting():
        site.run('File("/root/rebooted", from_content="x")\nReboot()', "--apply", "--limit-hosts", "rack1-102*")
    assert host.run(boot_id).stdout != before


REBOOTS = """
on_the_way = self.vars.opsmop_via == "bastion.example.com"
if self.name == "Reboots" and on_the_way:
    Reboot()
{}
File("/root/" + self.name, from_content="x")
"""


def test_a_host_on_the_way_may_reboot_and_later_roles_reach_those_behind_it(racks: Fleet, site: Site) -> None:
    top = named(racks, "rack1-top")
    roles = 'Pushed(name="First"), Pushed(name="Reboots"), Pushed(name="Then")'
    with top.restarting():
        site.run(REBOOTS.format(""), groups="rack1", roles=roles)
    for name in ("rack1-top", "rack1-101", "rack1-102"):
        named(racks, name).run("rm /root/First /root/Then")
    top.run("test ! -e /root/Reboots")


def test_what_is_under_way_behind_a_host_that_reboots_is_lost_and_told(racks: Fleet, site: Site) -> None:
    leaves = [named(racks, name) for name in ("rack1-101", "rack1-102")]
    main = REBOOTS.format('Shell("touch /root/under-way; sleep 300", creates="/root/under-way")')
    with named(racks, "rack1-top").restarting():
        output = site.run(main, groups="rack1", roles='Pushed(name="Reboots")', fails=True)
    assert output.count("✗ lost     rack1-10") == 2, output
    assert output.count("changed  rack1-top.example.com  Reboot") == 1, output
    assert (
        output.count("rack1-top.example.com was to be the way to other hosts or users, and the connection to it ended")
        >= 2
    )
    for leaf in leaves:
        await_on(leaf, "! pgrep -f '[s]leep 300'")
    site.run(main, "--apply", "--limit-hosts", "rack1-1*", groups="rack1", roles='Pushed(name="Reboots")')
    for leaf in leaves:
        leaf.run("rm /root/Reboots /root/under-way")
