"""Reboots: the role ends, the host goes and comes back, and the run goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host
from tests.fleet.pushing import apply, check, push

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"

Boot = Callable[..., Fleet]


@pytest.fixture
def bookworm(boot: Boot) -> Fleet:
    return boot("bookworm")


@pytest.fixture
def host(bookworm: Fleet) -> Host:
    return bookworm.hosts[0]


def test_a_reboot_ends_its_role_and_the_next_role_finds_the_host_booted_anew(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    before = host.run(BOOT_ID).stdout
    main = 'File("/root/before", from_content="x")\nReboot()\nFile("/root/never")'
    with host.restarting():
        made = apply(bookworm, tmp_path, main, then='File("/root/then", from_content=Platform.boot_id())')
    assert made.changes == ["create", "reboot", "create"]
    booted = host.run(BOOT_ID).stdout
    assert booted != before
    assert host.run("cat /root/then").stdout == booted.strip()
    assert host.run("test -e /root/before && test ! -e /root/never").returncode == 0


def test_who_is_logged_in_is_told_some_time_before(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    # What wall(1) is given is kept, for nobody is at a terminal here.
    host.run(
        "printf '#!/bin/sh\\ncat > /root/told\\ndate +%%s >> /root/told\\n' > /usr/local/bin/wall && chmod 755 /usr/local/bin/wall"
    )
    with host.restarting():
        apply(bookworm, tmp_path, 'Reboot(msg="It\'s $HOME; back soon", pause=4)', then='File("/root/then")')
    text, told = host.run("cat /root/told").stdout.splitlines()
    assert text == "It's $HOME; back soon"
    booted = float(host.run("stat -c %Z /root/then").stdout)
    assert booted - float(told) >= 4


def test_a_host_is_back_when_the_test_command_succeeds_there(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    """Its sshd answers long before what it serves does: /run is empty after a boot, and a unit writes to it later."""
    host.run(
        "printf '[Service]\\nType=oneshot\\nExecStart=/bin/sleep 4\\nExecStart=/usr/bin/touch /run/served\\n"
        "[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/served.service && systemctl enable served"
    )
    host.run("touch /run/served")
    with host.restarting():
        made = apply(bookworm, tmp_path, 'Reboot(ready="test -e /run/served")', then='Shell("test -e /run/served")')
    assert made.changes == ["reboot", "run"]


def test_a_host_whose_test_command_fails_is_not_back_and_says_why(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    with host.restarting():
        lost = push(
            bookworm,
            tmp_path,
            'Reboot(ready="echo still starting; exit 7", within=30)',
            then='File("/root/never")',
        )
    assert "has booted anew and is not ready 30 seconds after its reboot" in lost.failures[0]
    assert "ended with exit status 7" in lost.failures[0]
    assert "still starting" in lost.failures[0]
    assert lost.changes == ["reboot"]
    assert host.run("test -e /root/never", check=False).returncode == 1


def test_what_was_signalled_is_handled_before_the_reboot(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    before = host.run(BOOT_ID).stdout
    main = 'File("/root/conf", signals=["reboot", "note"])'
    with host.restarting():
        made = apply(bookworm, tmp_path, main, handlers='reboot=Reboot(), note=File("/root/noted")')
    assert made.changes == ["create", "reboot", "create"]
    assert host.run("test -e /root/noted").returncode == 0
    assert host.run(BOOT_ID).stdout != before


def test_check_ends_where_the_reboot_would_and_reboots_nothing(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    before = host.run(BOOT_ID).stdout
    assert check(bookworm, tmp_path, 'Reboot()\nFile("/root/never")').changes == ["reboot"]
    assert host.run(BOOT_ID).stdout == before


def test_only_what_requires_a_reboot_is_rebooted(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    main = 'Reboot(only_if_required=True)\nFile("/root/after")'
    assert apply(bookworm, tmp_path, main).changes == ["create"]
    host.run("rm /root/after; touch /run/reboot-required; echo linux-image > /run/reboot-required.pkgs")
    announced = check(bookworm, tmp_path, main)
    assert announced.changes == ["reboot"]
    assert "required by linux-image" in announced.texts
    with host.restarting():
        assert apply(bookworm, tmp_path, main).changes == ["reboot"]
    assert apply(bookworm, tmp_path, main).changes == ["create"]


def test_whoever_may_not_is_told_of_sudo(bookworm: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        assert "oes the role need sudo()?" in push(bookworm, tmp_path, "Reboot()", mode=mode, sudo=False).failures[0]


def test_a_host_that_does_not_come_back_is_lost_after_the_time_it_had(bookworm: Fleet, tmp_path: Path) -> None:
    lost = push(bookworm, tmp_path, "Reboot(within=5)", then='File("/root/never")')
    assert "has not come back within 5 seconds of its reboot" in lost.failures[0]
    assert lost.changes == ["reboot"]
