"""Runs of many hosts that never were: what their events would be, in the order in which they would come."""

from __future__ import annotations

from opsmop.events import (
    ChangeReport,
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    EvaluationStarted,
    Event,
    Failure,
    Printed,
    ResourceFailed,
    ResourceFinished,
    ResourceStarted,
    RoleFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.wire.records import replace

ROLE = "WebServers"
FILE = "/srv/policy/site.py"
START = 1_764_000_000.0
MOTD = ChangeReport("mode", before="0600", after="0644")
CREATE = ChangeReport("create", after="12 bytes", diff="--- /etc/motd\n+++ /etc/motd\n@@ -0,0 +1 @@\n+welcome\n")
REFUSED = Failure("ConnectError", "10.0.0.9 port 22: Connection refused", remedy="Is sshd running there?")
APT = Failure(
    error="CommandFailed",
    message="Package nginxx: apt-get ended with exit status 100",
    place=f"{FILE}:13",
    remedy="Check the name of the package.",
    command="apt-get -qqy install nginxx",
    rc=100,
    output="Reading package lists...\nE: Unable to locate package nginxx\n",
    stderr="E: Unable to locate package nginxx\n",
)


def names(count: int) -> tuple[str, ...]:
    width = len(str(count))
    return tuple(f"web{number:0{width}d}" for number in range(1, count + 1))


def run(count: int, mode: str = "apply", *, resources: int = 3) -> list[Event]:
    """One role on `count` hosts: the third fails, the fourth cannot be reached, most of the others change."""
    hosts = names(count)
    command = ("python3", "site.py", "--push", f"--{mode}", "--limit-hosts", "web*")
    events: list[Event] = [
        RunStarted(mode=mode, reach="push", policy=FILE, roles=(ROLE,), command=command),
        RoleStarted(role=ROLE, hosts=hosts),
    ]
    contacts = [contact(number, host, resources) for number, host in enumerate(hosts, 1)]
    events += in_time(contacts, window=max(8, count // 4))
    failed = tuple(host for number, host in enumerate(hosts, 1) if number in (3, 4))
    last = max(event.ts for event in events) + 0.01
    events += [
        RoleFinished(ts=last, role=ROLE, failed=failed),
        RunFinished(ts=last, exit_status=1 if failed else 0, duration=last - START),
    ]
    return numbered(events)


def contact(number: int, host: str, resources: int = 3) -> list[Event]:
    about = {"host": host, "role": ROLE}
    if number == 4:
        failed = ContactFinished(status="unreachable", failure=REFUSED, duration=20.0, **about)
        return [ContactStarted(**about), failed]
    events: list[Event] = [ContactStarted(**about), EvaluationStarted(mode="apply", python="3.11.2", **about)]
    for index in range(1, resources + 1):
        events += resource(number, index, about)
    failure = APT if number == 3 else None
    status = "failed" if failure else "ok"
    return [
        *events,
        EvaluationFinished(status=status, failure=failure, **about),
        ContactFinished(status=status, failure=failure, duration=3.5, sent=21_000, received=4_000, requests=1, **about),
    ]


def resource(number: int, index: int, about: dict[str, str]) -> list[Event]:
    place = {"file": FILE, "line": 10 + index, "id": index, **about}
    if index == 1:
        changed = number % 25 != 0
        ended: Event = ResourceFinished(
            type="File",
            name="/etc/motd",
            status="changed" if changed else "ok",
            changes=(CREATE if number == 7 else MOTD,) if changed else (),
            duration=0.01,
            **place,
        )
        return [ResourceStarted(type="File", name="/etc/motd", **place), ended]
    if index == 3 and number == 3:
        return [
            ResourceStarted(type="Package", name="nginxx", **place),
            ResourceFailed(type="Package", name="nginxx", failure=APT, duration=2.1, **place),
        ]
    seconds = 4.0 + number / 10 if index == 2 else 0.2
    name = f"step {index}"
    ended = ResourceFinished(type="Shell", name=name, status="ok", duration=seconds, rc=0, **place)
    said = [Warned(text="disk almost full", **about)] if index == 2 and number == 5 else []
    printed = [Printed(text="hello", **about)] if index == 2 and number == 6 else []
    return [ResourceStarted(type="Shell", name=name, **place), *said, *printed, ended]


def in_time(contacts: list[list[Event]], window: int) -> list[Event]:
    """The events of all contacts as they come when `window` of them go on at a time."""
    free = [START + 0.02 * number for number in range(window)]
    events: list[Event] = []
    for one in contacts:
        free.sort()
        now = free[0]
        for event in one:
            now += getattr(event, "duration", 0.0) if not isinstance(event, ContactFinished) or len(one) == 2 else 0.15
            now += 0.4 if isinstance(event, EvaluationStarted) else 0.001
            events.append(replace(event, ts=now, heard=now if event.file else 0.0))
            if isinstance(event, ContactFinished):
                events[-1] = replace(events[-1], duration=now - free[0])
        free[0] = now
    return sorted(events, key=lambda event: event.ts)


def numbered(events: list[Event]) -> list[Event]:
    """The events with a run's identifier, numbers and times, as a run gives them."""
    return [
        replace(event, run="0123456789abcdef", seq=number, ts=event.ts or START)
        for number, event in enumerate(events, 1)
    ]
