"""What people see of a run, compared whole."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap

import pytest

from opsmop.events import (
    ChangeReport,
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    RoleFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.report.console import Console

WEB = "WebServers"
CREATE = ChangeReport(
    "create", after="12 bytes", diff="--- /etc/app.conf\n+++ /etc/app.conf\n@@ -0,0 +1 @@\n+port = 1\n"
)
MODE = ChangeReport("mode", before="0600", after="0644")
APT = Failure(
    error="CommandFailed",
    message="Package nginxx: apt-get ended with exit status 100",
    place="/srv/policy/site.py:13",
    remedy="Check the name of the package.",
    command="apt-get -qqy install nginxx",
    rc=100,
    output="Reading package lists...\nE: Unable to locate package nginxx\n",
)
REFUSED = Failure("ConnectError", "10.0.0.9 port 22: Connection refused", remedy="Is sshd running there?")


def started(mode: str, *hosts: str, roles: tuple[str, ...] = (WEB,)) -> list[Event]:
    run = RunStarted(mode=mode, reach="push", policy="/srv/policy/site.py", roles=roles)
    contacts = [ContactStarted(host=host, role=WEB) for host in hosts]
    return [run, RoleStarted(role=WEB, hosts=hosts), *contacts]


def finished(host: str, type_: str, name: str, status: str = "ok", **more: object) -> ResourceFinished:
    return ResourceFinished(
        host=host, role=WEB, file="/srv/policy/site.py", line=12, type=type_, name=name, status=status, **more
    )


def ended(host: str, status: str = "ok", failure: Failure | None = None) -> list[Event]:
    events: list[Event] = [ContactFinished(host=host, role=WEB, status=status, failure=failure)]
    if status in ("ok", "failed"):
        events.insert(0, EvaluationFinished(host=host, role=WEB, status=status, failure=failure))
    return events


def shown(events: list[Event], *, encoding: str = "utf-8", **wishes: object) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(stream, **{"color": False, "width": 100, **wishes})
    for event in events:
        console(event)
    return raw.getvalue().decode(encoding)


def text(block: str) -> str:
    return textwrap.dedent(block).lstrip("\n")


APPLIED = [
    *started("apply", "web1", "web2"),
    finished("web1", "File", "/etc/app.conf", "changed", changes=(CREATE, MODE)),
    finished("web2", "File", "/etc/app.conf"),
    finished("web1", "Shell", "make install", "ran", changes=(ChangeReport("run", kind="act"),), rc=0, duration=83.2),
    finished("web1", "Echo", "hello {{ host }}", output="hello web1\nand goodbye"),
    *ended("web1"),
    *ended("web2"),
    RoleFinished(role=WEB),
    RunFinished(exit_status=0, duration=84.0),
]


def test_an_apply_tells_what_changed_what_ran_and_what_was_said() -> None:
    assert shown(APPLIED) == text("""
        Applying site.py (push): WebServers

        WebServers on 2 hosts: web1, web2
          ~ changed  web1  File /etc/app.conf  create 12 bytes, mode 0600 -> 0644
          $ ran      web1  Shell make install  (1 min 23 s)
          > says     web1  hello web1
              and goodbye

        Recap
          ~ changed  web1  ok=1  changed=1  ran=1  failed=0  skipped=0
          ✓ ok       web2  ok=1  changed=0  ran=0  failed=0  skipped=0

        Slowest
          1 min 23 s  Shell make install  web1  site.py:12

        Took 1 min 24 s.
        RESULT failed=0 unreachable=0 changed=1 ok=1 skipped=0
        """)


def test_verbose_tells_also_of_what_needed_nothing_and_what_was_printed() -> None:
    printed = finished("web1", "Shell", "id -un", "ran", output="root\n")
    events = [*started("apply", "web1"), finished("web1", "File", "/etc/hosts"), printed, *ended("web1")]
    assert shown(events, verbose=True) == text("""
        Applying site.py (push): WebServers

        WebServers on 1 host: web1
          ✓ ok       web1  File /etc/hosts
          $ ran      web1  Shell id -un
              | root
          ✓ done     web1  WebServers
        """)


def test_a_failure_that_the_policy_caught_is_shown_and_counted_as_ignored() -> None:
    failed = ResourceFailed(host="web1", role=WEB, type="Shell", name="false", failure=Failure("ProviderError", "no"))
    events = [*started("apply", "web1"), failed, *ended("web1"), RoleFinished(role=WEB), RunFinished()]
    told = shown(events)
    assert "  ! ignored  web1  Shell false  caught by the policy\n" in told
    assert "failed=0" in told
    assert "ignored=1" in told


def test_a_failure_that_policies_caught_on_many_hosts_is_folded_as_ignored() -> None:
    hosts = [f"web{number:02}" for number in range(30)]
    error = Failure("ProviderError", "no")
    events = started("apply", *hosts)
    for host in hosts:
        failed = ResourceFailed(host=host, role=WEB, type="Shell", name="false", failure=error)
        events += [failed, *ended(host)]
    told = shown([*events, RoleFinished(role=WEB), RunFinished()])
    assert "web[00-29] (30)  ! Shell false  ignored  caught by the policy" in told


def test_a_failed_command_shows_what_it_printed_on_both_streams() -> None:
    said = Failure("CommandFailed", "no", output="1 test failed: login\nmake: Error 1\n", stderr="make: Error 1\n")
    failed = ResourceFailed(host="web1", role=WEB, type="Shell", name="make", failure=said)
    told = shown([*started("apply", "web1"), failed])
    assert "| 1 test failed: login\n      | make: Error 1\n" in told
    assert told.count("make: Error 1") == 1


def test_an_error_that_much_output_hides_is_shown_after_it() -> None:
    output = "make: Error 1\n" + "".join(f"line {number}\n" for number in range(50))
    said = Failure("CommandFailed", "no", output=output, stderr="make: Error 1\n")
    failed = ResourceFailed(host="web1", role=WEB, type="Shell", name="make", failure=said)
    told = shown([*started("apply", "web1"), failed])
    assert "| line 49\n      on its standard error:\n      | make: Error 1\n" in told


def test_a_run_that_could_not_begin_has_no_recap() -> None:
    begun = RunStarted(mode="apply", reach="push", policy="/srv/policy/site.py", roles=(WEB,))
    refused = Failure("PolicyError", "set_variables() returned list")
    assert shown([begun, RunFinished(exit_status=2, failure=refused)]) == "Applying site.py (push): WebServers\n"


def test_a_check_says_would_and_marks_and_counts_assumed_changes_apart() -> None:
    start = ChangeReport("start", kind="act", assumed=True)
    events = [
        *started("check", "web1"),
        finished("web1", "Package", "nginx", "changed", changes=(ChangeReport("install"),)),
        finished("web1", "Service", "nginx", "changed", changes=(start,), assumed=True),
        finished("web1", "File", "/etc/nginx/x", "changed", changes=(CREATE, ChangeReport("owner", assumed=True))),
        finished("web1", "Shell", "nginx -t", "ran", assumed=True),
        EvaluationFinished(host="web1", role=WEB, beyond="/srv/policy/site.py:30"),
        ContactFinished(host="web1", role=WEB),
        RunFinished(exit_status=0, duration=0.4),
    ]
    assert shown(events) == text("""
        Checking site.py (push): WebServers

        WebServers on 1 host: web1
          ~ would change  web1  Package nginx  install
          ? would change  web1  Service nginx  start  (assumed)
          ~ would change  web1  File /etc/nginx/x  create 12 bytes, owner (assumed)
          ? would run     web1  Shell nginx -t  (assumed)
          ? unknown       web1  cannot predict beyond site.py:30

        Recap: nothing was changed, this was a check
          ~ would change  web1  ok=0  changed=2  ran=0  failed=0  assumed=2  skipped=0

        What check could not predict
          web1: beyond site.py:30

        Took 0.4 s.
        RESULT failed=0 unreachable=0 changed=1 ok=0 skipped=0
        """)


def test_failures_show_everything_once_and_the_recap_repeats_their_reasons() -> None:
    failed = ResourceFailed(
        host="web1",
        role=WEB,
        file="/srv/policy/site.py",
        line=13,
        type="Package",
        name="nginxx",
        failure=APT,
        duration=2.1,
    )
    division = Failure(
        "ZeroDivisionError",
        "division by zero",
        "/srv/policy/site.py:33",
        trace='  File "/srv/policy/site.py", line 33, in main\n    share = 1 / count',
    )
    events = [
        *started("apply", "web1", "web2", "web3", "web4", "web5", roles=(WEB, "Mail")),
        failed,
        *ended("web1", "failed", APT),
        *ended("web2", "failed", division),
        *ended("web3", "unreachable", REFUSED),
        *ended("web4", "lost", Failure("HostLostError", "nothing heard for 30 s, in File /etc/motd")),
        finished("web5", "File", "/etc/motd", "changed", changes=(MODE,)),
        *ended("web5"),
        RoleFinished(role=WEB, failed=("web1", "web2", "web3", "web4")),
        RunFinished(exit_status=1, duration=31.04, stopped="WebServers failed on 4 hosts", roles_left=("Mail",)),
    ]
    assert shown(events) == text("""
        Applying site.py (push): WebServers, Mail

        WebServers on 5 hosts: web1, web2, web3, web4, web5
          ✗ failed   web1  Package nginxx  (2.1 s)
              site.py:13: apt-get ended with exit status 100
              command: apt-get -qqy install nginxx
              | Reading package lists...
              | E: Unable to locate package nginxx
              remedy: Check the name of the package.
          ✗ failed   web2  WebServers
              site.py:33: ZeroDivisionError: division by zero
                File "/srv/policy/site.py", line 33, in main
                  share = 1 / count
          ✗ unreachable  web3  WebServers
              10.0.0.9 port 22: Connection refused
              remedy: Is sshd running there?
          ✗ lost     web4  WebServers
              nothing heard for 30 s, in File /etc/motd
          ~ changed  web5  File /etc/motd  mode 0600 -> 0644

        Recap
          ✗ failed       web1  ok=0  changed=0  ran=0  failed=1  skipped=0
          ✗ failed       web2  ok=0  changed=0  ran=0  failed=1  skipped=0
          ✗ unreachable  web3  ok=0  changed=0  ran=0  failed=0  skipped=0
          ✗ lost         web4  ok=0  changed=0  ran=0  failed=0  skipped=0
          ~ changed      web5  ok=0  changed=1  ran=0  failed=0  skipped=0

        Reasons
          web1: site.py:13: Package nginxx: apt-get ended with exit status 100
          web2: site.py:33: ZeroDivisionError: division by zero
          web3: WebServers: 10.0.0.9 port 22: Connection refused
          web4: WebServers: nothing heard for 30 s, in File /etc/motd

        Slowest
             2.1 s  Package nginxx  web1  site.py:13

        Not run: role Mail
        Stopped: WebServers failed on 4 hosts
        Took 31.0 s.
        RESULT failed=2 unreachable=2 changed=1 ok=0 skipped=0
        """)


def test_ignored_failures_and_warnings_leave_the_host_fine_and_are_counted() -> None:
    ignored = ResourceFailed(
        host="web1",
        role=WEB,
        type="Shell",
        name="false",
        failure=Failure("CommandFailed", "Shell false failed", rc=1),
        ignored=True,
    )
    warned = Warned(host="web1", role=WEB, file="/srv/policy/site.py", line=3, text="mode 0x755 is hexadecimal")
    events = [*started("apply", "web1"), ignored, warned, *ended("web1"), RunFinished(duration=0.1)]
    assert shown(events) == text("""
        Applying site.py (push): WebServers

        WebServers on 1 host: web1
          ! ignored  web1  Shell false
              failed
              exit status: 1
          ! warning  web1  site.py:3: mode 0x755 is hexadecimal

        Recap
          ✓ ok  web1  ok=0  changed=0  ran=0  failed=0  skipped=0  ignored=1  warnings=1

        Took 0.1 s.
        RESULT failed=0 unreachable=0 changed=0 ok=1 skipped=0
        """)


def test_cancelled_and_never_contacted_hosts_are_told_apart() -> None:
    run = started("apply", "web1", "web2", "web3")[:-1]
    stopped = Failure("KeyboardInterrupt", place="/srv/policy/site.py:7")
    events = [
        *run,
        ResourceFailed(host="web1", role=WEB, type="Shell", name="sleep 9", failure=stopped, duration=2.0),
        *ended("web1", "cancelled", stopped),
        *ended("web2", "skipped"),
        RunFinished(exit_status=130, duration=2.0, stopped="interrupted (SIGINT)"),
    ]
    assert shown(events) == text("""
        Applying site.py (push): WebServers

        WebServers on 3 hosts: web1, web2, web3
          ✗ cancelled  web1  Shell sleep 9  (2.0 s)
              site.py:7: ended because the run was interrupted
          - skipped  web2  WebServers does not want this host

        Recap
          ✗ cancelled      web1  ok=0  changed=0  ran=0  failed=1  skipped=0
          - not contacted  web3  ok=0  changed=0  ran=0  failed=0  skipped=0
          - skipped        web2  ok=0  changed=0  ran=0  failed=0  skipped=0

        Reasons
          web1: site.py:7: Shell sleep 9: ended because the run was interrupted

        Slowest
             2.0 s  Shell sleep 9  web1

        Stopped: interrupted (SIGINT)
        Took 2.0 s.
        RESULT failed=0 unreachable=0 changed=0 ok=0 skipped=1 cancelled=1 not_contacted=1
        """)


def test_equal_reasons_of_many_hosts_are_one_line() -> None:
    hosts = tuple(f"web{number:02}" for number in range(1, 41))
    events = started("apply", *hosts)
    for host in hosts:
        events += ended(host, "unreachable", REFUSED)
    lines = shown([*events, RunFinished(exit_status=1, duration=1.0)]).splitlines()
    assert "  web[01-40] (40): WebServers: 10.0.0.9 port 22: Connection refused" in lines
    assert lines[2] == "WebServers on 40 hosts"


def test_a_reason_of_many_lines_is_told_by_its_first_and_its_last() -> None:
    refused = Failure("AuthenticationError", "web1 does not let root in:\n    key ignored\n    Permission denied")
    lines = shown([*started("apply", "web1"), *ended("web1", "unreachable", refused), RunFinished(exit_status=1)])
    assert "  web1: WebServers: web1 does not let root in: Permission denied" in lines.splitlines()
    assert "          key ignored\n" in lines


def test_a_reason_names_a_long_script_shortly() -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9; do\n  echo a long line number $i\ndone\nexit 3"
    failure = Failure(
        "CommandFailed", f"Shell {script} failed: the command ended with exit status 3", "site.py:4", rc=3
    )
    failed = ResourceFailed(host="web1", role=WEB, type="Shell", name=script, failure=failure)
    run = [*started("apply", "web1"), failed, *ended("web1", "failed", failure), RunFinished(exit_status=1)]
    lines = shown(run, width=80).splitlines()
    assert lines[3:5] == [
        "  ✗ failed   web1  Shell for i in 1 2 3 4 5 6 7 8…ong line number $i done exit 3",
        "      site.py:4: failed: the command ended with exit status 3",
    ]
    reason = "Shell for i in 1 2 3 4 5 6 7 8…ng line number $i done exit 3 failed: the command ended with exit status 3"
    assert f"  web1: site.py:4: {reason}" in shown(run, width=200).splitlines()
    first = lines.index("Reasons") + 1
    assert " ".join(line.strip() for line in lines[first : first + 2]) == f"web1: site.py:4: {reason}"


def test_a_diff_is_shown_when_asked_for() -> None:
    events = [*started("apply", "web1"), finished("web1", "File", "/etc/app.conf", "changed", changes=(CREATE,))]
    assert shown(events, diff=True).splitlines()[3:] == [
        "  ~ changed  web1  File /etc/app.conf  create 12 bytes",
        "      --- /etc/app.conf",
        "      +++ /etc/app.conf",
        "      @@ -0,0 +1 @@",
        "      +port = 1",
    ]
    assert "port = 1" not in shown(events)


def test_only_the_last_twenty_lines_of_a_failed_command_are_shown() -> None:
    output = "".join(f"line {number}\n" for number in range(50))
    failure = Failure("CommandFailed", "it failed", output=output)
    lines = shown([*started("apply", "web1"), ResourceFailed(host="web1", type="Shell", name="x", failure=failure)])
    assert "      | line 29\n" not in lines
    assert lines.endswith("      | line 30\n" + "".join(f"      | line {number}\n" for number in range(31, 50)))


def test_a_narrow_stream_gets_more_lines_and_never_a_wider_one() -> None:
    long_host = "web-in-the-second-rack.dc1.example.com"
    failed = ResourceFailed(host=long_host, role=WEB, type="Package", name="nginxx", failure=APT, duration=2.1)
    events = [
        *started("check", long_host, "web2"),
        finished(long_host, "File", "/etc/a/very/long/path/that/goes/on/app.conf", "changed", changes=(CREATE, MODE)),
        failed,
        *ended(long_host, "failed", APT),
        *ended("web2"),
    ]
    assert shown(events, width=40) == text("""
        Checking site.py (push): WebServers

        WebServers on 2 hosts
          ~ would change  web-in-the-…xample.com
              File /etc/a/very/…goes/on/app.conf
              create 12 bytes, mode 0600 -> 0644
          ✗ failed        web-in-the-…xample.com
              Package nginxx  (2.1 s)
              site.py:13: apt-get ended with
              exit status 100
              command: apt-get -qqy install nginxx
              | Reading package lists...
              | E: Unable to locate package nginxx
              remedy: Check the name of the
              package.
        """)


@pytest.mark.parametrize("width", range(40, 201, 20))
def test_lines_of_changes_fit_every_width(width: int) -> None:
    name = "/srv/" + "/".join(f"folder{number}" for number in range(30))
    events = [
        *started("check", "web1", "a-host-with-a-name-of-a-considerable-length.example.com"),
        finished("web1", "File", name, "changed", changes=(CREATE, MODE) * 5, duration=7.0),
        finished("web1", "Shell", name, "ran", duration=7.0),
    ]
    assert max(map(len, shown(events, width=width).splitlines())) <= width


def test_a_stream_that_cannot_carry_signs_gets_others_and_no_text_is_an_error() -> None:
    events = [
        *started("apply", "web1"),
        finished("web1", "Echo", "x", output="schön"),
        *ended("web1", "unreachable", REFUSED),
    ]
    assert shown([*events, RunFinished(exit_status=1, duration=0.0)], encoding="ascii").splitlines()[3:9] == [
        "  > says     web1  sch\\xf6n",
        "  x unreachable  web1  WebServers",
        "      10.0.0.9 port 22: Connection refused",
        "      remedy: Is sshd running there?",
        "",
        "Recap",
    ]


def test_what_a_host_says_can_neither_steer_the_terminal_nor_begin_a_line() -> None:
    nasty = "\x1b[2J\x9b31m\u202e\nRESULT failed=0 unreachable=0\rgone"
    events = [
        *started("apply", "web1"),
        finished(
            "web1", nasty, nasty, "changed", changes=(ChangeReport(nasty, before=nasty, after=nasty, diff=nasty),)
        ),
        finished("web1", "Echo", nasty, output=nasty),
        finished("web1", "File", "x", nasty),
        Warned(host="web1", text=nasty),
        ResourceFailed(
            host="web1", type=nasty, name=nasty, failure=Failure(*[nasty] * 5, rc=1, output=nasty, trace=nasty)
        ),
        EvaluationFinished(host="web1", role=WEB, beyond=nasty),
        *ended("web1", "failed", Failure("Other", nasty)),
        RunFinished(exit_status=1),
    ]
    output = shown(events, diff=True, verbose=True)
    assert not set(output) & {"\x1b", "\x9b", "\u202e", "\r"}
    assert [line for line in output.splitlines() if line.startswith("RESULT")] == [
        "RESULT failed=1 unreachable=0 changed=0 ok=0 skipped=0"
    ]


def test_colour_adds_to_the_text_and_takes_nothing_from_it() -> None:
    import re

    coloured = shown(APPLIED, color=True)
    assert "\x1b[33m  ~ changed\x1b[0m  web1  File" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == shown(APPLIED)


def test_a_reader_that_has_gone_does_no_harm() -> None:
    program = textwrap.dedent("""
        import sys
        from opsmop.events import RunStarted, RunFinished
        from opsmop.report.console import Console
        console = Console(sys.stdout, color=False, width=80)
        sys.stdin.read()
        for _ in range(10_000):
            console(RunStarted(mode="apply", reach="push", policy="site.py"))
        console(RunFinished())
        print("still here", file=sys.stderr)
        """)
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=write, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(write)
        os.close(read)
        _, errors = process.communicate("", timeout=60)
    assert (process.returncode, errors) == (0, "still here\n")


def test_what_check_found_in_order_and_cannot_know_is_announced() -> None:
    found = ResourceFinished(host="web1", role=WEB, id=9, type="File", name="/etc/x", status="ok", assumed=True)
    said = ResourceFinished(host="web1", role=WEB, id=10, type="Echo", name="hi", output="hi", assumed=True)
    told = shown([*started("check", "web1"), found, said])
    assert "  ? may change    web1  File /etc/x\n" in told
    assert "may change    web1  Echo" not in told
    assert "may change" not in shown([*started("apply", "web1"), found])


def test_a_message_of_any_size_leaves_room_for_the_authors_frames() -> None:
    failure = Failure(
        error="ValueError", message="z\n" * 5000 + "y" * 100_000, trace='  File "site.py", line 3, in main'
    )
    ended = EvaluationFinished(host="web1", role=WEB, status="failed", failure=failure)
    told = shown(
        [*started("apply", "web1"), ended, ContactFinished(host="web1", role=WEB, status="failed", failure=failure)]
    )
    assert 'File "site.py", line 3, in main' in told
    assert "... 4981 more lines" in told
    assert len(told.splitlines()) < 60


def test_failures_that_differ_in_names_and_addresses_of_many_hosts_are_told_once() -> None:
    hosts = tuple(f"web{number:02}" for number in range(1, 41))
    events = started("apply", *hosts)
    for number, host in enumerate(hosts):
        failure = Failure("ConnectError", f"{host} (10.0.0.{number} port 22): Connection refused")
        events += ended(host, "unreachable", failure)
    events.append(RunFinished(exit_status=1, duration=1.0))
    told = shown(events)
    assert told.count("Connection refused") == 3
    assert "      web01 (10.0.0.0 port 22): Connection refused\n" in told
    assert "  web[01-40] (40): WebServers: HOST (10.0.0.* port 22): Connection refused\n" in told
    assert shown(events, verbose=2).partition("Reasons")[2].count("Connection refused") == 40


def test_reasons_of_few_hosts_keep_their_names() -> None:
    events = started("apply", "web1", "web2")
    for host in ("web1", "web2"):
        events += ended(host, "unreachable", Failure("ConnectError", f"{host} is not there"))
    told = shown([*events, RunFinished(exit_status=1, duration=1.0)]).partition("Reasons")[2]
    assert "  web1: WebServers: web1 is not there\n  web2: WebServers: web2 is not there\n" in told
