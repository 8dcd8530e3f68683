"""Facts of real hosts of three Debian releases, with the Pythons that they have."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "bookworm", "trixie")
VERSIONS = {"bullseye": ("11", "3.9"), "bookworm": ("12", "3.11"), "trixie": ("13", "3.13")}
QUESTIONS = (
    "system", "release", "architecture", "hostname", "distribution_id", "codename", "os_version_number",
    "os_version_string", "service_manager", "package_manager", "virtualization", "boot_id", "memory_mb", "cpus",
    "default_ipv4", "default_ipv6", "python_version", "uptime", "fqdn",
)  # fmt: skip
FACTS = "/etc/opsmop/facts.d"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


def asked(fleet: Fleet, folder: Path) -> dict[str, dict[str, Any]]:
    """What Platform says, by the host's name."""
    main = f"""
    import json
    Echo(json.dumps({{name: getattr(Platform, name)() for name in {QUESTIONS!r}}}))
    """
    found = (json.loads(ended.output) for ended in apply(fleet, folder, main).ended)  # type: ignore[union-attr]
    return {said["hostname"]: said for said in found}


def own(host: Host, command: str) -> str:
    return host.run(command).stdout.strip()


def test_the_platform_is_what_the_host_itself_says(fleet: Fleet, tmp_path: Path) -> None:
    said = asked(fleet, tmp_path)
    assert sorted(said) == sorted(host.name for host in fleet.hosts)
    for host in fleet.hosts:
        facts, (number, python) = said[host.name], VERSIONS[host.release]
        assert facts["system"] == "Linux"
        assert facts["release"] == own(host, "uname -r")
        assert facts["architecture"] == own(host, "uname -m")
        assert facts["distribution_id"] == "debian"
        assert facts["codename"] == host.release
        assert facts["os_version_number"] == number
        assert facts["os_version_string"] == f"{number} ({host.release})"
        assert facts["python_version"].startswith(f"{python}.")
        assert facts["service_manager"] == "systemd"
        assert facts["package_manager"] == "apt"
        assert facts["virtualization"] == "systemd-nspawn"
        assert facts["boot_id"] == own(host, "cat /proc/sys/kernel/random/boot_id")
        assert facts["memory_mb"] == int(own(host, "awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo"))
        assert facts["cpus"] == int(own(host, "nproc"))
        assert facts["default_ipv4"] == own(
            host, "ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \\([^ ]*\\).*/\\1/p'"
        )
        assert facts["default_ipv6"] == own(
            host, "ip -6 route get 2001:db8::1 2>/dev/null | sed -n 's/.* src \\([^ ]*\\).*/\\1/p'"
        )
        assert 0 < facts["uptime"] <= float(own(host, "cut -d' ' -f1 /proc/uptime"))


def test_a_resolver_that_never_answers_does_not_hang_a_run(fleet: Fleet, tmp_path: Path) -> None:
    # A server that takes every question and answers none. The role itself makes it the resolver, since sudo and sshd
    # would hang too, and gives the old one back.
    main = """
    server = "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM)"
    server += "; s.bind(('%s', 53)); time.sleep(600)" % self.vars.opsmop_host
    Shell(f'systemd-run --unit=silent python3 -c "{server}"')
    Shell("cd /etc && cp resolv.conf hosts nsswitch.conf /root/")
    Shell("echo 'hosts: dns' > /etc/nsswitch.conf; : > /etc/hosts")
    Shell(f"printf 'nameserver {self.vars.opsmop_host}\\noptions timeout:30 attempts:5\\n' > /etc/resolv.conf")
    try:
        name = Platform.fqdn()
    finally:
        Shell("systemctl stop silent; cd /root && cp resolv.conf hosts nsswitch.conf /etc/")
    assert name == Platform.hostname(), name
    """
    try:
        apply(fleet, tmp_path, main)
    finally:
        for host in fleet.hosts:
            host.run("test ! -e /root/nsswitch.conf || (cd /root && cp resolv.conf hosts nsswitch.conf /etc/)")


def test_user_facts_of_every_kind_are_read_on_every_release(fleet: Fleet, tmp_path: Path) -> None:
    for host in fleet.hosts:
        host.run(
            f"mkdir -p {FACTS}; cd {FACTS}; echo '{{\"a\": {{\"b\": 1}}}}' > j.json; printf '[a]\\nb = 2\\n' > t.toml;"
            "printf 'a:\\n  b: 3\\n' > y.yaml; printf '#!/bin/sh\\necho a: {b: 4}\\n' > x; chmod 755 x"
        )
    main = 'Echo("{{ UserFacts.j.a.b }} {{ UserFacts.t.a.b }} {{ UserFacts.y.a.b }} {{ UserFacts.x.a.b }}")'
    assert apply(fleet, tmp_path, main).outputs.splitlines() == ["1 2 3 4"] * len(RELEASES)
    assert check(fleet, tmp_path, main).outputs.splitlines() == ["1 2 3 4"] * len(RELEASES)


@pytest.mark.parametrize(
    ("spoil", "mend", "remedy"),
    [
        ("chmod 666 {0}/j.json", "chmod 644 {0}/j.json", "chmod go-w {0}/j.json"),
        ("chown daemon {0}/x", "chown root {0}/x", "chown root {0}/x"),
        ("chmod 777 {0}", "chmod 755 {0}", "chmod go-w {0}"),
        ("chown daemon /etc/opsmop", "chown root /etc/opsmop", "chown root /etc/opsmop"),
        (
            "echo {{}} > /srv/l.json; chown daemon /srv/l.json; ln -s /srv/l.json {0}/l.json",
            "rm {0}/l.json",
            "chown root /srv/l.json",
        ),
    ],
)
def test_root_refuses_user_facts_that_others_could_have_written(
    fleet: Fleet, tmp_path: Path, spoil: str, mend: str, remedy: str
) -> None:
    for host in fleet.hosts:
        host.run(
            f"mkdir -p {FACTS}; cd {FACTS}; echo '{{}}' > j.json; printf '#!/bin/sh\\necho {{}}\\n' > x; chmod 755 x"
        )
        host.run(spoil.format(FACTS))
    pushed = push(fleet, tmp_path, "for name in sorted(UserFacts): UserFacts[name]")
    for host in fleet.hosts:
        host.run(mend.format(FACTS))
    assert len(pushed.failures) == len(RELEASES)
    for failure in pushed.failures:
        assert "root does not believe user facts in" in failure
        assert remedy.format(FACTS) in failure
    assert not push(fleet, tmp_path, "for name in sorted(UserFacts): UserFacts[name]").failures


def test_debug_facts_shows_the_facts_of_every_host(fleet: Fleet, tmp_path: Path) -> None:
    for host in fleet.hosts:
        host.run(f"mkdir -p {FACTS}; echo '[' > {FACTS}/broken.json")
    output = apply(fleet, tmp_path, "DebugFacts()").outputs
    for host in fleet.hosts:
        host.run(f"rm {FACTS}/broken.json")
        assert f"Platform.hostname: {host.name}\n" in output
        assert f"Platform.codename: {host.release}\n" in output
    assert output.count(f"UserFacts.broken: cannot be found out: {FACTS}/broken.json:") == len(RELEASES)
