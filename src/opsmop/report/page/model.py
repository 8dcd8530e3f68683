"""What the page shows, as plain values: times in seconds since the run began, by the controller's clock."""

from __future__ import annotations

from typing import Any

from opsmop.events import (
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    EvaluationStarted,
    Event,
    Failure,
    Found,
    Printed,
    ResourceFailed,
    ResourceFinished,
    RoleFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.events.lines import event_place, is_assumed, message_text, told_status, what_changes
from opsmop.events.telling import cleaned
from opsmop.report.costs import Costs
from opsmop.report.tally import Tally
from opsmop.report.typed import typed_in_place

_WAITED = 0.1  # seconds from which a host that waited is said to have waited for another
_MOST_SLOW, _SLOW = 10, 0.5  # resources that are named, and seconds from which they are
_COUNTS = ("ok", "changed", "ran", "assumed", "failed", "ignored", "skipped", "warnings")


class Model:
    """Gathers what the page shows from a run's events.

    :param name: what the run is called
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tally, self._costs = Tally(), Costs()
        self._begun = RunStarted()
        self._ended: RunFinished | None = None
        self._latest = 0.0
        self._roles: list[dict[str, Any]] = []
        self._contacts: list[dict[str, Any]] = []
        self._open: dict[tuple[str, str], dict[str, Any]] = {}
        self._left: dict[str, tuple[float, str]] = {}  # the role's host that ended last, and when
        self._texts: dict[str, int] = {}
        self._notes: list[dict[str, Any]] = []

    @property
    def title(self) -> str:
        """What the browser's window is called."""
        return f"{self._did} · OpsMop"

    @property
    def _did(self) -> str:
        typed = typed_in_place(self._begun)
        return (
            f"run {typed}" if typed else f"{self._begun.mode} {' '.join(self._begun.policy.rpartition('/')[2].split())}"
        )

    def __call__(self, event: Event) -> None:
        """Take `event`."""
        event = cleaned(event)
        self._tally(event)
        self._costs(event)
        self._latest = max(self._latest, event.heard or event.ts)
        if isinstance(event, RunStarted):
            self._begun = event
        elif isinstance(event, RunFinished):
            self._ended = event
        elif isinstance(event, (RoleStarted, RoleFinished)):
            self._take_role(event)
        elif isinstance(event, Found):
            self._notes.append({"host": "", "place": self._place(event.failure.place), "text": event.failure.message})
        elif isinstance(event, (Warned, Printed)):
            self._take_note(event)
        elif isinstance(event, ContactStarted):
            self._take_contact(event)
        elif (contact := self._open.get((event.host, event.role))) is not None:
            self._take(event, contact)

    def data(self) -> dict[str, Any]:
        """All of it."""
        ended = self._ended
        return {
            "name": self._name,
            "title": self._did,
            "mode": self._begun.mode,
            "reach": self._begun.reach,
            "policy": self._begun.policy,
            "command": list(self._begun.command),
            "began": self._begun.ts,
            "ended": ended is not None,
            "status": ended.exit_status if ended is not None else None,
            "seconds": ended.duration if ended is not None else self._at(self._latest),
            "stopped": ended.stopped if ended is not None else "",
            "left": list(ended.roles_left) if ended is not None else [],
            "failure": self._failure(ended.failure) if ended is not None and ended.failure is not None else None,
            "sent": self._costs.sent,
            "received": self._costs.received,
            "trips": self._costs.trips,
            "slow": [self._slow(one) for one in self._costs.slowest(_MOST_SLOW, _SLOW)],
            "hosts": [self._host(name) for name, _ in self._tally.sorted_hosts()],
            "roles": self._roles,
            "contacts": self._contacts,
            "notes": self._notes,
            "texts": list(self._texts),
        }

    # Events

    def _take_role(self, event: RoleStarted | RoleFinished) -> None:
        at = self._at(event.ts)
        if isinstance(event, RoleStarted):
            self._roles.append({"name": event.role, "from": at, "to": at, "hosts": len(event.hosts)})
            self._left.pop(event.role, None)
        elif self._roles:
            self._roles[-1]["to"] = at

    def _take_note(self, event: Warned | Printed) -> None:
        kind = "warning" if isinstance(event, Warned) else "prints"
        note = {"host": event.host, "place": self._place(event_place(event)), "text": event.text, "kind": kind}
        self._notes.append(note)

    def _take_contact(self, event: ContactStarted) -> None:
        at = self._at(event.ts)
        contact: dict[str, Any] = {"host": event.host, "role": event.role, "from": at, "to": at, "status": "not ended"}
        contact |= {"on": event.delegate, "resources": []}
        began = next((role["from"] for role in reversed(self._roles) if role["name"] == event.role), at)
        if at - began >= _WAITED:
            contact |= {"waited": at - began, "waitedFor": self._left.get(event.role, (0.0, ""))[1]}
        self._contacts.append(contact)
        self._open[event.host, event.role] = contact

    def _take(self, event: Event, contact: dict[str, Any]) -> None:
        contact["to"] = max(contact["to"], self._at(event.heard or event.ts))
        if isinstance(event, (ResourceFinished, ResourceFailed)):
            contact["resources"].append(self._resource(event, contact["from"]))
        elif isinstance(event, EvaluationStarted):
            contact |= {"python": event.python, "met": self._at(event.heard or event.ts)}
        elif isinstance(event, EvaluationFinished):
            contact["beyond"] = self._place(event.beyond)
            if event.failure is not None:
                contact["failure"] = self._failure(event.failure, event_place(event))
        elif isinstance(event, ContactFinished):
            contact |= {"status": event.status, "sent": event.sent, "received": event.received}
            contact |= {"requests": event.requests, "leftOut": event.left_out}
            for resource in contact["resources"]:
                if event.status == "ok" and resource["kind"] == "failed":  # the policy caught it
                    resource["kind"] = "ignored"
            if event.failure is not None and "failure" not in contact:
                contact["failure"] = self._failure(event.failure)
            self._left[event.role] = (event.ts, event.host)

    # Parts

    def _resource(self, event: ResourceFinished | ResourceFailed, earliest: float) -> dict[str, Any]:
        end = self._at(event.heard or event.ts)
        told: dict[str, Any] = {
            "what": " ".join(f"{event.type} {event.name}".split()),
            "place": self._place(event_place(event)),
            "from": max(end - event.duration, earliest),
            "to": end,
            "seconds": event.duration,
        }
        if diff := "\n".join(change.diff.rstrip("\n") for change in event.changes if change.diff):
            told["diff"] = self._text(diff)
        if isinstance(event, ResourceFailed):
            kind = "ignored" if event.ignored else "failed"
            return {**told, "kind": kind, "failure": self._failure(event.failure, event_place(event))}
        status = told_status(event)
        told |= {"kind": "assumed" if status in ("changed", "ran") and is_assumed(event) else status}
        told |= {"note": what_changes(event)}
        return {**told, "output": self._text(event.output)} if event.output else told

    def _failure(self, failure: Failure, place: str = "") -> dict[str, Any]:
        told = {
            "message": message_text(failure),
            "place": self._place(failure.place or place),
            "remedy": failure.remedy,
            "command": failure.command,
            "rc": failure.rc,
            "trace": failure.trace,
        }
        output = {"stderr": failure.stderr, "output": failure.output}
        return {**told, **{name: self._text(text) for name, text in output.items() if text}}

    def _host(self, name: str) -> dict[str, Any]:
        tally = self._tally.hosts[name]
        return {
            "name": name,
            "ending": tally.ending,
            "lost": tally.lost,
            "seconds": tally.duration,
            "counts": {column: getattr(tally, column) for column in _COUNTS if getattr(tally, column)},
            "contacts": [number for number, contact in enumerate(self._contacts) if contact["host"] == name],
        }

    def _slow(self, one: Any) -> dict[str, Any]:
        where = {"host": one.host, "place": self._place(one.place), "hosts": one.hosts}
        return {"what": one.resource, "longest": one.longest, "average": one.total / one.hosts, **where}

    def _text(self, text: str) -> int:
        """Its number among the long texts, of which many hosts have the same."""
        return self._texts.setdefault(text, len(self._texts))

    def _at(self, moment: float) -> float:
        return round(max(moment - self._begun.ts, 0.0), 3)

    def _place(self, place: str) -> str:
        folder = self._begun.policy.rpartition("/")[0]
        return place.removeprefix(f"{folder}/") if folder else place
