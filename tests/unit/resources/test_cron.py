"""Jobs of cron: what is refused, and what stands in the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsmop import Cron
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Account, Completed, Effect
from opsmop.resources.cron import Crontab

Evaluate = Callable[..., Any]


class Machine:
    """One where `table` is root's."""

    simulated = False

    def __init__(self, table: str) -> None:
        self.table = table
        self.ran: list[list[str]] = []

    def real_user(self) -> str:
        return "root"

    def account(self, name: str) -> Account | None:
        return Account(name, 0, name, "/", "/bin/sh") if name in ("root", "ana") else None

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        return real()

    def ask(self, argv: list[str]) -> Completed:
        said = "" if self.table else "no crontab for root"
        return Completed("", 0 if self.table else 1, self.table, said, self.table or said)

    def run(self, argv: list[str], *, effects: list[Effect], input: bytes | None = None) -> Completed:  # noqa: A002
        self.ran.append(argv)
        self.table = (input or b"").decode()
        return Completed("", 0)


def made(table: str, **given: Any) -> tuple[str, list[list[str]]]:
    """The table once the job is kept, and the commands; a second time must change nothing."""
    machine = Machine(table)

    class Planning:
        def evaluate(self, resource: Any) -> None:
            for change in list(Crontab(resource, machine, None).plan()):  # type: ignore[arg-type] # as much as it needs
                change.make()
            assert list(Crontab(resource, machine, None).plan()) == []  # type: ignore[arg-type] # likewise

    token = EVALUATION.set(Planning())  # type: ignore[arg-type] # as much of one as these tests need
    try:
        Cron("backup", **given)
    finally:
        EVALUATION.reset(token)
    return machine.table, machine.ran


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        ({"job": "true"}, "* * * * * true"),
        ({"job": "true", "minute": "*/5", "hour": 3, "weekday": "mon-fri"}, "*/5 3 * * mon-fri true"),
        ({"job": "true", "day": "1,15", "month": "JAN"}, "* * 1,15 JAN * true"),
        ({"job": "true", "special": "reboot"}, "@reboot true"),
        ({"job": "date +%F > /x"}, r"* * * * * date +\%F > /x"),
        ({"job": r"date +\%F"}, r"* * * * * date +\%F"),
        ({"job": "a && b", "env": {"PATH": "/opt/bin", "W": "it's 5%"}}, """* * * * * export PATH=/opt/bin; export W='it'"'"'s 5\\%'; a && b"""),
        ({"job": "true", "disabled": True}, "# * * * * * true"),
    ],
)  # fmt: skip
def test_a_job_is_one_line_after_its_name(given: dict[str, Any], entry: str) -> None:
    assert made("", **given) == (f"# opsmop: backup\n{entry}\n", [["crontab", "-"]])


def test_other_lines_stay_and_the_last_one_gets_its_end() -> None:
    assert (
        made("MAILTO=ana\n0 1 * * * other", job="true")[0]
        == "MAILTO=ana\n0 1 * * * other\n# opsmop: backup\n* * * * * true\n"
    )


def test_a_job_is_found_again_by_its_name_and_replaced_where_it_stands() -> None:
    table = "# opsmop: backup\n0 1 * * * old\n# opsmop: other\n* * * * * x\n"
    assert made(table, job="new", hour=2)[0] == table.replace("0 1 * * * old", "* 2 * * * new")
    assert made(table, absent=True)[0] == "# opsmop: other\n* * * * * x\n"
    assert made("# opsmop: backup\n# opsmop: other\n", job="new")[0].startswith("# opsmop: backup\n* * * * * new\n")


def test_the_same_line_without_a_name_is_taken_over_and_not_doubled() -> None:
    assert made("MAILTO=x\n* * * * * true\n", job="true")[0] == "MAILTO=x\n# opsmop: backup\n* * * * * true\n"


def test_a_job_of_two_names_is_there_once_and_under_a_new_name_too() -> None:
    both = "# opsmop: old\n# opsmop: backup\n* * * * * true\n"
    assert made("# opsmop: old\n* * * * * true\n", job="true")[0] == both
    shared = "# opsmop: backup\n# opsmop: new\n* * * * * true\n"
    assert made(shared, job="true")[0] == shared
    assert made(shared, job="false")[0] == "# opsmop: backup\n* * * * * false\n# opsmop: new\n* * * * * true\n"
    assert made(both, job="false")[0] == "# opsmop: old\n# opsmop: backup\n* * * * * false\n"
    assert made(shared, absent=True)[0] == "# opsmop: new\n* * * * * true\n"


def test_a_job_that_stands_twice_is_left_once() -> None:
    assert (
        made("# opsmop: backup\nx\ny\n# opsmop: backup\nx\n", job="true")[0] == "# opsmop: backup\n* * * * * true\ny\n"
    )


def test_a_table_without_lines_goes() -> None:
    assert made("# opsmop: backup\n* * * * * true\n", absent=True) == ("", [["crontab", "-r"]])


def test_another_users_table_is_named() -> None:
    assert made("", job="true", user="ana")[1] == [["crontab", "-u", "ana", "-"]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no job is given"),
        ({"job": "  "}, "no job is given"),
        ({"job": "a\nb"}, "one line for each job"),
        ({"job": "a", "env": {"X": "a\nb"}}, "one line for each job"),
        ({"job": "a", "env": {"A-B": "c"}}, "the shell has no variable 'A-B'"),
        ({"job": "a", "user": "ana root"}, "'ana root' is no name of a user"),
        ({"job": "a", "minute": 60}, "minute='60' is no time of cron"),
        ({"job": "a", "hour": "24"}, "hour='24'"),
        ({"job": "a", "day": 0}, "day='0'"),
        ({"job": "a", "month": "foo"}, "month='foo'"),
        ({"job": "a", "minute": "*/0"}, "minute='*/0'"),
        ({"job": "a", "minute": "1 2"}, "minute='1 2'"),
        ({"job": "a", "minute": "1,,2"}, "minute='1,,2'"),
        ({"job": "a", "special": "often"}, "takes one of 'reboot'"),
        ({"job": "a", "special": "daily", "hour": 3}, "stands instead of a time"),
        ({"job": "a", "kept_in": "my.job"}, "cron does not read a file of the name 'my.job'"),
        ({"job": "a", "absent": True}, "only one of"),
    ],
)
def test_what_cron_would_not_take_is_refused(given: dict[str, Any], said: str, evaluate: Evaluate) -> None:
    assert said in evaluate(lambda _: Cron("backup", **given) and None).failure.message
