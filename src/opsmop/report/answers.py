"""What hosts answered to one command, equal answers folded, those of few hosts first."""

from __future__ import annotations

import os
from typing import NamedTuple, TextIO

from opsmop.events import (
    ContactFinished,
    ContactStarted,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    RunFinished,
    Warned,
)
from opsmop.report.look import is_watched
from opsmop.report.names import counted
from opsmop.report.stream import Pen, no_command

_UNMET = ("unreachable", "lost")


class Answer(NamedTuple):
    """What one host answered.

    :param status: ``ok``, ``failed``, or as `ContactFinished` has it where the host could not be worked with
    :param head: in a few words
    :param text: what the command printed, or why it did not run
    """

    status: str
    head: str
    text: str


class Answers:
    """A report: gathers what each host answers and tells all of it at the end.

    :param out: takes the answers; once that fails nothing more is written
    :param err: takes warnings, and how far things are if somebody watches
    """

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self.pen, self._err = Pen(out), err
        self._watched = is_watched(err, os.environ)
        self._answers: dict[str, Answer] = {}
        self._spoken: dict[str, Answer] = {}
        self._met = 0

    def __call__(self, event: Event) -> None:
        """One event."""
        if isinstance(event, ContactStarted):
            self._met += 1
        elif isinstance(event, ResourceFinished):
            self._spoken[event.host] = Answer("ok", f"status {event.rc}", event.output.rstrip("\n"))
        elif isinstance(event, ResourceFailed):
            self._spoken[event.host] = _failed(event.failure)
        elif isinstance(event, ContactFinished):
            self._answers[event.host] = _ended(event, self._spoken.get(event.host))
            self._progress(f"{len(self._answers)} of {self._met} hosts have answered")
        elif isinstance(event, Warned):
            self._err.write(no_command(f"warning: {event.host}{': ' if event.host else ''}{event.text}\n"))
        elif isinstance(event, RunFinished):
            self._progress("")
            self.pen(no_command(told(self._answers)))

    def close(self) -> None:
        """Nothing more will come."""

    def _progress(self, text: str) -> None:
        if self._watched:
            self._err.write(f"\r\x1b[K{text}")
            self._err.flush()


def told(answers: dict[str, Answer]) -> str:
    """The answers by host, as one text that ends with a line for programs."""
    groups: dict[Answer, list[str]] = {}
    for host in sorted(answers):
        groups.setdefault(answers[host], []).append(host)
    ordered = sorted(groups.items(), key=lambda group: (group[0].status == "ok", len(group[1])))
    kinds = [_kind(answer.status) for answer in answers.values()]
    named = ("failed", "unreachable", *(("cancelled",) if "cancelled" in kinds else ()), "ok")
    last = " ".join(f"{kind}={kinds.count(kind)}" for kind in named)
    return "".join(_group(answer, hosts) for answer, hosts in ordered) + f"RESULT {last}\n"


def _kind(status: str) -> str:
    if status in ("ok", "cancelled"):
        return status
    return "unreachable" if status in _UNMET else "failed"


def _group(answer: Answer, hosts: list[str]) -> str:
    lines = [f"{counted(hosts)}  {answer.head}", *(f"  {line}" for line in answer.text.splitlines()), ""]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _failed(failure: Failure) -> Answer:
    if failure.rc is None or failure.rc < 0:  # it was ended, and the message says why
        return Answer("failed", "failed", _reason(failure))
    return Answer("failed", f"status {failure.rc}", failure.output.rstrip("\n"))


def _ended(event: ContactFinished, spoken: Answer | None) -> Answer:
    if spoken is not None and event.status in ("ok", "failed"):
        return spoken
    return Answer(event.status, event.status, _reason(event.failure or Failure()))


def _reason(failure: Failure) -> str:
    return "\n".join(text for text in (failure.message, failure.output.rstrip("\n"), failure.remedy) if text)
