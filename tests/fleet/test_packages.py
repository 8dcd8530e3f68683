"""Packages on real hosts: apt, its locks, its lists, and what stands in their way."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fleet.debs import installed, offer_packages, package_text
from tests.fleet.harness import Fleet, Host, difference
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "bookworm", "trixie")
LIST_LOCK = "/var/lib/apt/lists/lock"
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/cache/apt/archives/lock", LIST_LOCK)
# Looks of the login and of apt leave these; they are not the host's configuration.
OURS = ("/root/.*", "/home/*", "/var/cache/apt/*", "/tmp/*")
HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("taken", flush=True)
time.sleep(float(sys.argv[2]))
"""

Boot = Callable[..., Fleet]


@pytest.fixture
def bookworm(boot: Boot) -> Fleet:
    return boot("bookworm")


@pytest.fixture
def host(bookworm: Fleet) -> Host:
    return bookworm.hosts[0]


def test_what_check_announces_apply_does_and_a_second_apply_finds_done(boot: Boot, tmp_path: Path) -> None:
    fleet = boot(*RELEASES)
    for main, undone in (
        ('Package(["hello", "netcat-openbsd"])', 'Package(["hello", "netcat-openbsd"], absent=True)'),
        ('Package("hello", latest=True)', 'Package("hello", absent=True, purge=True)'),
    ):
        before = {host.name: host.snapshot(OURS) for host in fleet.hosts}
        announced = check(fleet, tmp_path, main)
        for host in fleet.hosts:
            assert difference(before[host.name], host.snapshot(OURS)) == [], "check changes nothing"
        made = apply(fleet, tmp_path, main)
        assert announced.changes == made.changes == ["install"] * 3
        assert sorted(announced.texts.splitlines()) == sorted(made.texts.splitlines())
        for host in fleet.hosts:
            assert installed(host, "hello").startswith("ii")
        assert apply(fleet, tmp_path, main).changes == []
        assert len(apply(fleet, tmp_path, undone).changes) == 3
        assert apply(fleet, tmp_path, undone).changes == []
        for host in fleet.hosts:
            assert not installed(host, "hello").startswith("ii")


def test_check_foresees_the_packages_that_a_planned_one_brings_along(bookworm: Fleet, tmp_path: Path) -> None:
    foreseen = check(bookworm, tmp_path, 'Package("nginx-light")\nPackage("nginx-common")\nPackage("hello")')
    assert foreseen.changes == ["install", "install"], "nginx-common comes with nginx-light; all are certain"
    assert "with nginx-common" in foreseen.texts


