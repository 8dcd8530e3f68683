"""What a host has said in one contact, held against what it may say."""

from __future__ import annotations

import json
from typing import Any

from opsmop.drive.returned import plain
from opsmop.errors import ProtocolError
from opsmop.events import (
    HOST_EVENTS,
    EvaluationFinished,
    EvaluationStarted,
    Event,
    Failure,
    Printed,
    ResourceFailed,
    ResourceFinished,
    ResourceStarted,
)
from opsmop.wire.records import replace

MOST_OPEN = 1000  # resources that have begun and not ended; honest ones are made in each other, a few deep


class Ledger:
    """The events of one contact.

    :param host: the host's name in the inventory
    :param role: the role's name
    """

    def __init__(self, host: str, role: str) -> None:
        self.host = host
        self.role = role
        self.started = False
        self.ending: EvaluationFinished | None = None
        self.pending = False  # whether anything changed or ran, or would
        self._acts = False  # likewise, also if it does not count as a change
        self._open: dict[int, ResourceStarted] = {}
        self._value: Any = None

    def heard(self, event: Event) -> Event:
        """`event` as this host's, for this role, whatever it says of itself.

        :raises ProtocolError: if a host may not say it, or not now; if what `main()` returned is no plain JSON
        """
        if type(event).__name__ not in HOST_EVENTS:
            raise self._error(f"it said {type(event).__name__}, which only the controller may")
        if self.ending is not None and not isinstance(event, Printed):  # which comes by a pipe of its own
            raise self._error(f"it said {type(event).__name__} after the end")
        if isinstance(event, EvaluationFinished):
            event = self._with_plain_value(event)
        self._note(event)
        return replace(event, host=self.host, role=self.role)

    def _with_plain_value(self, event: EvaluationFinished) -> EvaluationFinished:
        """What every report may read without a thought."""
        try:
            self._value = plain(event.value) if event.value else None
        except ValueError as error:
            raise self._error(f"what main() returned {error}") from None
        return replace(event, value=json.dumps(self._value)) if event.value else event

    def _note(self, event: Event) -> None:
        if isinstance(event, EvaluationStarted):
            self._begin()
        elif isinstance(event, EvaluationFinished):
            self._end(event)
        elif isinstance(event, ResourceStarted):
            self._open_resource(event)
        elif isinstance(event, (ResourceFinished, ResourceFailed)):
            self._close_resource(event)

    def _begin(self) -> None:
        if self.started:
            raise self._error("it began twice")
        self.started = True

    def _end(self, event: EvaluationFinished) -> None:
        if self._open and event.status in ("ok", "skipped"):
            raise self._error(f"it said that all went well in the middle of resource {min(self._open)}")
        self.ending = event

    def _open_resource(self, event: ResourceStarted) -> None:
        if event.id in self._open:
            raise self._error(f"it began resource {event.id} twice")
        if len(self._open) >= MOST_OPEN:
            raise self._error(f"it began {MOST_OPEN} resources and ended none of them")
        self._open[event.id] = event

    def _close_resource(self, event: ResourceFinished | ResourceFailed) -> None:
        if self._open.pop(event.id, None) is None:
            raise self._error(f"it ended resource {event.id}, which had not begun")
        told = event.status in ("changed", "ran") if isinstance(event, ResourceFinished) else bool(event.changes)
        self.pending = self.pending or told
        self._acts = self._acts or told or bool(event.changes)  # `changed_when` may say it is no change

    @property
    def planned(self) -> bool:
        """Whether the role would change the machine, or may, as far as check could tell."""
        return self._acts or bool(self.ending is not None and self.ending.beyond)

    def unfinished(self, failure: Failure) -> list[Event]:
        """The endings of the resources that the host began and did not end, innermost first; they are ended by this."""
        left = list(reversed(self._open.values()))
        self._open.clear()
        return [
            ResourceFailed(
                host=self.host, role=self.role, id=event.id, type=event.type, name=event.name,
                file=event.file, line=event.line, failure=failure,
            )
            for event in left
        ]  # fmt: skip

    @property
    def value(self) -> Any:
        """What `main()` returned; None until it has."""
        return self._value

    def _error(self, message: str) -> ProtocolError:
        return ProtocolError(f"{self.host} does not keep to the protocol: {message}", host=self.host)
