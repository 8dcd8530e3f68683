"""Files, directories and what is fetched, as root on real hosts of every Python."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.laws import everywhere
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "bookworm", "trixie")
MIB = 1 << 20


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The policy's directory, with something to copy."""
    for name, content in {"bin/tool": b"#!/bin/sh\n", "etc/app.conf": b"a = 1\n", "data": os.urandom(3 * MIB)}.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "tree/bin/tool").chmod(0o755)
    (tmp_path / "tree/latest").symlink_to("bin/tool")
    (tmp_path / "large").write_bytes(os.urandom(40 * MIB))
    return tmp_path


def test_a_directory_is_copied_with_owners_modes_and_links(fleet: Fleet, folder: Path) -> None:
    main = 'Directory("/srv/app", from_dir="tree", owner="ops", group="plain", delete=True)'
    announced = check(fleet, folder, main).changes
    assert apply(fleet, folder, main).changes == announced == ["create", "tree"] * len(RELEASES)
    assert apply(fleet, folder, main).changes == []
    found = everywhere(fleet, "cd /srv/app && find . -printf '%P %y %m %U:%u:%g %l\\n' | sed 's/[0-9]*:/:/' | sort")
    assert "bin/tool f 755 :ops:plain" in found
    assert "latest l 777 :ops:plain bin/tool" in found
    for host in fleet.hosts:
        host.run("touch /srv/app/bin/more; chown root /srv/app/data; rm /srv/app/latest")
    assert apply(fleet, folder, main).changes == ["tree"] * len(RELEASES)
    assert (
        everywhere(fleet, "cd /srv/app && find . -printf '%P %y %m %U:%u:%g %l\\n' | sed 's/[0-9]*:/:/' | sort")
        == found
    )


def test_what_matches_a_pattern_belongs_to_others_and_has_other_modes(fleet: Fleet, folder: Path) -> None:
    main = """
    Directory(
        "/srv/mapped", from_dir="tree", owner="ops", delete=True,
        owners={"etc": "plain", "etc/app.conf": 0}, groups={"bin": "plain"}, modes={"etc": 0o640, "bin/*": "go-rx"},
    )
    """
    announced = check(fleet, folder, main).changes
    assert apply(fleet, folder, main).changes == announced == ["create", "tree"] * len(RELEASES)
    assert apply(fleet, folder, main).changes == []
    look = "cd /srv/mapped && find . -mindepth 1 -printf '%P %m %u:%g\\n' | sort"
    found = everywhere(fleet, look)
    assert found.splitlines() == [
        "bin 755 ops:plain", "bin/tool 700 ops:plain", "data 644 ops:root", "etc 750 plain:root",
        "etc/app.conf 640 root:root", "latest 777 ops:root",
    ]  # fmt: skip
    for host in fleet.hosts:
        host.run(
            "chown ops /srv/mapped/etc/app.conf; chmod 755 /srv/mapped/bin/tool; echo b > /srv/mapped/etc/app.conf"
        )
    assert check(fleet, folder, main).changes == apply(fleet, folder, main).changes == ["tree"] * len(RELEASES)
    assert everywhere(fleet, look) == found


def test_a_large_file_comes_whole_and_only_once(fleet: Fleet, folder: Path) -> None:
    main = 'File("/srv/large", from_file="large", mode=0o600)'
    assert apply(fleet, folder, main).changes == ["create"] * len(RELEASES)
    assert apply(fleet, folder, main).changes == []
    for host in fleet.hosts:
        host.run("printf x | dd of=/srv/large bs=1 seek=20000000 conv=notrunc status=none")
    assert check(fleet, folder, main).changes == apply(fleet, folder, main).changes == ["content"] * len(RELEASES)
    assert apply(fleet, folder, main).changes == []


def test_a_file_for_which_there_is_no_room_leaves_the_old_one_and_the_role_goes_on(fleet: Fleet, folder: Path) -> None:
    for host in fleet.hosts:
        host.run("mkdir -p /srv/small; mount -t tmpfs -o size=8m none /srv/small; echo old > /srv/small/large")
    main = """
        File("/srv/small/large", from_file="large", ignore_errors=True)
        Directory("/srv/small/app", from_dir="tree")
    """
    pushed = push(fleet, folder, main)
    assert sum("file system is full" in text for text in pushed.failures) == len(RELEASES)
    assert pushed.changes == ["create", "tree"] * len(RELEASES)
    assert everywhere(fleet, "cat /srv/small/large; ls -A /srv/small; umount /srv/small") == "old\napp\nlarge\n"


def test_a_file_that_only_root_may_read_is_fetched_from_each_host(fleet: Fleet, folder: Path) -> None:
    for host in fleet.hosts:
        host.run(
            "install -m 600 /dev/null /srv/secret; hostname > /srv/secret; dd if=/dev/urandom bs=1M count=5 of=/srv/big"
        )
    main = 'Fetch("/srv/secret", to="fetched"); Fetch("/srv/big", to="fetched")'
    assert apply(fleet, folder, main).changes == ["fetch", "fetch"] * len(RELEASES)
    assert apply(fleet, folder, main).changes == []
    for host in fleet.hosts:
        kept = folder / "fetched" / host.name / "srv"
        assert (kept / "secret").read_text() == host.run("cat /srv/secret").stdout
        assert (kept / "big").stat().st_size == 5 * MIB


def test_a_host_that_loses_its_power_in_the_middle_has_the_old_file(fleet: Fleet, folder: Path) -> None:
    with (folder / "large").open("wb") as file:
        for _ in range(400):
            file.write(os.urandom(MIB))
    host = fleet.hosts[1]
    host.run("rm -f /srv/large; echo old > /srv/large; sync")
    lost: list[str] = []
    thread = threading.Thread(
        target=lambda: lost.extend(push(fleet, folder, 'File("/srv/large", from_file="large")').failures)
    )
    thread.start()
    while not any(path.stat().st_size > MIB for path in (host.upper / "srv").glob(".large.*")):
        assert thread.is_alive()
    host.kill()
    thread.join()
    assert lost
    assert all(host.name in text for text in lost)
    assert (host.upper / "srv/large").read_text() == "old\n"
    host.start()
    assert apply(fleet, folder, 'File("/srv/large", from_file="large")').changes == ["content"]
