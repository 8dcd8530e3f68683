"""Equal results of many hosts."""

from __future__ import annotations

from opsmop.events import (
    ChangeReport,
    ContactFinished,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    RoleStarted,
)
from opsmop.events.lines import Scene
from opsmop.events.look import Look
from opsmop.report.folding import Folding

HOSTS = tuple(f"web{number:02d}" for number in range(1, 25))


def folded(*events: Event, width: int = 100, verbose: int = 0, mode: str = "apply") -> list[str]:
    scene = Scene(Look(width, color=False, signs=True), mode=mode, verbose=verbose, folder="/srv/")
    folding = Folding(RoleStarted(role="Web", hosts=HOSTS))
    for event in events:
        folding.take(scene, event)
    return folding.lines(scene)


def changed(host: str, after: str = "0644", **more: object) -> ResourceFinished:
    change = ChangeReport("mode", before="0600", after=after)
    about = {"type": "File", "name": "/etc/motd", "status": "changed", "changes": (change,), "role": "Web"}
    return ResourceFinished(host=host, **{**about, **more})


def test_equal_changes_are_one_line_and_the_rare_one_comes_first() -> None:
    lines = folded(*(changed(host) for host in HOSTS if host not in ("web03", "web04")), changed("web03", "0640"))
    assert lines == [
        "  web03                  ~ File /etc/motd  changed  mode 0600 -> 0640",
        "  web[01-02,05-24] (22)  ~ File /etc/motd  changed  mode 0600 -> 0644",
    ]


def test_what_differs_on_every_host_is_one_line_that_says_so() -> None:
    (line,) = folded(*(changed(host, f"{number:04o}") for number, host in enumerate(HOSTS)))
    assert line == "  web[01-24] (24)  ~ File /etc/motd  changed  in 24 ways"


def test_resources_of_one_name_on_two_lines_of_the_policy_stay_apart() -> None:
    lines = folded(*(changed(host, file="/srv/site.py", line=line) for host in HOSTS for line in (3, 9)))
    assert len(lines) == 2


def test_durations_do_not_keep_equal_results_apart() -> None:
    (line,) = folded(*(changed(host, duration=number * 1.0) for number, host in enumerate(HOSTS)))
    assert line.endswith("mode 0600 -> 0644  (up to 23.0 s)")


def test_a_host_on_which_nothing_was_to_be_done_is_ok_and_one_that_said_more_is_not() -> None:
    ends = [ContactFinished(host=host, role="Web") for host in HOSTS]
    assert folded(changed("web01"), *ends)[-1] == "  web[02-24] (23)  ✓ Web  ok"


def test_failures_that_differ_only_in_the_hosts_own_name_are_one() -> None:
    events: list[Event] = []
    for host in HOSTS:
        failure = Failure("ConnectError", f"{host} port 22: Connection refused")
        events.append(ContactFinished(host=host, role="Web", status="unreachable", failure=failure))
    assert folded(*events) == ["  web[01-24] (24)  ✗ Web  unreachable  HOST port 22: Connection refused"]
    assert folded(events[0]) == ["  web01     ✗ Web  unreachable  web01 port 22: Connection refused"]


def test_only_the_first_of_equal_failures_is_news_and_none_that_was_told() -> None:
    folding = Folding(RoleStarted(role="Web", hosts=HOSTS))
    scene = Scene(Look(100, color=False, signs=True))
    news = []
    failure = Failure("CommandFailed", "Shell x failed", "/srv/site.py:3", rc=1)
    for host in ("web01", "web02"):
        for event in (
            ResourceFailed(host=host, role="Web", type="Shell", name="x", failure=failure),
            EvaluationFinished(host=host, role="Web", status="failed", failure=failure),
            ContactFinished(host=host, role="Web", status="failed", failure=failure),
        ):
            news.append(folding.is_news(event))
            folding.take(scene, event)
    other = ResourceFailed(host="web03", role="Web", type="Shell", name="y", failure=failure)
    assert [*news, folding.is_news(other)] == [True, False, False, False, False, False, True]


def test_what_hosts_say_is_folded_by_what_they_say() -> None:
    says = [
        ResourceFinished(
            host=host, role="Web", type="Echo", name="x", output="up" if host != "web07" else "down\nagain"
        )
        for host in HOSTS
    ]
    assert folded(*says) == [
        "  web07                  > down",
        "      again",
        "  web[01-06,08-24] (23)  > up",
    ]


def test_in_check_mode_words_say_would() -> None:
    (line,) = folded(*(changed(host) for host in HOSTS), mode="check")
    assert line == "  web[01-24] (24)  ~ File /etc/motd  would change  mode 0600 -> 0644"
