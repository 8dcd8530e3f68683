"""A run's page, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.report import simulated
from tests.report.browser import Browser

from opsmop.events import (
    ChangeReport,
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.report.page import page

ROWS = "#hosts > .host"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def written(folder: Path, events: list[Event]) -> Path:
    file = folder / "run.html"
    file.write_text(page(events, "20260101T000000Z-01234567"), encoding="utf-8")
    return file


@pytest.mark.parametrize("hosts", [1, 25, 500])
def test_every_host_is_shown_failures_first_and_nothing_is_fetched(
    browser: Browser, tmp_path: Path, hosts: int
) -> None:
    browser.open(written(tmp_path, simulated.run(hosts)))
    assert browser.complaints == []
    rows = browser.texts(f"{ROWS} .name")
    assert len(rows) == hosts
    if hosts > 4:
        assert [row.split()[1:] for row in rows[:2]] == [
            [f"web{'03' if hosts < 100 else '003'}", "failed"],
            [f"web{'04' if hosts < 100 else '004'}", "unreachable"],
        ]
        order = browser.ask("[...document.querySelectorAll('h2')].map(e => e.firstChild.data)")
        assert order[:2] == ["Failures", "Hosts"]


def test_hosts_are_filtered_by_name_and_by_what_they_came_to(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, simulated.run(25)))
    browser.type("input[type=search]", "web0*")
    assert len(browser.texts(ROWS)) == 9
    browser.click(".tile.changed")
    assert len(browser.texts(ROWS)) == 7
    browser.click(".tile.failed")
    assert len(browser.texts(ROWS)) == 8
    assert browser.texts(".count") == ["8 of 25 hosts"]
    browser.type("input[type=search]", "-none")
    assert browser.texts(".empty") == ["No host is like that."]


def test_a_click_shows_all_that_is_known_of_a_host_and_another_hides_it(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, simulated.run(25)))
    browser.click(".host[data-host=web07] .row")
    (details,) = browser.texts(".host[data-host=web07] .more")
    assert [
        word for word in ("File /etc/motd", "create 12 bytes", "+welcome", "site.py:11") if word not in details
    ] == []
    assert browser.texts(".diff .added") == ["+welcome"]
    browser.click(".host[data-host=web03] .row")
    (details,) = browser.texts(".host[data-host=web03] .more")
    wanted = ("apt-get -qqy install nginxx", "E: Unable to locate package nginxx", "Check the name of the package.")
    assert [word for word in wanted if word not in details] == []
    browser.click(".host[data-host=web07] .row")
    assert browser.texts(".host[data-host=web07] .more") == []


def test_the_timeline_says_who_waited_for_whom(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, simulated.run(25)))
    hints = browser.ask("[...document.querySelectorAll('.host[data-host=web12] .lane i')].map(e => e.dataset.hint)")
    assert hints[0].startswith("waited ")
    assert " for web" in hints[0]
    assert any(hint.startswith("Shell step 2\nok, 5.2 s") for hint in hints)
    places = browser.ask(
        "[...document.querySelectorAll('.host[data-host=web12] .lane i')].map(e => [parseFloat(e.style.left), parseFloat(e.style.width)])"
    )
    waiting, contact = places[0], places[1]
    assert waiting[0] + waiting[1] == pytest.approx(contact[0], abs=0.1), (
        "the bar of the contact begins where waiting ends"
    )
    assert all(0 <= left <= 100 and left + width <= 100.5 for left, width in places)


def test_failures_that_differ_in_names_and_addresses_are_one(browser: Browser, tmp_path: Path) -> None:
    hosts = simulated.names(100)
    events: list[Event] = [RunStarted(mode="apply", policy="/srv/site.py"), RoleStarted(role="Web", hosts=hosts)]
    for number, host in enumerate(hosts):
        failure = Failure("ConnectError", f"{host} (10.0.0.{number} port 22): Connection refused")
        finished = ContactFinished(host=host, role="Web", status="unreachable", failure=failure)
        events += [ContactStarted(host=host, role="Web"), finished]
    browser.open(written(tmp_path, [*events, RunFinished(exit_status=1)]))
    (card,) = browser.texts(".failure")
    assert "web[001-100] (100)" in card
    assert "as web001 has it" in card


def test_of_what_a_failed_command_printed_the_end_is_in_sight(browser: Browser, tmp_path: Path) -> None:
    failure = Failure("CommandFailed", "failed", command="make", rc=2, output="line\n" * 200 + "the reason\n")
    about = {"host": "web1", "role": "Web"}
    events: list[Event] = [
        RunStarted(mode="apply", policy="/srv/site.py"),
        RoleStarted(role="Web", hosts=("web1",)),
        ContactStarted(**about),
        ContactFinished(status="failed", failure=failure, **about),
        RunFinished(exit_status=1),
    ]
    browser.open(written(tmp_path, events))
    seen = browser.ask("""(() => {
        const box = document.querySelector(".failure pre.printed"), last = document.createRange();
        last.setStart(box.firstChild, box.firstChild.data.indexOf("the reason"));
        last.setEnd(box.firstChild, box.firstChild.data.indexOf("the reason") + 10);
        const [outer, inner] = [box, last].map((one) => one.getBoundingClientRect());
        return box.scrollHeight > box.clientHeight && inner.top >= outer.top && inner.bottom <= outer.bottom;
    })()""")
    assert seen is True


NASTY = "</script><script>window.taken=1</script><img src=x onerror='window.taken=2'>\"'&lt;@@data@@${1}<!--"


def test_what_a_host_says_becomes_neither_markup_nor_script(browser: Browser, tmp_path: Path) -> None:
    failure = Failure(NASTY, NASTY, NASTY, NASTY, NASTY, 1, NASTY, f"{NASTY} on stderr", NASTY)
    about = {"host": NASTY, "role": NASTY, "file": f"/srv/{NASTY}", "line": 3}
    change = ChangeReport(NASTY, before=NASTY, after=NASTY, diff=f"+{NASTY}\n")
    events: list[Event] = [
        RunStarted(mode=NASTY, reach=NASTY, policy=f"/srv/{NASTY}", roles=(NASTY,), command=(NASTY,)),
        RoleStarted(role=NASTY, hosts=(NASTY,)),
        ContactStarted(delegate=NASTY, **about),
        ResourceFinished(
            id=1, type=NASTY, name=NASTY, status="changed", changes=(change,), output=NASTY, duration=2.0, **about
        ),
        ResourceFailed(id=2, type=NASTY, name=NASTY, failure=failure, duration=3.0, **about),
        Warned(text=NASTY, **about),
        EvaluationFinished(status="failed", failure=failure, beyond=NASTY, **about),
        ContactFinished(status="failed", failure=failure, **about),
        RunFinished(exit_status=1, stopped=NASTY, roles_left=(NASTY,), failure=failure),
    ]
    browser.open(written(tmp_path, events))
    assert browser.complaints == []
    assert browser.ask("window.taken") is None
    assert browser.ask("document.querySelectorAll('img, main script, main style').length") == 0
    assert browser.texts(".name b") == [NASTY]
    assert NASTY in browser.texts(".more")[0]


def test_without_scripts_the_page_has_the_recap(tmp_path: Path) -> None:
    text = written(tmp_path, simulated.run(25)).read_text()
    assert (
        "RESULT failed=1 unreachable=1 changed=22 ok=1 skipped=0"
        in text.partition("<noscript>")[2].partition("</noscript>")[0]
    )


def test_a_run_that_was_killed_has_a_page_too(browser: Browser, tmp_path: Path) -> None:
    browser.open(written(tmp_path, simulated.run(25)[:90]))
    assert browser.complaints == []
    assert browser.texts(".verdict") == ["did not end"]
    assert len(browser.texts(ROWS)) == 25