def test_a_package_its_configuration_and_its_service_are_one_plan(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    main = """
        Package("cron")
        table = File("/etc/cron.d/opsmop", from_content="# nothing yet\\n")
        Service("cron", started=True, enabled=True)
        if table.changed:
            Service("cron", restarted=True)
    """
    before = host.snapshot(OURS)
    announced = check(bookworm, tmp_path, main)
    assert difference(before, host.snapshot(OURS)) == [], "check changes nothing"
    assert announced.changes == ["install", "create?", "enable?", "start?", "restart?"]
    made = apply(bookworm, tmp_path, main)
    assert made.changes == ["install", "create", "restart"]
    assert {change.rstrip("?") for change in announced.changes} >= set(made.changes)
    assert host.run("systemctl is-active cron").stdout == "active\n"
    assert apply(bookworm, tmp_path, main).changes == []


def test_a_virtual_package_that_another_provides_is_there(bookworm: Fleet, tmp_path: Path) -> None:
    assert apply(bookworm, tmp_path, 'Package("awk")').changes == []
    several = push(bookworm, tmp_path, 'Package("mail-transport-agent")')
    assert "Name one of them:" in several.failures[0]
    assert "postfix" in several.failures[0]
    assert apply(bookworm, tmp_path, 'Package("nullmailer")\nPackage("mail-transport-agent")').changes == ["install"]


def test_an_unknown_package_fails_the_same_in_check_and_apply(boot: Boot, tmp_path: Path) -> None:
    fleet = boot(*RELEASES)
    for mode in ("check", "apply"):
        failures = push(fleet, tmp_path, 'Package("helo")', mode=mode).failures
        assert all("apt knows no package 'helo'" in failure for failure in failures)
        assert "Did you mean 'hello'" in failures[0]
        assert "update_cache=True" in failures[0]


def test_a_version_is_gone_to_up_and_down_and_then_held_to(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    for version in ("1:1.0-1", "1:2.0-1"):
        host.run(package_text("opsmop-probe", version))
    offer_packages(host)
    for version, changes in (("1:1.0-1", 1), ("1:1.*", 0), ("1:2.0-1", 1), ("1:1.0-1", 1), ("1:1.0-1", 0)):
        made = apply(bookworm, tmp_path, f'Package("opsmop-probe", version="{version}")')
        assert len(made.changes) == changes
        assert installed(host, "opsmop-probe") == f"ii {version.replace('*', '0-1')}"
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe")').changes == [], "present is enough"
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe", latest=True)').changes == ["upgrade"]
    assert installed(host, "opsmop-probe") == "ii 1:2.0-1"
    wrong = push(bookworm, tmp_path, 'Package("opsmop-probe", version="3")')
    assert "It offers 1:2.0-1, 1:1.0-1" in wrong.failures[0]
    host.run("apt-mark hold opsmop-probe")
    kept = push(bookworm, tmp_path, 'Package("opsmop-probe", version="1:1.0-1")')
    assert "apt-mark unhold opsmop-probe" in kept.failures[0]


def test_a_removed_package_whose_configuration_is_left_is_installed_again(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    apply(bookworm, tmp_path, 'Package("cron")')
    assert apply(bookworm, tmp_path, 'Package("cron", absent=True)').changes == ["remove"]
    assert installed(host, "cron").startswith("rc")
    assert apply(bookworm, tmp_path, 'Package("cron", absent=True)').changes == []
    assert apply(bookworm, tmp_path, 'Package("cron")').changes == ["install"]
    assert installed(host, "cron").startswith("ii")
    assert apply(bookworm, tmp_path, 'Package("cron", absent=True, purge=True)').changes == ["purge"]
    assert installed(host, "cron") == ""


def test_a_changed_configuration_file_survives_an_upgrade_without_a_question(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    host.run(package_text("opsmop-probe", "1", configuration="first"))
    host.run(package_text("opsmop-probe", "2", configuration="second"))
    offer_packages(host)
    apply(bookworm, tmp_path, 'Package("opsmop-probe", version="1")')
    host.run("echo mine > /etc/opsmop-probe.conf")
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe", latest=True)').changes == ["upgrade"]
    assert host.run("cat /etc/opsmop-probe.conf").stdout == "mine\n"


def test_a_host_without_lists_refreshes_them_first(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    host.run("rm -rf /var/lib/apt/lists/*")
    main = 'Package("hello")\nPackage("netcat-openbsd")'
    assert check(bookworm, tmp_path, main).changes == ["refresh lists?", "install?", "install?"]
    assert apply(bookworm, tmp_path, main).changes == ["refresh lists", "install", "install"]
    assert apply(bookworm, tmp_path, main).changes == []


def test_lists_are_refreshed_when_they_are_stale_and_only_then(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    newest = 'Package("hello", latest=True, update_cache=True)'
    apply(bookworm, tmp_path, 'Package("hello")')
    host.run("touch -d '2 days ago' /var/lib/apt/lists")
    assert check(bookworm, tmp_path, newest).changes == ["upgrade?"]
    assert apply(bookworm, tmp_path, newest).changes == [], "refreshed, and nothing newer came"
    assert check(bookworm, tmp_path, newest).changes == [], "fresh enough for an hour"


@pytest.mark.parametrize("release", RELEASES)
def test_an_interrupted_dpkg_is_repaired_as_a_reported_change(boot: Boot, tmp_path: Path, release: str) -> None:
    fleet = boot(release)
    (host,) = fleet.hosts
    host.run("cd /tmp && apt-get -qq download hello && dpkg --unpack hello*.deb")
    assert installed(host, "hello").startswith("iU")
    main = 'Package("netcat-openbsd")'
    assert check(fleet, tmp_path, main).changes == ["repair dpkg", "install"]
    assert apply(fleet, tmp_path, main).changes == ["repair dpkg", "install"]
    assert installed(host, "hello").startswith("ii")
    assert apply(fleet, tmp_path, 'Package("hello")').changes == []


def hold_lock(host: Host, path: str, seconds: float) -> None:
    """Have another program on the host hold a lock for some seconds."""
    host.run("cat > /run/holder.py", input=HOLDER)
    command = f"python3 /run/holder.py {path} {seconds}"
    host.run(f"({command} > /run/taken 2>&1 &) ; until grep -q taken /run/taken; do sleep 0.05; done")


@pytest.fixture
def fleet_per_release(boot: Boot, request: pytest.FixtureRequest) -> Fleet:
    return boot(request.param)


@pytest.mark.parametrize("fleet_per_release", RELEASES, indirect=True)
def test_every_lock_that_another_program_holds_is_waited_for(fleet_per_release: Fleet, tmp_path: Path) -> None:
    (host,) = fleet_per_release.hosts
    for lock in LOCKS:
        if lock == LIST_LOCK:
            host.run("rm -rf /var/lib/apt/lists/*_Packages /var/lib/apt/lists/*Release")
        hold_lock(host, lock, 2)
        apply(fleet_per_release, tmp_path, 'Package("hello")')
        assert installed(host, "hello").startswith("ii")
        apply(fleet_per_release, tmp_path, 'Package("hello", absent=True)')
        host.run("apt-get clean; rm -f /run/taken")


@pytest.mark.parametrize("fleet_per_release", RELEASES, indirect=True)
def test_a_lock_that_stays_taken_names_who_holds_it(fleet_per_release: Fleet, tmp_path: Path) -> None:
    (host,) = fleet_per_release.hosts
    for lock in LOCKS[:3]:
        hold_lock(host, lock, 600)
        failed = push(fleet_per_release, tmp_path, 'Package("hello", lock_timeout=1)')
        assert "holds the package manager's lock" in failed.failures[0], failed.failures[0]
        assert f"python3 /run/holder.py {lock} 600" in failed.failures[0]
        host.run("kill $(pgrep -of holder.py); rm -f /run/taken")


def test_a_package_comes_from_its_file_on_the_host(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    for version in ("1", "2"):
        host.run(package_text("opsmop-probe", version))
    files = [f"/srv/debs/opsmop-probe_{version}_all.deb" for version in ("1", "2")]
    for path, version in zip(files, ("1", "2"), strict=True):
        main = f'Package("{path}")'
        announced = check(bookworm, tmp_path, main)
        assert announced.changes == apply(bookworm, tmp_path, main).changes != []
        assert installed(host, "opsmop-probe") == f"ii {version}"
        assert apply(bookworm, tmp_path, main).changes == []
    assert apply(bookworm, tmp_path, f'Package("{files[0]}")').changes == [], "what is newer stays"
    assert "no package of Debian" in push(bookworm, tmp_path, 'Package("/etc/passwd")').failures[0]


def test_what_came_only_for_a_package_goes_with_it_if_that_is_said(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    apply(bookworm, tmp_path, 'Package("nginx-light")')
    main = 'Package("nginx-light", absent=True, autoremove=True)'
    announced = check(bookworm, tmp_path, main)
    assert "nginx-common" in announced.texts
    apply(bookworm, tmp_path, main)
    assert not installed(host, "nginx-common").startswith("ii")
    assert apply(bookworm, tmp_path, main).changes == []


def test_whoever_may_not_is_told_of_sudo(bookworm: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        failed = push(bookworm, tmp_path, 'Package("hello")', mode=mode, sudo=False)
        assert "does the role need sudo()?" in failed.failures[0]


def test_an_installation_that_breaks_shows_what_the_package_said(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    host.run(package_text("opsmop-probe", "1", script="echo cannot be set up >&2; exit 7"))
    offer_packages(host)
    failed = push(bookworm, tmp_path, 'Package("opsmop-probe")')
    assert "installing opsmop-probe failed" in failed.failures[0]
    assert "cannot be set up" in failed.failures[0]
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe", absent=True)').changes == ["remove"]


def test_two_roles_forced_upon_one_host_at_once_wait_for_each_others_packages(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    failures: list[str] = []

    def install(folder: Path, name: str) -> None:
        failures.extend(push(bookworm, folder, f'Package("{name}")', force_lock=True).failures)

    threads = [
        threading.Thread(target=install, args=arguments)
        for arguments in zip(folders, ("hello", "netcat-openbsd"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert installed(host, "hello").startswith("ii")
    assert installed(host, "netcat-openbsd").startswith("ii")


def test_what_is_held_stays_for_others_and_follows_its_policy(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    for version in ("1", "2"):
        host.run(package_text("opsmop-probe", version))
    offer_packages(host)
    for mode in (check, apply):
        assert mode(bookworm, tmp_path, 'Package("opsmop-probe", version="1", held=True)').changes == [
            "install",
            "hold",
        ]
    assert host.run("apt-mark showhold").stdout == "opsmop-probe\n"
    host.run("apt-get -qqy upgrade")
    assert installed(host, "opsmop-probe") == "hi 1", "others pass it over"
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe", version="1", held=True)').changes == []
    twice = 'Package("opsmop-probe", latest=True, held=True)\nPackage("opsmop-probe", held=True)'
    for mode in (check, apply):
        assert mode(bookworm, tmp_path, twice).changes == ["upgrade", "hold"]
    assert installed(host, "opsmop-probe") == "hi 2"
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe", held=False)').changes == ["release"]
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe", held=False)').changes == []
    assert host.run("apt-mark showhold").stdout == ""


RENEWED = """
import http.server
asked = []
class Renewed(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        if self.path.endswith('Packages') and sum(map(self.path.__eq__, asked)) == 1:
            self.path = '/other/Packages'
        super().do_GET()
http.server.ThreadingHTTPServer(('ADDRESS', 8099), Renewed).serve_forever()
"""


def test_a_mirror_that_is_being_renewed_is_asked_again(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    host.run(package_text("opsmop-probe", "1"))
    offer_packages(host)
    host.run("cat > /srv/renewed.py", input=RENEWED.replace("ADDRESS", host.address))
    host.run(
        "cd /srv/debs && mkdir other && sed s/probe/prone/ Packages > other/Packages && rm -rf /var/lib/apt/lists/* && "
        "{ echo Suite: ./; echo Date: $(date -Ru); echo SHA256:;"
        "  echo \" $(sha256sum < Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages\"; } > Release;"
        f"echo 'deb [trusted=yes] http://{host.address}:8099 ./' > /etc/apt/sources.list;"
        "systemd-run --quiet --working-directory=/srv/debs python3 /srv/renewed.py"
    )
    apply(bookworm, tmp_path, f'WaitFor(port=8099, host="{host.address}")')
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe")').changes == ["refresh lists", "install"]


def test_a_package_comes_from_the_release_that_is_named(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    """Of two archives the one that is no backport, say, is preferred unless the policy names the other."""
    for version, suite in (("1", "stable"), ("2", "later")):
        host.run(package_text("opsmop-probe", version))
        host.run(
            f"mkdir /srv/{suite} && mv /srv/debs/*.deb /srv/{suite} && cd /srv/{suite} && for deb in *.deb; do "
            "dpkg-deb --field $deb; echo Filename: ./$deb; echo Size: $(stat -c %s $deb); "
            "echo SHA256: $(sha256sum < $deb | cut -d' ' -f1); done > Packages; "
            f"{{ echo Suite: {suite}; echo NotAutomatic: {'yes' if suite == 'later' else 'no'}; echo Date: $(date -Ru); "
            "echo SHA256:; echo \" $(sha256sum < Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages\"; } > Release;"
            f"echo 'deb [trusted=yes] file:/srv/{suite} ./' >> /etc/apt/sources.list.d/two.list"
        )
    host.run("apt-get -qq update")
    assert apply(bookworm, tmp_path, 'Package("opsmop-probe")').changes == ["install"]
    assert installed(host, "opsmop-probe") == "ii 1"
    later = 'Package("opsmop-probe", latest=True, release="later")'
    for mode in (check, apply):
        assert mode(bookworm, tmp_path, later).changes == ["upgrade"]
    assert installed(host, "opsmop-probe") == "ii 2"
    assert apply(bookworm, tmp_path, later).changes == []
    assert "later-typo" in push(bookworm, tmp_path, later.replace("later", "later-typo")).failures[0]


def test_no_service_starts_where_the_host_says_so_nor_one_that_is_masked(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    """Debian's invoke-rc.d(8) asks policy-rc.d whether a package may start its service."""
    main = """
    File("/usr/sbin/policy-rc.d", from_content="#!/bin/sh\\nexit 101\\n", mode=0o755)
    Package("nginx-light", install_recommends=False)
    File("/usr/sbin/policy-rc.d", absent=True)
    """
    assert apply(bookworm, tmp_path, main).changes == ["create", "install", "remove"]
    assert host.run("systemctl is-active nginx", check=False).stdout == "inactive\n"
    assert apply(bookworm, tmp_path, 'Service("nginx", started=True)').changes == ["start"]
