"""A whole run as one JSON document. ``schema/run.json`` says what is in it."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, TextIO

from opsmop.events import (
    SCHEMA_VERSION,
    ContactFinished,
    EvaluationFinished,
    EvaluationStarted,
    Event,
    Found,
    ResourceFailed,
    ResourceFinished,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.events.lines import told_status
from opsmop.report.stream import Pen, no_command_in_json
from opsmop.report.tally import ENDINGS, HostTally, Tally
from opsmop.wire.records import asdict, is_dataclass

_PIECES = 1000  # texts and signs of JSON that are written at once
_COUNTS = ("ok", "changed", "ran", "assumed", "failed", "ignored", "skipped", "warnings")


class Document:
    """Writes one document when the run has ended, however it ended."""

    def __init__(self, stream: TextIO) -> None:
        self.pen = Pen(stream)
        self._digest = Digest()

    def __call__(self, event: Event) -> None:
        """Take `event`; the last one writes the document."""
        self._digest(event)
        if isinstance(event, RunFinished):
            self._write()

    def _write(self) -> None:
        """Piece by piece: hosts may have said much, and it is here already."""
        pieces = json.JSONEncoder(indent=1).iterencode(self._digest.document())
        while piece := "".join(islice(pieces, _PIECES)):
            self.pen(no_command_in_json(piece))
        self.pen("\n")


class Digest:
    """Makes the document of a run's events."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._started, self._finished = RunStarted(), RunFinished()
        self._roles: dict[tuple[str, str], dict[str, Any]] = {}
        self._warnings: list[dict[str, Any]] = []
        self._findings: list[dict[str, Any]] = []

    def __call__(self, event: Event) -> None:
        """Take `event`."""
        self._tally(event)
        if isinstance(event, RunStarted):
            self._started = event
        elif isinstance(event, RunFinished):
            self._finished = event
        elif isinstance(event, Warned):
            self._warnings.append(_fields(event, "host", "role", "text", "file", "line"))
        elif isinstance(event, Found):
            self._findings.append({"doubtful": event.doubtful, "failure": _plain(event.failure)})
        elif event.host and event.role:
            self._take_host(event, self._role(event))

    def document(self) -> dict[str, Any]:
        """What the run came to; also before it has ended."""
        begun, ended = self._started, self._finished
        return {
            "v": SCHEMA_VERSION,
            **_fields(begun, "run", "mode", "reach", "policy", "roles", "command"),
            "started": begun.ts,
            **_fields(ended, "exit_status", "duration", "stopped", "roles_left", "failure"),
            "result": {name.replace(" ", "_"): len(self._tally.ended(name)) for name in ENDINGS},
            "hosts": [self._host(name, tally) for name, tally in self._tally.sorted_hosts()],
            "warnings": self._warnings,
            "findings": self._findings,
        }

    def _role(self, event: Event) -> dict[str, Any]:
        fresh: dict[str, Any] = {"role": event.role, "status": "", "resources": []}
        return self._roles.setdefault((event.host, event.role), fresh)

    def _take_host(self, event: Event, role: dict[str, Any]) -> None:
        if isinstance(event, (ResourceFinished, ResourceFailed)):
            role["resources"].append(_resource(event))
        elif isinstance(event, EvaluationStarted):
            role["python"] = event.python
        elif isinstance(event, EvaluationFinished):
            role |= {"beyond": event.beyond, "value": json.loads(event.value) if event.value else None}
        elif isinstance(event, ContactFinished):
            role |= _fields(event, "status", "failure", "duration", "sent", "received", "requests", "left_out")
            for resource in role["resources"]:
                if event.status == "ok" and resource["status"] == "failed":  # the policy caught it
                    resource["ignored"] = True

    def _host(self, name: str, tally: HostTally) -> dict[str, Any]:
        return {
            "host": name,
            "ending": tally.ending.replace(" ", "_"),
            "lost": tally.lost,
            "counts": {column: getattr(tally, column) for column in _COUNTS},
            "duration": tally.duration,
            "untouched": list(tally.untouched),
            "roles": [role for (host, _), role in self._roles.items() if host == name],
        }


def _resource(event: ResourceFinished | ResourceFailed) -> dict[str, Any]:
    told = _fields(event, "type", "name", "file", "line", "duration", "changes")
    if isinstance(event, ResourceFailed):
        return {**told, "status": "failed", **_fields(event, "ignored", "failure")}
    return {**told, "status": told_status(event), **_fields(event, "assumed", "rc", "output")}


def _fields(event: Event, *names: str) -> dict[str, Any]:
    return {name: _plain(getattr(event, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
