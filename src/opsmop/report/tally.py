"""What a run came to, counted from its events. It shows nothing: every report counts with it."""

from __future__ import annotations

from opsmop.events import (
    ContactFinished,
    ContactStarted,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    RoleFinished,
    RoleStarted,
    RunFinished,
    RunStarted,
    Warned,
)
from opsmop.events.lines import event_place, is_assumed, same_failure, told_status
from opsmop.wire.records import dataclass, field, replace

# The kinds of ending a host can come to, worst first; a host's ending in a run is the worst of its roles'.
ENDINGS = ("failed", "unreachable", "cancelled", "not contacted", "changed", "ok", "skipped")

_ENDING_OF_STATUS = {"failed": "failed", "unreachable": "unreachable", "lost": "unreachable", "cancelled": "cancelled"}


@dataclass(frozen=True)
class Reason:
    """Why a host failed.

    :param role: the role that failed there
    :param status: the contact's: ``failed``, ``unreachable``, ``lost`` or ``cancelled``
    :param failure: the error
    :param resource: type and name of the resource that failed, if it was one
    """

    role: str
    status: str
    failure: Failure
    resource: str = ""


@dataclass(frozen=True)
class HostTally:
    """What became of one host, over all roles; numbers count resources.

    :param ending: one of `ENDINGS`; ``not contacted`` until a contact has ended
    :param lost: whether it went away in the middle of a role
    :param ok: nothing to do
    :param changed: changed; in check mode: will certainly change
    :param ran: commands that ran, or would run, because nothing guards them
    :param assumed: in check mode: changes and commands that check could not be certain of, in neither count above
    :param failed: failures that the policy did not ignore
    :param ignored: failures that ``ignore_errors`` let pass, or that the policy caught
    :param skipped: resources whose guards said that there is nothing to do
    :param warnings: warnings
    :param untouched: the roles that did not come to it
    :param left_out: the roles whose hook before ran and whose hook after did not
    :param reasons: why it failed, one per role at most
    :param beyond: the places beyond which check could not predict
    :param duration: seconds spent in its contacts
    """

    ending: str = "not contacted"
    lost: bool = False
    ok: int = 0
    changed: int = 0
    ran: int = 0
    assumed: int = 0
    failed: int = 0
    ignored: int = 0
    skipped: int = 0
    warnings: int = 0
    untouched: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    beyond: tuple[str, ...] = ()
    duration: float = 0.0

    @property
    def touched(self) -> bool:
        """Whether anything changed or ran on it, or would."""
        return bool(self.changed or self.ran or self.assumed)


@dataclass
class _Contact:
    """What is known of a contact that has not ended."""

    failures: list[ResourceFailed] = field(default_factory=list)
    evaluation: EvaluationFinished | None = None


