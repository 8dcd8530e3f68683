"""dnf for real: a Debian host with dnf, rpm and a repository of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.pushing import apply, check, push

Boot = Callable[..., Fleet]
SPEC = """
Name: {name}
Version: {version}
Release: {release}
Epoch: {epoch}
Summary: probe
License: none
BuildArch: noarch
Provides: opsmop-virtual
%description
probe
%files
"""
GROUPS = """<comps><group><id>opsmop-tools</id><name>Tools of ours</name><uservisible>true</uservisible>
<packagelist><packagereq type="mandatory">opsmop-probe</packagereq>
<packagereq type="mandatory">opsmop-epoch</packagereq></packagelist></group></comps>"""
REPOSITORY = """
rm -f /etc/dnf/plugins/local.conf; printf '[main]\\nenabled = 0\\n' > /etc/dnf/plugins/local.conf
mkdir -p /etc/yum.repos.d /srv/extra && mv /srv/rpms/noarch/opsmop-extra* /srv/extra
createrepo_c --quiet --groupfile /srv/comps.xml /srv/rpms && createrepo_c --quiet /srv/extra
for name in rpms extra; do printf '[%s]\\nname=%s\\nbaseurl=file:///srv/%s\\ngpgcheck=0\\nmetadata_expire=never\\n' $name $name $name \
  > /etc/yum.repos.d/$name.repo; done
echo enabled=0 >> /etc/yum.repos.d/extra.repo
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(["bookworm"]) as fleet:
        apply(
            fleet,
            tmp_path_factory.mktemp("tools"),
            'Package(["dnf", "rpm", "createrepo-c", "dnf-plugins-core"], install_recommends=False)',
        )
        host = fleet.hosts[0]
        for name, version, release, epoch in (
            ("opsmop-probe", "1.0", "1", 0),
            ("opsmop-probe", "2.0", "1", 0),
            ("opsmop-epoch", "1.0", "1", 3),
            ("opsmop-extra", "1.0", "1", 0),
        ):
            build(host, name, version, release, epoch)
        host.run("cat > /srv/comps.xml", input=GROUPS)
        host.run(REPOSITORY)
        yield fleet


def build(host: Host, name: str, version: str, release: str, epoch: int) -> None:
    spec = SPEC.format(name=name, version=version, release=release, epoch=epoch)
    host.run("cat > /tmp/probe.spec", input=spec)
    host.run("rpmbuild --quiet -bb --define '_topdir /srv/build' --define '_rpmdir /srv/rpms' /tmp/probe.spec")


@pytest.fixture
def host(fleet: Fleet) -> Host:
    return fleet.hosts[0]


def installed(host: Host, name: str) -> str:
    return host.run(["rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", name], check=False).stdout


def dnf(name: str, more: str = "") -> str:
    return f'Package("{name}", method="dnf"{more})'


def test_packages_come_at_versions_and_go(fleet: Fleet, host: Host, tmp_path: Path) -> None:
    first = dnf("opsmop-probe", ', version="1.0"')
    announced = check(fleet, tmp_path, first)
    assert announced.changes == ["refresh lists?", "install?"]
    assert apply(fleet, tmp_path, first).changes == ["refresh lists", "install"]
    assert installed(host, "opsmop-probe") == "1.0-1"
    for done in (first, dnf("opsmop-probe"), dnf("opsmop-probe", ', version="1.*"'), dnf("opsmop-virtual")):
        assert apply(fleet, tmp_path, done).changes == []
    newest = dnf("opsmop-probe", ", latest=True")
    assert check(fleet, tmp_path, newest).changes == ["upgrade"]
    assert installed(host, "opsmop-probe") == "1.0-1"
    assert apply(fleet, tmp_path, newest).changes == ["upgrade"]
    assert installed(host, "opsmop-probe") == "2.0-1"
    assert apply(fleet, tmp_path, newest).changes == []
    assert apply(fleet, tmp_path, first).changes == ["upgrade"], "a version is gone down to as well"
    assert installed(host, "opsmop-probe") == "1.0-1"
    gone = 'Package(["opsmop-probe", "opsmop-epoch"], method="dnf", absent=True)'
    assert apply(fleet, tmp_path, gone).changes == ["remove"]
    assert apply(fleet, tmp_path, gone).changes == []


