"""The main job, as an operator does it: `python3 site.py --push --check`, then `--apply`, then `--apply` again."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, difference

RELEASES = ("bullseye", "bookworm", "trixie")
HERE = Path(__file__).parent

# The evaluating user's own log and cache are the product's, and apt's and sudo's records of looks are theirs.
OURS = ("/root/.opsmop*", "/root/.opsmop/*", "/root/.cache", "/root/.cache/*", "/home/*/.opsmop*", "/home/*/.cache*")


class Site:
    """A copy of the site of policies/first for one fleet."""

    def __init__(self, folder: Path, fleet: Fleet) -> None:
        self.folder = folder / "site"
        shutil.copytree(HERE / "policies" / "first", self.folder)
        fleet.inventory(self.folder / "inventory.toml", zone="north")

    def run(self, *flags: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.folder / "site.py"), *flags],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def result(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """The counts of the last line: RESULT failed=0 ..."""
    last = [line for line in run.stdout.splitlines() if line.startswith("RESULT ")]
    assert len(last) == 1, run.stdout + run.stderr
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", last[0])}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def site(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("first"), fleet)


def test_a_first_site_is_checked_applied_and_then_silent(fleet: Fleet, site: Site) -> None:
    before = {host.name: host.snapshot(OURS) for host in fleet.hosts}

    check = site.run("--push", "--check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert result(check)["changed"] == len(RELEASES)
    for host in fleet.hosts:
        assert difference(before[host.name], host.snapshot(OURS)) == [], "check changes nothing"

    apply = site.run("--push", "--apply")
    assert apply.returncode == 0, apply.stdout + apply.stderr
    assert result(apply)["changed"] == len(RELEASES)
    for host in fleet.hosts:
        conf = host.run("cat /srv/web/app.conf").stdout
        assert f"host = {host.name} ({host.release})\nzone = north\n" in conf
        assert "# hello in prod\nport = 8080\ncolor = blue\n" in conf
        assert host.run("stat -c '%U %G %a' /srv/web/app.conf").stdout == "web root 640\n"
        index = host.run("cat /srv/web/pages/index.html").stdout
        assert index == (site.folder / "files/index.html").read_text()
        assert host.run("systemctl is-active beacon; systemctl is-enabled beacon").stdout == "active\nenabled\n"
        assert host.run("hello").stdout == "Hello, world!\n"
        assert host.run("cat /srv/afterwards").stdout == "the second role ran\n"
        assert f"blue prod hello from main() on {host.release}" in apply.stdout

    applied = {host.name: host.snapshot(OURS) for host in fleet.hosts}
    again = site.run("--push", "--apply")
    assert again.returncode == 0, again.stdout + again.stderr
    assert result(again) == {"failed": 0, "unreachable": 0, "changed": 0, "ok": len(RELEASES), "skipped": 0}
    for host in fleet.hosts:
        assert difference(applied[host.name], host.snapshot(OURS)) == [], "a second apply writes nothing"


def test_a_failing_host_fails_alone_and_the_next_role_does_not_start(fleet: Fleet, tmp_path: Path) -> None:
    site = Site(tmp_path, fleet)
    inventory = site.folder / "inventory.toml"
    broken = fleet.hosts[1]
    inventory.write_text(inventory.read_text() + f'\n[hosts.{broken.name}.vars]\nbroken_package = "no-such-package"\n')
    policy = site.folder / "site.py"
    policy.write_text(
        policy.read_text()
        .replace("Package(self.vars.package)", 'Package(self.vars.get("broken_package", self.vars.package))')
        .replace("the second role ran", "the second role ran again")
    )

    apply = site.run("--push", "--apply")

    assert apply.returncode == 1, apply.stdout + apply.stderr
    assert result(apply)["failed"] == 1
    assert "no-such-package" in apply.stdout
    line = next(number for number, text in enumerate(policy.read_text().splitlines(), 1) if "Package(" in text)
    assert f"site.py:{line}" in apply.stdout
    for host in fleet.hosts:
        assert "again" not in host.run("cat /srv/afterwards", check=False).stdout, "the second role must not start"
