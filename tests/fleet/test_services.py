"""Services on real hosts: systemd, as it answers and as it behaves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fleet.harness import Fleet, Host, difference
from tests.fleet.pushing import apply, check, push

RELEASES = ("bullseye", "bookworm", "trixie")
OURS = ("/root/.*", "/home/*", "/tmp/*")
SLEEPER = "[Service]\\nExecStart=/bin/sleep {seconds}\\n[Install]\\nWantedBy=multi-user.target\\n"

Boot = Callable[..., Fleet]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(RELEASES) as fleet:
        yield fleet


@pytest.fixture
def bookworm(boot: Boot) -> Fleet:
    return boot("bookworm")


@pytest.fixture
def host(bookworm: Fleet) -> Host:
    return bookworm.hosts[0]


def unit(name: str, text: str) -> str:
    """The line of a policy that writes a unit file."""
    return f'File("/etc/systemd/system/{name}", from_content="{text}")\n'


def sleeper(name: str, seconds: int = 1000) -> str:
    return unit(name, SLEEPER.format(seconds=seconds))


def test_a_unit_file_and_its_service_are_one_certain_plan(fleet: Fleet, tmp_path: Path) -> None:
    main = sleeper("one.service") + 'Service("one", started=True, enabled=True)\nService("one", started=True)'
    before = {host.name: host.snapshot(OURS) for host in fleet.hosts}
    announced = check(fleet, tmp_path, main)
    for host in fleet.hosts:
        assert difference(before[host.name], host.snapshot(OURS)) == [], "check changes nothing"
    made = apply(fleet, tmp_path, main)
    assert sorted(announced.changes) == sorted(made.changes) == ["create"] * 3 + ["enable"] * 3 + ["start"] * 3
    for host in fleet.hosts:
        assert host.run("systemctl is-active one; systemctl is-enabled one").stdout == "active\nenabled\n"
    assert apply(fleet, tmp_path, main).changes == []
    off = 'Service("one", started=False, enabled=False)'
    assert sorted(apply(fleet, tmp_path, off).changes) == ["disable"] * 3 + ["stop"] * 3
    assert apply(fleet, tmp_path, off).changes == []
    for host in fleet.hosts:
        assert host.run("systemctl is-active one; systemctl is-enabled one", check=False).stdout.split() == [
            "inactive",
            "disabled",
        ]


def test_a_restart_reads_the_new_unit_file_first(fleet: Fleet, tmp_path: Path) -> None:
    apply(fleet, tmp_path, sleeper("two.service") + 'Service("two", started=True)')
    made = apply(fleet, tmp_path, sleeper("two.service", 2222) + 'Service("two", restarted=True)')
    assert sorted(made.changes) == ["content"] * 3 + ["restart"] * 3
    for host in fleet.hosts:
        assert host.run("systemctl show -p NeedDaemonReload two").stdout == "NeedDaemonReload=no\n"
        assert "sleep 2222" in host.run("pgrep -a sleep").stdout


def test_a_template_has_instances(fleet: Fleet, tmp_path: Path) -> None:
    main = sleeper("many@.service") + 'Service("many@7", started=True, enabled=True)'
    assert sorted(check(fleet, tmp_path, main).changes) == ["create"] * 3 + ["enable"] * 3 + ["start"] * 3
    apply(fleet, tmp_path, main)
    assert apply(fleet, tmp_path, main).changes == []


def test_a_service_that_falls_over_after_its_start_fails_with_its_own_words(fleet: Fleet, tmp_path: Path) -> None:
    text = "[Service]\\nExecStart=/bin/sh -c 'echo out of cheese; sleep 0.3; exit 3'\\n"
    failed = push(fleet, tmp_path, unit("short.service", text) + 'Service("short", started=True)')
    assert len(failed.failures) == 6, "the resource's and the contact's, of each host"
    assert all("did not stay started" in failure or "short" in failure for failure in failed.failures)
    assert all("out of cheese" in failure for failure in failed.failures)


def test_a_service_that_systemd_restarts_again_and_again_is_not_started(bookworm: Fleet, tmp_path: Path) -> None:
    text = (
        "[Service]\\nRestart=always\\nRestartSec=0\\nStartLimitBurst=9999\\nExecStart=/bin/sh -c 'sleep 0.2; exit 1'\\n"
    )
    failed = push(bookworm, tmp_path, unit("again.service", text) + 'Service("again", started=True)')
    assert "stay started" in failed.failures[0]


def test_a_service_that_ran_into_its_start_limit_is_started_all_the_same(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    apply(bookworm, tmp_path, sleeper("limit.service") + 'Service("limit", started=False)')
    host.run("for n in 1 2 3 4 5 6 7; do systemctl restart limit; done", check=False)
    host.run("systemctl kill -s KILL limit; sleep 0.2; systemctl start limit", check=False)
    assert apply(bookworm, tmp_path, 'Service("limit", started=True)').changes == ["start"]


def test_a_oneshot_is_run_by_a_restart_and_is_never_started(fleet: Fleet, tmp_path: Path) -> None:
    text = "[Service]\\nType=oneshot\\nExecStart=/bin/sh -c 'date +%%N > /run/once'\\n"
    main = unit("once.service", text) + 'Service("once", restarted=True)'
    apply(fleet, tmp_path, main)
    first = {host.name: host.run("cat /run/once").stdout for host in fleet.hosts}
    assert apply(fleet, tmp_path, main).changes == ["restart"] * 3
    for host in fleet.hosts:
        assert host.run("cat /run/once").stdout != first[host.name]
    assert "RemainAfterExit=yes" in push(fleet, tmp_path, 'Service("once", started=True)').failures[0]
    broken = unit("bad.service", "[Service]\\nType=oneshot\\nExecStart=/bin/sh -c 'echo no luck; exit 4'\\n")
    failed = push(fleet, tmp_path, broken + 'Service("bad", restarted=True)')
    assert "no luck" in failed.failures[0]


def test_a_oneshot_that_remains_is_started_once(bookworm: Fleet, tmp_path: Path) -> None:
    text = "[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n"
    main = unit("stay.service", text) + 'Service("stay", started=True)'
    assert apply(bookworm, tmp_path, main).changes == ["create", "start"]
    assert apply(bookworm, tmp_path, main).changes == []


def test_masks_come_and_go_and_are_never_passed_over(fleet: Fleet, tmp_path: Path) -> None:
    mask = 'Service("systemd-timedated", started=False, masked=True)'
    assert apply(fleet, tmp_path, mask).changes == ["mask"] * 3
    assert apply(fleet, tmp_path, mask).changes == []
    assert "masked=False unmasks it" in push(fleet, tmp_path, 'Service("systemd-timedated", started=True)').failures[0]
    start = 'Service("systemd-timedated", masked=False, started=True)'
    assert sorted(apply(fleet, tmp_path, start).changes) == ["start"] * 3 + ["unmask"] * 3
    own = push(fleet, tmp_path, sleeper("mine.service") + 'Service("mine", masked=True)')
    assert "stands where the mask would" in own.failures[0]


def test_what_cannot_be_enabled_says_why(fleet: Fleet, tmp_path: Path) -> None:
    failed = push(fleet, tmp_path, 'Service("systemd-journald", enabled=True)')
    assert "no [Install] section" in failed.failures[0]
    assert apply(fleet, tmp_path, 'Service("systemd-journald", started=True, enabled=False)').changes == []


def test_a_name_that_no_unit_has_is_met_with_close_ones(fleet: Fleet, tmp_path: Path) -> None:
    for mode in ("check", "apply"):
        failed = push(fleet, tmp_path, 'Service("sshe", started=True)', mode=mode)
        assert "there is no unit sshe.service" in failed.failures[0]
        assert "'ssh.service'" in failed.failures[0]


def test_an_alias_is_its_unit(fleet: Fleet, tmp_path: Path) -> None:
    assert apply(fleet, tmp_path, 'Service("sshd", started=True, enabled=True)').changes == []
    assert apply(fleet, tmp_path, 'Service("sshd", reloaded=True)').changes == ["reload"] * 3


def test_what_a_planned_package_may_bring_is_assumed_and_what_nothing_brings_is_an_error(
    bookworm: Fleet, tmp_path: Path
) -> None:
    planned = check(bookworm, tmp_path, 'Package("cron")\nService("cron", started=True, enabled=True)')
    assert planned.changes == ["install", "enable?", "start?"]
    alone = push(bookworm, tmp_path, 'Service("cron", started=True)', mode="check")
    assert "there is no unit cron.service" in alone.failures[0]


def test_a_service_is_waited_for_by_what_its_journal_says_since_it_was_started(fleet: Fleet, tmp_path: Path) -> None:
    unit = "[Service]\nExecStart=/bin/sh -c 'sleep 1; echo ready on $(cat /srv/port); exec sleep 1000'\n"
    main = f"""
    File("/etc/systemd/system/slow.service", from_content={unit!r})
    File("/srv/port", from_content="PORT")
    Service("slow", restarted=True, watch=0)
    WaitFor(journal="slow", regexp="^ready on PORT$", interval=0.1, timeout=30)
    """
    assert len(apply(fleet, tmp_path, main.replace("PORT", "80")).ended) == 4 * len(fleet.hosts)
    apply(fleet, tmp_path, main.replace("PORT", "81"))
    for text in ("80", "Started slow"):
        late = 'WaitFor(journal="slow", regexp="WHAT", timeout=0.5, interval=0.1)'.replace("WHAT", text)
        failed = push(fleet, tmp_path, late).failures
        assert bool(failed) is (text == "80"), "what it said before it was started again does not count"
    assert push(fleet, tmp_path, 'WaitFor(journal="none-such", regexp="x", timeout=0.2)').failures


def test_whoever_may_not_is_told_of_sudo(bookworm: Fleet, tmp_path: Path) -> None:
    failed = push(bookworm, tmp_path, 'Service("dbus", restarted=True)', sudo=False)
    assert "does the role need sudo()?" in failed.failures[0]


def test_a_script_of_system_v_is_enabled_and_started(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    script = (
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: oldie\n# Required-Start:\n# Required-Stop:\n"
        "# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n# Short-Description: oldie\n### END INIT INFO\n"
        'case "$1" in start) sleep 1000 & echo $! > /run/oldie.pid;; stop) kill $(cat /run/oldie.pid);; esac\n'
    )
    host.run("cat > /etc/init.d/oldie; chmod 755 /etc/init.d/oldie; systemctl daemon-reload", input=script)
    main = 'Service("oldie", started=True, enabled=True)'
    assert apply(bookworm, tmp_path, main).changes == ["enable", "start"]
    assert apply(bookworm, tmp_path, main).changes == []


def test_a_users_own_service_is_managed_by_the_user_and_for_the_user(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    text = SLEEPER.format(seconds=1000).replace("multi-user", "default")
    folder = "/home/ops/.config/systemd/user"
    main = (
        f'Directory("{folder}")\nFile("{folder}/mine.service", from_content="{text}")\n'
        'Service("mine", scope="user", started=True, enabled=True)'
    )
    missing = push(bookworm, tmp_path, main, sudo=False)
    assert "no systemd of ops's own runs" in missing.failures[0]
    assert "loginctl enable-linger ops" in missing.failures[0]
    apply(bookworm, tmp_path, 'Package("libpam-systemd")\nService("systemd-logind", restarted=True)')
    host.run("loginctl enable-linger ops; systemctl start user@$(id -u ops)", timeout=60)
    service = main.splitlines()[-1]
    announced = push(bookworm, tmp_path, main, mode="check", sudo=False)
    assert (announced.failures, announced.changes) == ([], ["enable", "start"])
    assert push(bookworm, tmp_path, main, sudo=False).changes == ["enable", "start"]
    assert push(bookworm, tmp_path, main, sudo=False).changes == []
    state = "XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user show -p ActiveState,UnitFileState mine"
    assert host.run(state, user="ops").stdout == "ActiveState=active\nUnitFileState=enabled\n"
    as_ops = service.replace(")", ', run_as="ops")')
    assert apply(bookworm, tmp_path, as_ops).changes == []
    stopped = as_ops.replace("True", "False")
    assert apply(bookworm, tmp_path, stopped).changes == ["disable", "stop"]
    assert apply(bookworm, tmp_path, 'Service("mine", scope="user", run_as="ops", restarted=True)').changes == [
        "restart"
    ]
    assert host.run(state, user="ops").stdout == "ActiveState=active\nUnitFileState=disabled\n"