def test_a_list_is_one_transaction_and_an_epoch_is_no_obstacle(fleet: Fleet, host: Host, tmp_path: Path) -> None:
    main = 'Package(["opsmop-probe", "opsmop-epoch"], method="dnf", latest=True)'
    apply(fleet, tmp_path, main)
    assert installed(host, "opsmop-epoch") == "1.0-1"
    assert apply(fleet, tmp_path, main).changes == []
    newest = host.run("dnf -q history list last").stdout.splitlines()[-1]
    assert newest.rpartition("|")[2].strip() == "2", "both were altered at once"
    apply(fleet, tmp_path, 'Package(["opsmop-probe", "opsmop-epoch"], method="dnf", absent=True)')


def test_what_there_is_not_fails_in_check_too(fleet: Fleet, tmp_path: Path) -> None:
    apply(fleet, tmp_path, dnf("opsmop-probe"))
    for mode in ("check", "apply"):
        assert (
            "dnf knows no package 'opsmop-porbe'" in push(fleet, tmp_path, dnf("opsmop-porbe"), mode=mode).failures[0]
        )
        wrong = push(fleet, tmp_path, dnf("opsmop-probe", ', version="3"'), mode=mode).failures[0]
        assert "It offers" in wrong
        assert "2.0-1" in wrong
        assert "does the role need sudo()?" in push(fleet, tmp_path, dnf("opsmop-epoch"), sudo=False).failures[0]


def test_what_is_held_stays_for_others_and_follows_its_policy(fleet: Fleet, host: Host, tmp_path: Path) -> None:
    held = dnf("opsmop-probe", ', version="1.0", held=True')
    assert check(fleet, tmp_path, held).changes[-1] == "hold"
    assert apply(fleet, tmp_path, held).changes[-1] == "hold"
    assert apply(fleet, tmp_path, held).changes == []
    host.run("dnf -qy upgrade")
    assert installed(host, "opsmop-probe") == "1.0-1"
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, dnf("opsmop-probe", ", latest=True"), mode=mode).failures[0]
        assert "opsmop-probe is held at 1.0-1" in failed
        assert "held=False" in failed
    assert apply(fleet, tmp_path, dnf("opsmop-probe", ", latest=True, held=True")).changes == ["upgrade", "hold"]
    assert apply(fleet, tmp_path, dnf("opsmop-probe", ", latest=True, held=True")).changes == []
    assert apply(fleet, tmp_path, dnf("opsmop-probe", ", held=False")).changes == ["release"]
    assert apply(fleet, tmp_path, dnf("opsmop-probe", ", held=False")).changes == []
    apply(fleet, tmp_path, dnf("opsmop-probe", ", absent=True"))


def test_a_repository_that_is_switched_off_is_looked_into_where_that_is_said(
    fleet: Fleet, host: Host, tmp_path: Path
) -> None:
    assert "knows no package" in push(fleet, tmp_path, dnf("opsmop-extra")).failures[0]
    extra = dnf("opsmop-extra", ', repositories=["extra"]')
    assert [name.rstrip("?") for name in check(fleet, tmp_path, extra).changes] == ["refresh lists", "install"]
    assert apply(fleet, tmp_path, extra).changes == ["refresh lists", "install"]
    assert apply(fleet, tmp_path, extra).changes == []
    apply(fleet, tmp_path, dnf("opsmop-extra", ", absent=True"))
    excluded = dnf("opsmop-extra", ', repositories=["extra"], excludes=["*-extra"]')
    assert "knows no package" in push(fleet, tmp_path, excluded).failures[0]
    assert apply(fleet, tmp_path, dnf("opsmop-extra", ', repositories=["extra"], best=False')).changes == ["install"]


def test_a_group_comes_and_goes_like_a_package(fleet: Fleet, host: Host, tmp_path: Path) -> None:
    group = dnf("@opsmop-tools")
    assert check(fleet, tmp_path, group).changes == apply(fleet, tmp_path, group).changes == ["install"]
    assert installed(host, "opsmop-epoch") == "1.0-1"
    assert apply(fleet, tmp_path, group).changes == []
    assert "knows no package '@opsmop-tool'" in push(fleet, tmp_path, dnf("@opsmop-tool"), mode="check").failures[0]
    assert apply(fleet, tmp_path, dnf("@opsmop-tools", ", absent=True")).changes == ["remove"]
    assert "not installed" in installed(host, "opsmop-epoch")
    assert apply(fleet, tmp_path, dnf("@opsmop-tools", ", absent=True")).changes == []
