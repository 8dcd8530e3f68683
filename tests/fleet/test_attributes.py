"""Attributes of files on real hosts: immutable ones change when the policy says that they are, and not otherwise."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.laws import everywhere, law, prepare
from tests.fleet.pushing import push

RELEASES = ("bullseye", "trixie")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


def letters(fleet: Fleet, *paths: str) -> list[str]:
    """The attributes of paths, the same on every host; not all hosts have lsattr(1), so they are looked at from outside."""
    said = {tuple(outside(host, "lsattr", "-d", path).split()[0] for path in paths) for host in fleet.hosts}
    assert len(said) == 1, said
    return [one.replace("-", "").replace("e", "") for one in said.pop()]


def outside(host: Host, *argv: str) -> str:
    command = [*argv[:-1], str(host.root / argv[-1].lstrip("/"))]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_an_immutable_file_gets_its_content_and_stays_immutable(fleet: Fleet, tmp_path: Path) -> None:
    first = 'File("/srv/fixed", from_content="1", attributes="+i")'
    assert law(fleet, tmp_path, first) == ["attributes", "create"]
    assert letters(fleet, "/srv/fixed") == ["i"]
    assert everywhere(fleet, "(echo x > /srv/fixed) 2> /dev/null; cat /srv/fixed") == "1"
    second = 'File("/srv/fixed", from_content="2", mode=0o600, owner="ops", attributes="+i")'
    assert law(fleet, tmp_path, second) == ["content", "mode", "owner"]
    assert letters(fleet, "/srv/fixed") == ["i"]
    assert everywhere(fleet, "cat /srv/fixed; stat -c ' %a %U' /srv/fixed") == "2 600 ops\n"
    for mode in ("check", "apply"):
        for other in ('from_content="3"', "mode=0o644", 'owner="plain"', "absent=True"):
            refused = push(fleet, tmp_path, f'File("/srv/fixed", {other})', mode=mode)
            assert sum("immutable" in text and "(lsattr)" in text for text in refused.failures) >= len(RELEASES)
    refused = push(fleet, tmp_path, 'File("/srv/fixed", from_content="3", attributes="+i", validate="false %s")')
    assert len(refused.failures) >= len(RELEASES)
    assert letters(fleet, "/srv/fixed") == ["i"]
    assert everywhere(fleet, "cat /srv/fixed") == "2"
    assert law(fleet, tmp_path, 'File("/srv/fixed", absent=True, attributes="-i")') == ["remove"]
    assert everywhere(fleet, "ls /srv") == ""


def test_a_log_that_only_grows_and_an_exact_set(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "echo 1 > /srv/log")
    for host in fleet.hosts:
        outside(host, "chattr", "+A", "/srv/log")
    assert law(fleet, tmp_path, 'File("/srv/log", attributes="+a")') == ["attributes"]
    assert letters(fleet, "/srv/log") == ["aA"]
    assert everywhere(fleet, "echo 2 >> /srv/log; (echo 3 > /srv/log) 2> /dev/null; cat /srv/log") == "1\n2\n"
    assert law(fleet, tmp_path, 'File("/srv/log", attributes="=d")') == ["attributes"]
    assert letters(fleet, "/srv/log") == ["d"]


def test_a_directory_and_all_beneath_it_keep_their_attributes(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "mkdir -p /srv/tree/sub; touch /srv/tree/sub/a /srv/tree/b; ln -s b /srv/tree/link")
    main = 'Directory("/srv/tree", attributes="+i", recursive=True)'
    assert law(fleet, tmp_path, main) == ["attributes", "beneath"]
    tree = "/srv/tree", "/srv/tree/b", "/srv/tree/sub", "/srv/tree/sub/a"
    assert letters(fleet, *tree) == ["i"] * 4
    main = 'Directory("/srv/tree", attributes="+i", recursive=True, owner="ops")'
    assert law(fleet, tmp_path, main) == ["beneath", "owner"]
    assert everywhere(fleet, "stat -c %U /srv/tree /srv/tree/sub/a /srv/tree/link") == "ops\nops\nops\n"
    assert letters(fleet, *tree) == ["i"] * 4
    for mode in ("check", "apply"):
        refused = push(fleet, tmp_path, 'File("/srv/tree/new")', mode=mode)
        assert sum("immutable" in text and "(lsattr)" in text for text in refused.failures) >= len(RELEASES)
    assert law(fleet, tmp_path, 'Directory("/srv/tree", absent=True, recursive=True, attributes="-i")') == ["remove"]


def test_a_file_system_without_attributes_says_so_in_check_and_apply(fleet: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        refused = push(fleet, tmp_path, 'File("/proc/version", attributes="+i")', mode=mode)
        assert sum("the file system of /proc/version has no attributes" in text for text in refused.failures) >= 2
        refused = push(fleet, tmp_path, 'File("/proc/new", attributes="+i")', mode=mode)
        assert sum("the file system of /proc has no attributes" in text for text in refused.failures) >= 2


def test_only_root_makes_files_immutable(fleet: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        refused = push(fleet, tmp_path, 'File("/home/plain/x", attributes="+i", run_as="plain")', mode=mode)
        assert sum("Operation not permitted" in text and "sudo()" in text for text in refused.failures) >= len(RELEASES)
