"""Users and groups on real hosts, with the tools of three Debian releases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, difference
from tests.fleet.laws import OURS, everywhere, law, prepare
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "bookworm", "trixie")
HASH = "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/1"
SPY = """#!/bin/sh
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ > /root/seen
exec /usr/sbin/chpasswd.real "$@"
"""
# Somebody mounts something in the home while its user goes.
MOUNTING = """#!/bin/sh
/usr/sbin/userdel.real "$@" && mount -t tmpfs none /home/ivy/disk
"""


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


def test_a_user_is_made_reconciled_and_removed_on_every_release(fleet: Fleet, tmp_path: Path) -> None:
    before = {host.name: host.snapshot(OURS) for host in fleet.hosts}
    made = law(
        fleet,
        tmp_path,
        f"""
        Group("crew", gid=3000)
        User("ana", uid=3001, groups=["crew"], shell="/bin/bash", comment="Ana Ná", password_hash=Secret({HASH!r}))
        File("/home/ana/.profile", from_content="umask 027\\n", owner="ana", group="ana", mode=0o640)
        Directory("/home/ana/.ssh", owner="ana", group="ana", mode=0o700)
        """,
    )
    assert made == ["content", "create", "create", "create", "make home", "mode", "password"]
    assert everywhere(fleet, "getent passwd ana | cut -d: -f1-3,5-") == "ana:x:3001:Ana Ná:/home/ana:/bin/bash\n"
    assert everywhere(fleet, "id -nG ana") == "ana crew\n"
    assert everywhere(fleet, "getent shadow ana | cut -d: -f2") == f"{HASH}\n"
    assert everywhere(fleet, "stat -c '%U %G' /home/ana /home/ana/.bashrc /home/ana/.ssh") == "ana ana\n" * 3
    assert everywhere(fleet, "cmp /etc/skel/.bashrc /home/ana/.bashrc && echo same") == "same\n"
    assert (
        everywhere(fleet, "cat /home/ana/.profile; runuser -u ana -- sh -c 'touch ~/x && echo can'")
        == "umask 027\ncan\n"
    )

    amended = law(
        fleet,
        tmp_path,
        f"""
        Group("crew", gid=3005)
        Group("staff2")
        User("ana", uid=3002, group="crew", groups=["staff2"], append=False, shell="/bin/sh", comment="", locked=True,
             home="/srv/ana", create_home=True, password_hash=Secret({HASH!r}))
        File("/srv/ana/note", owner=3002, from_content="x")
        """,
    )
    assert amended == [
        "comment", "create", "create", "gid", "group", "groups", "home", "lock", "make home", "shell", "uid"
    ]  # fmt: skip
    assert everywhere(fleet, "getent passwd ana") == "ana:x:3002:3005::/srv/ana:/bin/sh\n"
    assert everywhere(fleet, "id -nG ana; passwd -S ana | cut -d' ' -f2; stat -c %U /srv/ana/note") == (
        "crew staff2\nL\nana\n"
    )

    gone = law(
        fleet,
        tmp_path,
        """
        User("ana", absent=True, remove=True)
        Group("ana", absent=True)
        Group("crew", absent=True)
        Group("staff2", absent=True)
        Directory("/home/ana", absent=True, recursive=True)
        """,
    )
    assert gone.count("remove") == 5
    assert everywhere(fleet, "getent passwd ana; getent group ana crew staff2; ls -d /home/ana /srv/ana") == ""
    for host in fleet.hosts:
        left = [line for line in difference(before[host.name], host.snapshot(OURS)) if "/etc/sub" not in line]
        # The account files were rewritten; their content is the old one, which `~` would show.
        assert [line for line in left if not line.startswith("+ /etc/")] == []


def test_system_users_take_system_numbers_and_no_home(fleet: Fleet, tmp_path: Path) -> None:
    main = 'User("daemon2", system=True, home="/var/lib/daemon2", shell="/usr/sbin/nologin")'
    assert law(fleet, tmp_path, main) == ["create"]
    assert (
        everywhere(fleet, "test $(id -u daemon2) -lt 1000 && ls -d /var/lib/daemon2 2>/dev/null || echo none")
        == "none\n"
    )
    assert law(fleet, tmp_path, 'User("daemon2", absent=True)\nGroup("daemon2", absent=True)') == ["remove"]


def test_a_home_moves_with_what_is_in_it(fleet: Fleet, tmp_path: Path) -> None:
    apply(fleet, tmp_path, 'User("mover")\nFile("/home/mover/mine", from_content="x", owner="mover")')
    main = 'User("mover", home="/srv/mover", move_home=True)\nFile("/srv/mover/mine", from_content="x", owner="mover")'
    assert set(check(fleet, tmp_path, main).changes) == {"home", "create?"}, "what moves along is not known beforehand"
    assert apply(fleet, tmp_path, main).changes == ["home"] * len(RELEASES)
    assert everywhere(fleet, "cat /srv/mover/mine; ls /home/mover 2>&1 | wc -l") == "x1\n"
    assert set(law(fleet, tmp_path, 'User("mover", absent=True, remove=True)')) == {"remove", "remove home"}


def test_the_hash_is_in_no_argument_list_and_no_report(fleet: Fleet, tmp_path: Path) -> None:
    for host in fleet.hosts:
        host.run("mv /usr/sbin/chpasswd /usr/sbin/chpasswd.real && cat > /usr/sbin/chpasswd", input=SPY)
        host.run("chmod 755 /usr/sbin/chpasswd")
    pushed = apply(fleet, tmp_path, f'User("quiet", create_home=False, password_hash=Secret({HASH!r}))')
    for host in fleet.hosts:
        host.run("mv /usr/sbin/chpasswd.real /usr/sbin/chpasswd")
        seen = host.run("cat /root/seen; rm /root/seen").stdout
        assert "chpasswd" in seen
        assert HASH not in seen
    assert HASH not in repr(pushed)
    apply(fleet, tmp_path, 'User("quiet", absent=True)')


def test_a_user_whose_process_runs_is_not_removed_and_the_error_says_so_unless_processes_are_to_end(
    fleet: Fleet, tmp_path: Path
) -> None:
    apply(fleet, tmp_path, 'User("busy")')
    for host in fleet.hosts:
        host.run(
            "setsid runuser -u busy -- sh -c 'trap : TERM; sleep 300; sleep 300' >/dev/null 2>&1 </dev/null & sleep 0.3"
        )
    failed = push(fleet, tmp_path, 'User("busy", absent=True, remove=True)')
    assert sum("currently used by process" in text and "force=True" in text for text in failed.failures) >= len(
        RELEASES
    )
    assert everywhere(fleet, "ls -d /home/busy/.profile") == "/home/busy/.profile\n", "nothing of the user is gone"
    gone = 'User("busy", absent=True, remove=True, force=True)'
    assert law(fleet, tmp_path, gone) == ["end processes", "remove", "remove home"]
    assert everywhere(fleet, "ps -e -o user= | grep -c busy") == "0\n"


def test_numbers_and_groups_that_are_taken_or_missing_are_refused_in_check_and_apply(
    fleet: Fleet, tmp_path: Path
) -> None:
    for main, said in (
        ('User("bo", uid=0)', "the user root has it"),
        ('Group("bo", gid=0)', "the group root has it"),
        ('User("bo", groups=["sudoers"])', "there is no group 'sudoers'"),
        ('Group("ops", absent=True)', "it is the primary group of ops"),
        ('User("bo", uid=4000)\nUser("bob", uid=4000)', "the user bo has it"),
    ):
        for mode in ("check", "apply"):
            failed = push(fleet, tmp_path, main, mode=mode)
            assert sum(said in text for text in failed.failures) >= len(RELEASES), (main, mode, failed.failures)
    apply(fleet, tmp_path, 'User("bo", absent=True, remove=True)')


@pytest.mark.parametrize(
    ("before", "planned"),
    [
        ("", 'Group("pg")\nUser("pu", group="pg")\n'),
        ("groupadd pg; useradd -N pu", 'User("pu", group="pg")\n'),
        ("groupadd pg; useradd -g pg pu", 'Group("pg", gid=3999)\n'),
    ],
)
def test_a_group_stays_that_is_planned_to_be_somebodys_primary_one(
    fleet: Fleet, tmp_path: Path, before: str, planned: str
) -> None:
    prepare(fleet, before)
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, f'{planned}Group("pg", absent=True)', mode=mode)
        said = [text for text in failed.failures if "the group pg cannot go: it is the primary group of pu" in text]
        assert len(said) >= len(RELEASES), (mode, failed.failures)
    gone = law(fleet, tmp_path, 'User("pu", absent=True, remove=True)\nGroup("pg", absent=True)')
    assert gone.count("remove") == len(("pu", "pg"))


def test_without_sudo_accounts_are_refused_before_anything_is_tried(fleet: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, 'User("bo")', mode=mode, sudo=False)
        assert any("only root may change the user bo, and this is ops" in text for text in failed.failures)
    assert everywhere(fleet, "getent passwd bo") == ""


def test_a_group_has_the_members_that_it_is_to_have(fleet: Fleet, tmp_path: Path) -> None:
    people = 'Group("band")\nUser("cleo")\nUser("dora", groups=["band"])\nUser("fay", group="band")\n'
    made = law(fleet, tmp_path, people + 'Group("band", members=["cleo", "fay", "cleo"])')
    assert made.count("members") == 1
    assert everywhere(fleet, "getent group band | cut -d: -f4 | tr , '\\n' | sort") == "cleo\ndora\n"
    assert law(fleet, tmp_path, 'Group("band", members=["cleo"])') == [], "others stay"
    out = 'Group("band", members=["cleo"], append=False)\nUser("dora", groups=["band"])\nUser("cleo", groups=["band"])'
    assert sorted(check(fleet, tmp_path, out).changes) == ["groups"] * 3 + ["members"] * 3, "a planned change is seen"
    assert law(fleet, tmp_path, out.partition("\n")[0]) == ["members"]
    assert everywhere(fleet, "id -nG dora; getent group band | cut -d: -f4") == "dora\ncleo\n"
    assert law(fleet, tmp_path, 'Group("band", members=[], append=False)') == ["members"]
    assert everywhere(fleet, "getent group band | cut -d: -f4; id -nG fay") == "\nband\n"
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, 'Group("band", members=["nobody-knows"])', mode=mode).failures
        assert all("there is no user 'nobody-knows' on this machine" in text for text in failed[: len(RELEASES)])


def test_a_user_ends_on_a_day_or_never_and_starts_with_what_a_skeleton_holds(fleet: Fleet, tmp_path: Path) -> None:
    main = """
        Directory("/etc/skel.ours/bin", mode=0o750)
        File("/etc/skel.ours/.ours", from_content="x", mode=0o600)
        User("hal", expires="2031-02-03", skeleton="/etc/skel.ours")
        """
    made = law(fleet, tmp_path, main)
    assert {"create", "expires", "make home"} <= set(made)
    assert everywhere(fleet, "getent shadow hal | cut -d: -f8; ls -A /home/hal") == "22313\n.ours\nbin\n"
    assert everywhere(fleet, "stat -c '%U %G %a' /home/hal/.ours /home/hal/bin") == "hal hal 600\nhal hal 750\n"
    assert law(fleet, tmp_path, main.replace("2031-02-03", "2001-02-03")) == ["expires"]
    assert law(fleet, tmp_path, main.replace("2031-02-03", "never")) == ["expires"]
    assert everywhere(fleet, "getent shadow hal | cut -d: -f8") == "\n"


def test_a_key_is_made_once_as_the_user_and_told(fleet: Fleet, tmp_path: Path) -> None:
    keeping = '\nif key.changed: File("/root/kay.pub", from_content=key.data + "\\n")'
    main = 'key = User("kay", generate_ssh_key=True)'
    apply(fleet, tmp_path, 'User("kay")')
    assert law(fleet, tmp_path, main) == ["make ssh key"]
    assert everywhere(fleet, "stat -c '%U %G %a %n' /home/kay/.ssh /home/kay/.ssh/*") == (
        "kay kay 700 /home/kay/.ssh\nkay kay 600 /home/kay/.ssh/id_ed25519\nkay kay 644 /home/kay/.ssh/id_ed25519.pub\n"
    )
    apply(fleet, tmp_path, main.replace("True", '"rsa"') + keeping)
    assert (
        everywhere(fleet, "cmp /root/kay.pub /home/kay/.ssh/id_rsa.pub && cut -d' ' -f1 /root/kay.pub") == "ssh-rsa\n"
    )
    assert law(fleet, tmp_path, main) == []
    assert law(fleet, tmp_path, 'User("lea", generate_ssh_key=True)') == ["create", "make home", "make ssh key"]


def test_a_home_that_cannot_be_removed_is_named_with_what_removes_it(fleet: Fleet, tmp_path: Path) -> None:
    apply(fleet, tmp_path, 'User("ivy")\nDirectory("/home/ivy/disk", owner="ivy")')
    for host in fleet.hosts:
        host.run("mv /usr/sbin/userdel /usr/sbin/userdel.real && cat > /usr/sbin/userdel", input=MOUNTING)
        host.run("chmod 755 /usr/sbin/userdel")
    failed = push(fleet, tmp_path, 'User("ivy", absent=True, remove=True)')
    prepare(fleet, "mv /usr/sbin/userdel.real /usr/sbin/userdel")
    left = "Directory('/home/ivy', absent=True, recursive=True)"
    assert sum(left in text for text in failed.failures) >= len(RELEASES), failed.failures
    assert everywhere(fleet, "getent passwd ivy; ls /home/ivy") == "disk\n"
    prepare(fleet, "umount /home/ivy/disk")
    law(fleet, tmp_path, left)
    assert everywhere(fleet, "ls -d /home/ivy 2>/dev/null") == ""


def test_a_password_that_people_chose_stays_and_a_new_user_gets_the_first(fleet: Fleet, tmp_path: Path) -> None:
    main = f'User("gus", password_hash=Secret({HASH!r}), keep_password=True)'
    assert law(fleet, tmp_path, main) == ["create", "make home", "password"]
    assert everywhere(fleet, "getent shadow gus | cut -d: -f2") == f"{HASH}\n"
    prepare(fleet, "echo gus:of-my-own | chpasswd")
    assert law(fleet, tmp_path, main) == []
    assert law(fleet, tmp_path, main.replace("True", "False")) == ["password"]
