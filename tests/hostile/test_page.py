"""The page of a run in which everything that a host says is markup."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from opsmop.events import (
    ChangeReport,
    ContactFinished,
    ContactStarted,
    Event,
    Failure,
    Printed,
    ResourceFailed,
    ResourceFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.report.page import page

EVIL = (
    '</script></pre></noscript><!--<script><img src=x onerror="alert(1)"><script>alert(2)</script>"\'@@script@@&quot;'
)
ABOUT = {"host": EVIL, "role": EVIL, "file": EVIL}
FAILURE = Failure(*[EVIL] * 5, 1, *[EVIL] * 3)
CHANGES = (ChangeReport(EVIL, EVIL, False, EVIL, EVIL, EVIL),)
RUN: tuple[Event, ...] = (
    RunStarted(mode="apply", reach="push", policy=EVIL, roles=(EVIL,), command=(EVIL,)),
    RoleStarted(role=EVIL, hosts=(EVIL,), hooks=(EVIL,)),
    ContactStarted(**ABOUT, delegate=EVIL),
    Warned(**ABOUT, text=EVIL),
    Printed(**ABOUT, text=EVIL),
    ResourceFinished(**ABOUT, id=1, type=EVIL, name=EVIL, status=EVIL, changes=CHANGES, output=EVIL, duration=9.0),
    ResourceFailed(**ABOUT, id=2, type=EVIL, name=EVIL, failure=FAILURE, changes=CHANGES),
    ContactFinished(**ABOUT, status="failed", failure=FAILURE),
    RunFinished(exit_status=1, stopped=EVIL, roles_left=(EVIL,)),
)


class Seen(HTMLParser):
    """The elements of a page, and what its scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def seen(*events: Event) -> Seen:
    parser = Seen()
    parser.feed(page(events, EVIL))
    return parser


def test_nothing_that_a_host_says_is_markup() -> None:
    harmless = seen(RunStarted(mode="apply", policy="site.py"), RunFinished())
    hostile = seen(*RUN)
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    assert [[*names] for _, names in hostile.elements] == [[*names] for _, names in harmless.elements]
    assert hostile.scripts[1:] == harmless.scripts[1:]
    assert "alert(2)" in hostile.scripts[0]
    assert not re.search("<(!--|/?script)", hostile.scripts[0])


def test_no_script_but_the_pages_own_may_run_and_nothing_is_fetched() -> None:
    said = seen(*RUN)
    (policy,) = [of["content"] for _, of in said.elements if of.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    digest = base64.b64encode(hashlib.sha256(said.scripts[-1].encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert re.fullmatch("'sha256-[A-Za-z0-9+/=]+'", rules["style-src"])
    assert not {"src", "href"} & {name for _, of in said.elements for name in of}
