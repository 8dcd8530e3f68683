"""The contacts of a run, each with what its host said of its resources."""

from __future__ import annotations

from opsmop.events import (
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
)
from opsmop.events.lines import same_failure, told_status, what_changes
from opsmop.wire.records import dataclass, field

Resource = ResourceFinished | ResourceFailed


@dataclass
class Contact:
    """One role on one host; its ending is that of one that was cancelled until it has another."""

    host: str
    role: str
    resources: list[Resource] = field(default_factory=list)
    evaluation: EvaluationFinished | None = None
    ending: ContactFinished = field(default_factory=lambda: ContactFinished(status="cancelled"))

    @property
    def failure(self) -> Failure | None:
        """Why it did not end well."""
        return self.ending.failure or (self.evaluation.failure if self.evaluation else None)

    def failed(self, event: Resource) -> bool:
        """Whether it failed, and the policy neither ignored nor caught that."""
        return isinstance(event, ResourceFailed) and not event.ignored and self.ending.status != "ok"

    def failure_of(self, event: Resource) -> Failure:
        """Why it failed."""
        return event.failure if isinstance(event, ResourceFailed) else Failure()

    def is_reason(self, event: Resource) -> bool:
        """Whether the role failed because this resource did."""
        return self.failure is None or same_failure(self.failure, self.failure_of(event))

    def skipped(self, event: Resource) -> bool:
        """Whether its guards said that there is nothing to do."""
        return isinstance(event, ResourceFinished) and told_status(event) == "skipped"

    def said(self, event: Resource) -> str:
        """What it changed, and what it printed."""
        if not isinstance(event, ResourceFinished):
            return ""
        status = told_status(event)
        changes = f"{status}: {what_changes(event)}".rstrip(": ") if status in ("changed", "ran") else ""
        return "\n".join(part for part in (changes, event.output.rstrip("\n")) if part)


class Contacts:
    """Gathers contacts from a run's events; `all` has them in the order in which they began."""

    def __init__(self) -> None:
        self.all: list[Contact] = []
        self._open: dict[tuple[str, str], Contact] = {}

    def __call__(self, event: Event) -> None:
        """Take `event`."""
        if isinstance(event, ContactStarted):
            contact = self._open[event.host, event.role] = Contact(event.host, event.role)
            self.all.append(contact)
            return
        found = self._open.get((event.host, event.role))
        if found is None:
            return
        if isinstance(event, (ResourceFinished, ResourceFailed)):
            found.resources.append(event)
        elif isinstance(event, EvaluationFinished):
            found.evaluation = event
        elif isinstance(event, ContactFinished):
            found.ending = event
