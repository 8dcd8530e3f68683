"""Files and directories as root on real hosts: owners, setuid, mounts, file systems that refuse."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.laws import everywhere, law, prepare
from tests.fleet.pushing import push

RELEASES = ("bullseye", "bookworm", "trixie")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


def test_a_new_owner_does_not_cost_a_program_its_setuid(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "cp /bin/true /srv/tool; chmod 6755 /srv/tool")
    assert law(fleet, tmp_path, 'File("/srv/tool", owner="ops", group="plain")') == ["group", "owner"]
    assert everywhere(fleet, "stat -c '%U %G %a' /srv/tool") == "ops plain 6755\n"
    assert law(fleet, tmp_path, 'File("/srv/tool", from_content="x", owner="plain")') == ["content", "owner"]
    assert everywhere(fleet, "stat -c '%U %G %a' /srv/tool; cat /srv/tool") == "plain plain 6755\nx"


def test_a_file_keeps_its_owner_when_its_content_changes(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "echo old > /srv/kept; chown ops:plain /srv/kept; chmod 640 /srv/kept")
    assert law(fleet, tmp_path, 'File("/srv/kept", from_content="new")') == ["content"]
    assert everywhere(fleet, "stat -c '%U %G %a' /srv/kept") == "ops plain 640\n"


def test_numbers_that_no_account_has_are_owners_too(fleet: Fleet, tmp_path: Path) -> None:
    main = 'Directory("/srv/numbered", owner=4321, group=4322)\nFile("/srv/numbered/conf", owner="4321", group=4322)'
    assert law(fleet, tmp_path, main) == ["create", "create"]
    assert everywhere(fleet, "stat -c '%u %g' /srv/numbered /srv/numbered/conf") == "4321 4322\n" * 2


def test_a_recursive_owner_takes_links_themselves_and_stops_at_mounts(fleet: Fleet, tmp_path: Path) -> None:
    prepare(
        fleet,
        "mkdir -p /srv/tree/sub /srv/tree/mounted; touch /srv/tree/sub/file /srv/outside; ln -s /srv/outside /srv/tree/l;"
        "mount -t tmpfs none /srv/tree/mounted; touch /srv/tree/mounted/file",
    )
    assert law(fleet, tmp_path, 'Directory("/srv/tree", owner="ops", recursive=True)') == ["beneath", "owner"]
    paths = "/srv/tree /srv/tree/sub/file /srv/tree/l /srv/outside /srv/tree/mounted/file"
    assert everywhere(fleet, f"stat -c %U {paths}; umount /srv/tree/mounted") == "ops\nops\nops\nroot\nroot\n"


def test_a_directory_beneath_which_something_is_mounted_is_not_removed(fleet: Fleet, tmp_path: Path) -> None:
    prepare(
        fleet, "mkdir -p /srv/data/mounted; mount -t tmpfs none /srv/data/mounted; touch /srv/data/mounted/precious"
    )
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, 'Directory("/srv/data", absent=True, recursive=True)', mode=mode)
        assert any("/srv/data/mounted is a mount point" in text for text in failed.failures)
    assert everywhere(fleet, "ls /srv/data/mounted; umount /srv/data/mounted; rm -r /srv/data") == "precious\n"


def test_a_directory_that_is_bound_to_another_place_is_a_mount_point_too(fleet: Fleet, tmp_path: Path) -> None:
    prepare(
        fleet,
        "mkdir -p /srv/elsewhere /srv/has/bound; touch /srv/elsewhere/it; mount --bind /srv/elsewhere /srv/has/bound",
    )
    failed = push(fleet, tmp_path, 'Directory("/srv/has", absent=True, recursive=True)')
    assert any("/srv/has/bound is a mount point" in text for text in failed.failures)
    assert everywhere(fleet, "ls /srv/elsewhere; umount /srv/has/bound") == "it\n"


def test_a_file_that_is_a_mount_point_is_written_in_place(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "echo below > /root/below; echo old > /srv/conf; mount --bind /root/below /srv/conf")
    assert law(fleet, tmp_path, 'File("/srv/conf", from_content="newer\\n")') == ["content"]
    told = push(fleet, tmp_path, 'File("/srv/conf", from_content="new\\n")').warnings
    assert sum("something is mounted at /srv/conf, so that it was written in place" in text for text in told) == len(
        told
    )
    assert len(told) == len(RELEASES)
    assert everywhere(fleet, "cat /root/below; umount /srv/conf; cat /srv/conf; rm /srv/conf") == "new\nold\n"


def test_a_mount_point_written_in_place_gets_its_owner_and_mode(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "echo below > /root/below2; touch /srv/conf2; mount --bind /root/below2 /srv/conf2")
    law(fleet, tmp_path, 'File("/srv/conf2", from_content="new", owner="ops", mode=0o600)')
    assert everywhere(fleet, "stat -c '%U %a' /srv/conf2; umount /srv/conf2") == "ops 600\n"


def test_what_a_file_system_refuses_is_said_with_its_remedy(fleet: Fleet, tmp_path: Path) -> None:
    prepare(fleet, "mkdir -p /srv/fixed /srv/small; mount -t tmpfs -o ro none /srv/fixed")
    prepare(fleet, "mount -t tmpfs -o size=64k none /srv/small; echo old > /srv/small/conf")
    failed = push(fleet, tmp_path, 'File("/srv/fixed/conf", from_content="x")')
    assert sum("mounted read-only" in text for text in failed.failures) >= len(RELEASES)
    failed = push(fleet, tmp_path, 'File("/srv/small/conf", from_content="x" * 1000000)')
    assert sum("file system is full" in text for text in failed.failures) >= len(RELEASES)
    assert everywhere(fleet, "cat /srv/small/conf; ls -A /srv/small; umount /srv/fixed /srv/small") == "old\nconf\n"


def test_without_sudo_a_file_of_roots_is_refused_in_check_and_apply(fleet: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, 'File("/etc/no", from_content="x")', mode=mode, sudo=False)
        assert sum("does the role need sudo()?" in text for text in failed.failures) >= len(RELEASES)
        failed = push(fleet, tmp_path, 'File("/etc/passwd", mode=0o600)', mode=mode, sudo=False)
        assert sum("sudo()?" in text for text in failed.failures) >= len(RELEASES)


def test_a_file_may_belong_to_a_user_who_is_only_planned(fleet: Fleet, tmp_path: Path) -> None:
    main = """
    Group("planned-crew")
    User("planned", group="planned-crew", uid=4321)
    File("/srv/of-planned", from_content="x", owner="planned", group="planned-crew", mode=0o640)
    Directory("/srv/home-of-planned", owner=4321)
    """
    assert law(fleet, tmp_path, main) == ["create", "create", "create", "create", "make home"], "and check is certain"
    assert everywhere(fleet, "stat -c '%U %G %a' /srv/of-planned") == "planned planned-crew 640\n"
