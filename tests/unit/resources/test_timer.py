"""Timers of systemd: what is refused, and what their unit files say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsmop import Timer
from opsmop.language.evaluation import EVALUATION

Evaluate = Callable[..., Any]


class Declaring:
    """Takes resources and does nothing with them."""

    def evaluate(self, resource: Any) -> None:
        """It is declared, no more."""


def declared(name: str, job: str | None = None, **given: Any) -> Timer:
    token = EVALUATION.set(Declaring())  # type: ignore[arg-type] # as much of one as these tests need
    try:
        return Timer(name, job, **given)
    finally:
        EVALUATION.reset(token)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no job is given, and no service"),
        ({"job": "true"}, "nothing says when"),
        ({"job": "true", "every": "1h", "absent": True}, "only one of job, service, absent"),
        ({"job": "true", "service": "nginx", "every": "1h"}, "only one of job, service, absent"),
        ({"job": "true", "every": "1h", "persistent": True}, "persistent= goes with on_calendar="),
        ({"service": "nginx", "every": "1h", "user": "ana"}, "user= goes with a job"),
        ({"job": "one\ntwo", "every": "1h"}, "job='one\\ntwo' is not one line"),
        ({"job": "true", "on_calendar": ["daily", "x\nUnit=other.service"]}, "is not one line"),
        ({"job": "true", "every": " "}, "every=' ' is not one line"),
        ({"name": "x.timer", "job": "true", "every": "1h"}, "no name for a timer"),
        ({"name": "../x", "job": "true", "every": "1h"}, "no name for a timer"),
        ({"name": "x@1", "job": "true", "every": "1h"}, "no name for a timer"),
    ],
)
def test_what_no_timer_can_be_is_refused(given: dict[str, Any], said: str, evaluate: Evaluate) -> None:
    assert said in evaluate(lambda _: Timer(**{"name": "x", **given}) and None).failure.message


def test_a_command_stands_in_its_unit_file_so_that_systemd_replaces_nothing_in_it() -> None:
    """Source: systemd.service(5), "Command lines"; systemd.unit(5), "Specifiers"."""
    timer = declared("backup", r"""date "+%F" > ~/$USER\n""", on_calendar=["daily", "Sun 04:00"], user="ana")
    assert timer.service_file == (
        "# Made by opsmop: what backup.timer starts.\n"
        "[Unit]\nDescription=backup\n\n[Service]\nType=oneshot\nUser=ana\n"
        r"""ExecStart=/bin/sh -c "date \"+%%F\" > ~/$$USER\\n""" + '"\n'
    )
    assert timer.timer_file == (
        "[Unit]\nDescription=backup\n\n[Timer]\nOnCalendar=daily\nOnCalendar=Sun 04:00\nAccuracySec=1s\n"
        "Unit=backup.service\n\n[Install]\nWantedBy=timers.target\n"
    )


def test_what_is_done_again_and_again_has_a_first_time() -> None:
    lines = declared("poll", service="poller", every="15min", on_boot="1min").timer_file.splitlines()
    assert lines[4:9] == [
        "OnBootSec=1min", "OnActiveSec=15min", "OnUnitActiveSec=15min", "AccuracySec=1s", "Unit=poller.service",
    ]  # fmt: skip


def test_a_machine_without_systemd_has_no_timers(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Timer("x", "true", every="1h") and None).failure
    assert "a running systemd" in failure.message + failure.remedy
