"""Repositories of apt on real hosts: a signed one, made on the host itself."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fleet.debs import installed, package_text
from tests.fleet.harness import Fleet, Host, difference
from tests.fleet.pushing import apply, check, push

Boot = Callable[..., Fleet]
OURS = ("/root/.*", "/home/*", "/var/cache/apt/*", "/tmp/*")

SIGNED = """
export GNUPGHOME=/srv/gnupg && mkdir -p -m 700 $GNUPGHOME && cd /srv/debs
gpg --batch --quiet --passphrase '' --quick-generate-key probe@test ed25519 sign never
for deb in *.deb; do dpkg-deb --field $deb; echo Filename: ./$deb; echo Size: $(stat -c %s $deb)
  echo SHA256: $(sha256sum < $deb | cut -d' ' -f1); echo; done > Packages
{ echo Suite: ./; echo Date: $(date -Ru); echo SHA256:
  echo " $(sha256sum < Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages"; } > Release
gpg --batch --quiet --yes --clearsign --output InRelease Release
gpg --export > /srv/key.gpg && gpg --export --armor
"""


TWO_ARCHITECTURES = """
mkdir -p /srv/two/dists/x/main/binary-amd64 /srv/two/dists/x/main/binary-i386 && cd /srv/two/dists/x
for one in amd64 i386; do printf 'Package: p\\nVersion: 1\\nArchitecture: %s\\nFilename: p\\nSize: 1\\n' $one \\
  > main/binary-$one/Packages; done
{ echo Codename: x; echo Architectures: amd64 i386; echo Components: main; echo Date: $(date -Ru); echo SHA256:
  for one in main/*/Packages; do echo " $(sha256sum < $one | cut -d' ' -f1) $(stat -c %s $one) $one"; done; } > Release
"""


@pytest.fixture
def bookworm(boot: Boot) -> Fleet:
    return boot("bookworm")


@pytest.fixture
def host(bookworm: Fleet) -> Host:
    return bookworm.hosts[0]


@pytest.fixture
def key(bookworm: Fleet, host: Host, tmp_path: Path) -> str:
    """The key of a signed repository in the host's /srv/debs, which offers opsmop-probe; it is beside the policy too."""
    apply(bookworm, tmp_path, 'Package("gpg")')
    host.run(package_text("opsmop-probe", "1"))
    armored = host.run(SIGNED).stdout
    (tmp_path / "probe.asc").write_text(armored)
    return armored


REPOSITORY = 'AptRepository("probe", uris="file:/srv/debs", suites="./", key_file="probe.asc")\n'


def test_a_repository_and_its_package_are_one_plan(bookworm: Fleet, host: Host, key: str, tmp_path: Path) -> None:
    main = REPOSITORY + 'Package("opsmop-probe")'
    before = host.snapshot(OURS)
    announced = check(bookworm, tmp_path, main)
    assert difference(before, host.snapshot(OURS)) == [], "check changes nothing"
    assert announced.changes == ["write", "write", "refresh lists", "install?"]
    assert apply(bookworm, tmp_path, main).changes == ["write", "write", "refresh lists", "install"]
    assert installed(host, "opsmop-probe") == "ii 1"
    assert host.run("cat /etc/apt/keyrings/probe.asc").stdout == key
    assert "Signed-By: /etc/apt/keyrings/probe.asc" in host.run("cat /etc/apt/sources.list.d/probe.sources").stdout
    assert apply(bookworm, tmp_path, main).changes == []
    assert apply(bookworm, tmp_path, 'AptRepository("probe", absent=True)').changes == [
        "remove",
        "remove",
        "refresh lists",
    ]
    assert apply(bookworm, tmp_path, 'AptRepository("probe", absent=True)').changes == []


def test_a_binary_key_does_as_well(bookworm: Fleet, host: Host, key: str, tmp_path: Path) -> None:
    (tmp_path / "probe.gpg").write_bytes((host.root / "srv" / "key.gpg").read_bytes())
    main = REPOSITORY.replace("probe.asc", "probe.gpg") + 'Package("opsmop-probe")'
    assert apply(bookworm, tmp_path, main).changes == ["write", "write", "refresh lists", "install"]
    armored = apply(bookworm, tmp_path, REPOSITORY)
    assert sorted(armored.changes) == ["refresh lists", "remove", "write", "write"], "the other key goes"


def test_another_key_than_the_one_that_signed_is_refused_by_apt(
    bookworm: Fleet, host: Host, key: str, tmp_path: Path
) -> None:
    other = host.run(
        "export GNUPGHOME=/srv/other; mkdir -m 700 /srv/other; gpg --batch --quiet --passphrase '' "
        "--quick-generate-key other@test ed25519 sign never; gpg --export --armor"
    ).stdout
    (tmp_path / "probe.asc").write_text(other)
    failed = push(bookworm, tmp_path, REPOSITORY)
    assert "NO_PUBKEY" in failed.failures[0]


def test_one_that_is_there_already_under_another_name_is_refused(
    bookworm: Fleet, host: Host, key: str, tmp_path: Path
) -> None:
    host.run("echo 'deb [signed-by=/x] file:/srv/debs/ ./' > /etc/apt/sources.list.d/old.list")
    failed = push(bookworm, tmp_path, REPOSITORY, mode="check")
    assert "/etc/apt/sources.list.d/old.list has file:/srv/debs ./ already" in failed.failures[0]


TWO = 'AptRepository("two", uris="file:/srv/two", suites="x", components="main", trusted=True, architectures={})\n'


def warnings(host: Host) -> list[str]:
    said = host.run("apt-get update 2>&1", check=False).stdout
    return [line for line in said.splitlines() if line.startswith(("W:", "E:"))]


def test_another_architecture_of_what_is_there_is_refused_and_both_are_named_together(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    host.run(TWO_ARCHITECTURES)
    host.run("echo 'deb [trusted=yes arch=amd64] file:/srv/two x main' > /etc/apt/sources.list.d/old.list")
    for mode in ("check", "apply"):
        failed = push(bookworm, tmp_path, TWO.format('"i386"'), mode=mode).failures[0]
        assert "old.list has file:/srv/two x main already" in failed
        assert "architectures=[...] of one AptRepository" in failed
    both = 'File("/etc/apt/sources.list.d/old.list", absent=True)\n' + TWO.format('["amd64", "i386"]')
    assert check(bookworm, tmp_path, both).changes == apply(bookworm, tmp_path, both).changes
    read = host.run("apt-get indextargets --format '$(ARCHITECTURE)' 'Created-By: Packages' 'Codename: x'").stdout
    assert {"amd64", "i386"} <= set(read.split())
    assert warnings(host) == []
    assert apply(bookworm, tmp_path, both).changes == []


def test_another_component_agrees_with_what_is_there_on_whose_signature_it_has(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    """Otherwise apt reads none of its sources any more, which is seen here first."""
    host.run(TWO_ARCHITECTURES)
    host.run("echo 'deb [trusted=yes] file:/srv/two x other' > /etc/apt/sources.list.d/old.list")
    signed = TWO.format("[]").replace("trusted=True", 'signed_by="/usr/share/keyrings/debian-archive-keyring.gpg"')
    host.run("echo 'deb [signed-by=/y] file:/srv/two x main' > /etc/apt/sources.list.d/zz.list")
    assert any("Conflicting values set" in line for line in warnings(host))
    host.run("rm /etc/apt/sources.list.d/zz.list")
    for mode in ("check", "apply"):
        assert "apt reads no sources at all" in push(bookworm, tmp_path, signed, mode=mode).failures[0]
    assert apply(bookworm, tmp_path, TWO.format("[]")).changes == ["write", "refresh lists"]
    assert not any(line.startswith("E:") for line in warnings(host))


def test_a_key_that_the_host_has_is_taken_for_a_further_part_of_debian(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    mirror, suite = host.run("awk '/^deb / {print $2, $3; exit}' /etc/apt/sources.list").stdout.split()
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    main = f'AptRepository("more", uris="{mirror}", suites="{suite}", components="contrib", signed_by="{keyring}")'
    assert check(bookworm, tmp_path, main).changes == ["write", "refresh lists"]
    assert apply(bookworm, tmp_path, main).changes == ["write", "refresh lists"]
    assert "/contrib/" in host.run("apt-get indextargets --format '$(SITE)/$(RELEASE)/$(COMPONENT)/'").stdout
    assert warnings(host) == []
    assert apply(bookworm, tmp_path, main).changes == []


def test_what_would_let_anyone_in_is_refused(bookworm: Fleet, tmp_path: Path) -> None:
    unsigned = push(bookworm, tmp_path, 'AptRepository("probe", uris="file:/srv/debs", suites="./")', mode="check")
    assert "whose signature" in unsigned.failures[0]
    no_key = 'AptRepository("probe", uris="file:/srv/debs", suites="./", key="<html>not found</html>")'
    assert "is no public key of OpenPGP" in push(bookworm, tmp_path, no_key, mode="check").failures[0]
    missing = 'AptRepository("dots.list", uris="x", key="y", absent=True)\nAptRepository("a b", absent=True)'
    assert "apt reads no file of that name" in push(bookworm, tmp_path, missing, mode="check").failures[0]
