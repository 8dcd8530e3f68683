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
    assert "/etc/apt/sources.list.d/old.list has file:/srv/debs/ ./ already" in failed.failures[0]


def test_another_architecture_of_a_repository_is_read_beside_what_is_there(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    host.run(TWO_ARCHITECTURES)
    host.run("echo 'deb [trusted=yes arch=amd64] file:/srv/two x main' > /etc/apt/sources.list.d/old.list")
    two = 'AptRepository("two", uris="file:/srv/two", suites="x", components="main", trusted=True, architectures="i386")\n'
    assert check(bookworm, tmp_path, two).changes == ["write", "refresh lists"]
    assert apply(bookworm, tmp_path, two).changes == ["write", "refresh lists"]
    read = host.run("apt-get indextargets --format '$(ARCHITECTURE)' 'Created-By: Packages' 'Codename: x'").stdout
    assert {"amd64", "i386"} <= set(read.split())
    assert apply(bookworm, tmp_path, two).changes == []
    ours = two.replace('"i386"', '["i386", "amd64"]')
    assert "old.list has file:/srv/two x main already" in push(bookworm, tmp_path, ours, mode="check").failures[0]


def test_what_would_let_anyone_in_is_refused(bookworm: Fleet, tmp_path: Path) -> None:
    unsigned = push(bookworm, tmp_path, 'AptRepository("probe", uris="file:/srv/debs", suites="./")', mode="check")
    assert "whose signature" in unsigned.failures[0]
    no_key = 'AptRepository("probe", uris="file:/srv/debs", suites="./", key="<html>not found</html>")'
    assert "is no public key of OpenPGP" in push(bookworm, tmp_path, no_key, mode="check").failures[0]
    missing = 'AptRepository("dots.list", uris="x", key="y", absent=True)\nAptRepository("a b", absent=True)'
    assert "apt reads no file of that name" in push(bookworm, tmp_path, missing, mode="check").failures[0]
