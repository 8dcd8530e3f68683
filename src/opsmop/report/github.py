"""A run as workflow commands of GitHub Actions: failures and warnings beside the policy's lines.

Source of the form and of its escapes: "Workflow commands for GitHub Actions", docs.github.com.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from opsmop.events import Event, Failure, Found, RunFinished, Warned
from opsmop.events.lines import OUTPUT_LINES, event_place, message_text
from opsmop.report.names import blurred, counted, without_name
from opsmop.report.recap import result_line
from opsmop.report.stream import Pen
from opsmop.report.tally import Tally

_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_ESCAPES_OF_PROPERTIES = {**_ESCAPES, ":": "%3A", ",": "%2C"}


class GitHub:
    """Writes the annotations when the run has ended, equal ones of many hosts as one.

    :param stream: where to
    :param environ: the environment, which says where the repository is
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self.pen = Pen(stream)
        self._root = environ.get("GITHUB_WORKSPACE", "") or os.getcwd()  # noqa: PTH109 - a text is wanted
        self._tally = Tally()
        self._findings: list[Found] = []
        self._warnings: dict[tuple[str, str], list[str]] = {}

    def __call__(self, event: Event) -> None:
        """Take `event`; the last one writes the annotations."""
        self._tally(event)
        if isinstance(event, Found):
            self._findings.append(event)
        elif isinstance(event, Warned):
            self._warnings.setdefault((event_place(event), event.text), []).append(event.host)
        elif isinstance(event, RunFinished):
            self.pen("".join(f"{line}\n" for line in self._lines(event)))

    def _lines(self, end: RunFinished) -> list[str]:
        lines = [self._annotation("error", end.failure, "the run")] if end.failure is not None else []
        lines += [
            self._annotation("warning" if found.doubtful else "error", found.failure, "validation")
            for found in self._findings
        ]
        lines += self._of_hosts()
        lines += [
            self._command("warning", place, counted([host for host in hosts if host]), text)
            for (place, text), hosts in self._warnings.items()
        ]
        return [*lines, result_line(self._tally)]

    def _of_hosts(self) -> list[str]:
        alike: dict[tuple[str, str, str], tuple[Failure, list[str]]] = {}
        for name, host in self._tally.sorted_hosts():
            for reason in host.reasons:
                said = blurred(without_name(message_text(reason.failure), name))
                key = (reason.resource or reason.role, reason.failure.place, said)
                alike.setdefault(key, (reason.failure, []))[1].append(name)
        return [
            self._annotation("error", failure, f"{what} on {counted(hosts)}")
            for (what, _, _), (failure, hosts) in alike.items()
        ]

    def _annotation(self, kind: str, failure: Failure, title: str) -> str:
        output = (failure.stderr or failure.output).splitlines()[-OUTPUT_LINES:]
        parts = [message_text(failure), failure.trace, "\n".join(output), failure.remedy]
        return self._command(kind, failure.place, title, "\n".join(part for part in parts if part))

    def _command(self, kind: str, place: str, title: str, text: str) -> str:
        file, _, line = place.rpartition(":")
        properties = {"file": self._seen_from_root(file), "line": line} if line.isdecimal() and file else {}
        properties |= {"title": title} if title else {}
        written = ",".join(f"{name}={_escaped(value, _ESCAPES_OF_PROPERTIES)}" for name, value in properties.items())
        return f"::{kind}{f' {written}' if written else ''}::{_escaped(text, _ESCAPES)}"

    def _seen_from_root(self, file: str) -> str:
        return file.removeprefix(f"{self._root.rstrip('/')}/")


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return text.translate({ord(character): escape for character, escape in escapes.items()})
