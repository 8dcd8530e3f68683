"""Timers of a real systemd: that they are there, run at their times, follow what changes, and go."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet
from tests.fleet.laws import everywhere, law, prepare
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "trixie")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


def state(fleet: Fleet, name: str) -> str:
    return everywhere(fleet, f"systemctl is-enabled {name}.timer; systemctl is-active {name}.timer").replace("\n", " ")


def test_a_timer_is_made_follows_its_times_and_goes(fleet: Fleet, tmp_path: Path) -> None:
    main = 'Timer("tidy", "true", on_calendar="*-*-* 03:30:00", persistent=True)'
    assert law(fleet, tmp_path, main) == ["create", "create", "enable", "load", "start"]
    assert state(fleet, "tidy") == "enabled active "
    assert "03:30:00" in everywhere(fleet, "systemctl show -P NextElapseUSecRealtime tidy.timer | cut -d' ' -f3")
    assert law(fleet, tmp_path, main.replace("03:30", "04:45")) == ["load", "replace"]
    assert "04:45:00" in everywhere(fleet, "systemctl show -P NextElapseUSecRealtime tidy.timer | cut -d' ' -f3")
    assert law(fleet, tmp_path, main.replace("True)", "True, enabled=False)").replace("03:30", "04:45")) == [
        "disable",
        "stop",
    ]
    assert state(fleet, "tidy") == "disabled inactive "
    assert law(fleet, tmp_path, 'Timer("tidy", absent=True)') == ["remove"]
    assert everywhere(fleet, "ls /etc/systemd/system/tidy*; systemctl show -P LoadState tidy.timer") == "not-found\n"


def test_a_timer_of_a_user_who_is_only_planned_is_certain(fleet: Fleet, tmp_path: Path) -> None:
    main = 'User("eli")\nTimer("fortnight", "true", on_calendar=["Sun 04:00", "daily"], on_boot="1h", user="eli")'
    assert law(fleet, tmp_path, main) == ["create", "create", "create", "enable", "load", "make home", "start"]
    assert law(fleet, tmp_path, 'Timer("fortnight", absent=True)') == ["disable", "remove", "stop"]


def test_a_running_timer_is_stopped_and_removed_in_one(fleet: Fleet, tmp_path: Path) -> None:
    assert law(fleet, tmp_path, 'Timer("once", "true", on_boot="10h")') == [
        "create",
        "create",
        "enable",
        "load",
        "start",
    ]
    assert law(fleet, tmp_path, 'Timer("once", absent=True)') == ["disable", "remove", "stop"]
    assert everywhere(fleet, "systemctl show -P LoadState once.timer; find /etc/systemd -name 'once*'") == "not-found\n"


def test_the_job_runs_as_it_stands_in_the_policy_and_as_its_user(fleet: Fleet, tmp_path: Path) -> None:
    job = r"""printf '%s %d\n' "$USER it's \"50%\" \$HOME" 7 > /tmp/said.$$; mv /tmp/said.$$ /tmp/said; id -un >> /tmp/said"""
    apply(fleet, tmp_path, f'User("dan")\nTimer("talk", {job!r}, every="1s", user="dan")')
    prepare(fleet, "for n in $(seq 60); do grep -q dan /tmp/said && break; sleep 0.5; done")
    assert everywhere(fleet, "cat /tmp/said") == 'dan it\'s "50%" $HOME 7\ndan\n'
    assert apply(fleet, tmp_path, f'Timer("talk", {job!r}, every="1s", user="dan")').changes == []
    apply(fleet, tmp_path, 'Timer("talk", absent=True)')


def test_a_service_that_is_there_is_started_and_left_alone(fleet: Fleet, tmp_path: Path) -> None:
    prepare(
        fleet,
        "printf '[Service]\\nType=oneshot\\nExecStart=/bin/touch /run/swept\\n' > /etc/systemd/system/sweep.service",
    )
    main = 'Timer("sweep", service="sweep", every="1s")'
    assert law(fleet, tmp_path, main) == ["create", "enable", "load", "start"]
    prepare(fleet, "for n in $(seq 60); do test -e /run/swept && break; sleep 0.5; done; test -e /run/swept")
    refused = push(fleet, tmp_path, 'Timer("sweep", "true", every="1s")', mode="check")
    assert sum("/etc/systemd/system/sweep.service is there already" in text for text in refused.failures) >= len(
        RELEASES
    )
    assert law(fleet, tmp_path, 'Timer("sweep", absent=True)') == ["disable", "remove", "stop"]
    assert everywhere(fleet, "ls /etc/systemd/system/sweep*") == "/etc/systemd/system/sweep.service\n"


@pytest.mark.parametrize(
    ("main", "said"),
    [
        ('Timer("x", "true", on_calendar="someday")', "on_calendar='someday' is no time of systemd"),
        ('Timer("x", "true", every="often")', "every='often' is no time of systemd"),
        ('Timer("x", service="nothing", every="1h")', "there is no unit nothing.service"),
        ('Timer("x", "true", every="1h", user="nobody-here")', "there is no user 'nobody-here'"),
        ('Timer("vendor", "true", every="1h")', "there is a unit vendor.timer of somebody else's: "),
        ('Timer("cryptic", "true", every="1h")', "cryptic.timer is masked"),
    ],
)
def test_what_systemd_would_not_do_is_refused_in_check_and_apply_and_nothing_is_written(
    fleet: Fleet, tmp_path: Path, main: str, said: str
) -> None:
    prepare(
        fleet,
        "systemctl mask --quiet cryptic.timer; mkdir -p /usr/local/lib/systemd/system;"
        "printf '[Timer]\\nOnBootSec=9h\\n' > /usr/local/lib/systemd/system/vendor.timer; systemctl daemon-reload",
    )
    for mode in ("check", "apply"):
        refused = push(fleet, tmp_path, main, mode=mode)
        assert sum(said in text for text in refused.failures) >= len(RELEASES), refused.failures
    assert everywhere(fleet, "ls /etc/systemd/system/x.*; systemctl unmask --quiet cryptic.timer") == ""


def test_a_service_of_a_planned_package_is_announced_and_what_was_interrupted_is_finished(
    fleet: Fleet, tmp_path: Path
) -> None:
    announced = check(fleet, tmp_path, 'Shell("true")\nTimer("x", service="planned", every="1h")')
    assert [change for change in announced.changes if "?" not in change] == ["run"] * len(RELEASES)
    main = 'Timer("half", "true", on_boot="10h")'
    apply(fleet, tmp_path, main)
    prepare(fleet, "touch -d '1 hour' /etc/systemd/system/half.service")
    assert apply(fleet, tmp_path, main).changes == ["load"] * len(RELEASES)
    prepare(fleet, "systemctl disable --now --quiet half.timer")
    assert apply(fleet, tmp_path, main).changes == ["enable", "start"] * len(RELEASES)
    apply(fleet, tmp_path, 'Timer("half", absent=True)')
