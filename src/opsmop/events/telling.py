"""What a host says, as lines of text: the console writes them, and so does the log on the host."""

from __future__ import annotations

from opsmop.events import (
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    Event,
    Failure,
    Printed,
    ResourceFailed,
    ResourceFinished,
    ResourceSpoke,
    Warned,
)
from opsmop.events.lines import (
    Scene,
    caught_lines,
    contact_lines,
    event_place,
    failed_lines,
    failure_lines,
    finished_lines,
    head_lines,
    same_failure,
    text_lines,
)
from opsmop.events.wire import clean
from opsmop.wire.records import is_dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Telling:
    """Makes lines of events; a failure that was told is not told again.

    :param scene: what is the same for many lines; may be replaced between two events
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._told: dict[str, list[Failure]] = {}
        self._open: dict[str, list[ResourceFailed]] = {}  # failures that nothing ignores, by host
        self._spoke: set[tuple[str, int]] = set()  # hosts and resources whose output was told as it came

    def lines(self, event: Event) -> list[str]:
        """What `event` says; nothing for what concerns the whole run."""
        if isinstance(event, ContactStarted):
            return self._contact_started(event)
        if isinstance(event, ResourceFinished):
            spoke = (event.host, event.id) in self._spoke
            return finished_lines(self.scene, replace(event, output="") if spoke else event)
        if isinstance(event, ResourceFailed):
            self._told.setdefault(event.host, []).append(event.failure)
            self._open.setdefault(event.host, []).extend([] if event.ignored else [event])
            return failed_lines(self.scene, event)
        if isinstance(event, EvaluationFinished):
            return self._evaluation_finished(event)
        if isinstance(event, ContactFinished):
            return contact_lines(self.scene, event, told=self._was_told(event.host, event.failure))
        return self._said(event)

    def _said(self, event: Event) -> list[str]:
        if isinstance(event, Printed):
            return text_lines(self.scene, "prints", event.host, event.text)
        if isinstance(event, ResourceSpoke):
            self._spoke.add((event.host, event.id))
            return text_lines(self.scene, "prints", event.host, event.text.rstrip("\n")) if self.scene.verbose else []
        return self._warned(event) if isinstance(event, Warned) else []

    def _contact_started(self, event: ContactStarted) -> list[str]:
        self._told[event.host] = []
        self._open.pop(event.host, None)
        self._spoke = {spoke for spoke in self._spoke if spoke[0] != event.host}
        if not event.delegate:
            return []
        return head_lines(self.scene, "says", event.host, f"{event.role} runs on {event.delegate}", word="delegated")

    def _evaluation_finished(self, event: EvaluationFinished) -> list[str]:
        lines: list[str] = []
        if event.failure is not None and not self._was_told(event.host, event.failure):
            self._told.setdefault(event.host, []).append(event.failure)
            kind = "cancelled" if event.status == "cancelled" else "failed"
            lines += head_lines(self.scene, kind, event.host, event.role)
            lines += failure_lines(self.scene, event.failure, event_place(event))
        failures = self._open.pop(event.host, [])
        if event.status == "ok" and not event.beyond:
            lines += [line for failed in failures for line in caught_lines(self.scene, failed)]
        if event.beyond:
            place = self.scene.place(event.beyond)
            lines += head_lines(self.scene, "assumed", event.host, f"cannot predict beyond {place}", word="unknown")
        return lines

    def _warned(self, event: Warned) -> list[str]:
        place = self.scene.place(event_place(event))
        text = f"{place}: {event.text}" if place else event.text
        return text_lines(self.scene, "warning", event.host, text)

    def _was_told(self, host: str, failure: Failure | None) -> bool:
        told = self._told.get(host, [])
        return bool(told) if failure is None else any(same_failure(failure, one) for one in told)


_NO_TEXTS = (int, float, bool, type(None))


def cleaned(value: Any) -> Any:
    """`value` with all its texts fit for a terminal."""
    if isinstance(value, str):
        return clean(value)
    if value is None:
        return value
    if isinstance(value, tuple):
        return tuple(map(cleaned, value)) if value else value
    if is_dataclass(value) and not isinstance(value, type):
        texts = {}
        for name, before in vars(value).items():
            kind = type(before)
            if kind in _NO_TEXTS:
                continue
            after = clean(before) if kind is str else cleaned(before)
            if after is not before:
                texts[name] = after
        return replace(value, **texts) if texts else value  # what came from a host is clean already
    return value