class Tally:
    """Counts what a run's events come to.

    `hosts` are those that any role named, in the order in which they were named; `mode`, `stopped`, `roles_left`,
    `duration` (seconds) and `exit_status` are the run's own.
    """

    def __init__(self) -> None:
        self.hosts: dict[str, HostTally] = {}
        self.mode = ""
        self.failed_roles: tuple[str, ...] = ()
        self.stopped = ""
        self.roles_left: tuple[str, ...] = ()
        self.duration = 0.0
        self.exit_status = 0
        self._contacts: dict[str, _Contact] = {}

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        if isinstance(event, (RunStarted, RunFinished, RoleStarted, RoleFinished)):
            self._count_run(event)
        elif event.host:
            self._count_host(event, self.hosts.get(event.host, HostTally()))

    def ended(self, ending: str) -> tuple[str, ...]:
        """The hosts that came to `ending`, one of `ENDINGS`."""
        return tuple(name for name, tally in self.hosts.items() if tally.ending == ending)

    def sorted_hosts(self) -> list[tuple[str, HostTally]]:
        """Hosts and their tallies, those that ended worst first."""
        return sorted(self.hosts.items(), key=lambda pair: ENDINGS.index(pair[1].ending))

    def _count_run(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self.mode = event.mode
        elif isinstance(event, RunFinished):
            self.exit_status, self.duration = event.exit_status, event.duration
            self.stopped, self.roles_left = event.stopped, event.roles_left
        elif isinstance(event, RoleStarted):
            self.hosts.update({name: HostTally() for name in event.hosts if name not in self.hosts})
        elif isinstance(event, RoleFinished):
            self.failed_roles += (event.role,) if event.failed else ()
            for name in event.untouched:
                self.hosts[name] = _untouched(self.hosts.get(name, HostTally()), event.role)

    def _count_host(self, event: Event, tally: HostTally) -> None:
        contact = self._contacts.setdefault(event.host, _Contact())
        if isinstance(event, ContactStarted):
            self._contacts[event.host] = _Contact()
        elif isinstance(event, ResourceFinished):
            tally = _with_finished(tally, event)
        elif isinstance(event, ResourceFailed):
            tally = _with_failed(tally, event)
            if not event.ignored:
                contact.failures.append(event)
        elif isinstance(event, Warned):
            tally = replace(tally, warnings=tally.warnings + 1)
        elif isinstance(event, EvaluationFinished):
            contact.evaluation = event
            tally = replace(tally, beyond=tally.beyond + ((event.beyond,) if event.beyond else ()))
        elif isinstance(event, ContactFinished):
            tally = _with_contact(tally, event, contact)
        self.hosts[event.host] = tally


def _with_finished(tally: HostTally, event: ResourceFinished) -> HostTally:
    column = told_status(event)
    if column in ("changed", "ran") and is_assumed(event):
        column = "assumed"
    return replace(tally, **{column: getattr(tally, column) + 1})


def _with_failed(tally: HostTally, event: ResourceFailed) -> HostTally:
    if event.ignored:
        return replace(tally, ignored=tally.ignored + 1)
    return replace(tally, failed=tally.failed + 1)


def _untouched(tally: HostTally, role: str) -> HostTally:
    ending = min("not contacted", tally.ending, key=ENDINGS.index)
    return replace(tally, ending=ending, untouched=(*tally.untouched, role))


def _with_contact(tally: HostTally, event: ContactFinished, contact: _Contact) -> HostTally:
    duration = tally.duration + event.duration
    lost = tally.lost or event.status == "lost"
    ending = _ENDING_OF_STATUS.get(event.status, "skipped")
    if event.status == "ok":
        ending = "changed" if tally.touched else "ok"
    worst = min(ending, "skipped" if tally.ending == "not contacted" else tally.ending, key=ENDINGS.index)
    reasons = tally.reasons + _reasons(event, contact)
    left_out = tally.left_out + ((event.role,) if event.left_out else ())
    if event.status == "ok":  # the policy caught whatever failed
        caught = len(contact.failures)
        tally = replace(tally, failed=tally.failed - caught, ignored=tally.ignored + caught)
    if event.status == "failed" and not contact.failures:  # the role itself failed, and none of its resources
        tally = replace(tally, failed=tally.failed + 1)
    return replace(tally, ending=worst, lost=lost, duration=duration, reasons=reasons, left_out=left_out)


def _reasons(event: ContactFinished, contact: _Contact) -> tuple[Reason, ...]:
    if event.status not in _ENDING_OF_STATUS:
        return ()
    last = contact.failures[-1] if contact.failures else None
    told = event.failure or (contact.evaluation.failure if contact.evaluation else None)
    if last is not None and (told is None or same_failure(told, last.failure)):
        failure = last.failure if last.failure.place else replace(last.failure, place=event_place(last))
        return (Reason(event.role, event.status, failure, resource=f"{last.type} {last.name}".strip()),)
    return (Reason(event.role, event.status, told),) if told is not None else ()
