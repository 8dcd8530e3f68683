"""One role going to one host, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from opsmop.drive.asking import ask_if_defined, told
from opsmop.drive.cargo import Cargo
from opsmop.drive.hooks import hooks_of
from opsmop.drive.ledger import Ledger
from opsmop.drive.operator import operator
from opsmop.drive.preparing import Assignment, Run
from opsmop.drive.rebooting import await_return
from opsmop.drive.strange import refuse_strange
from opsmop.drive.watch import Watch
from opsmop.errors import (
    ConnectError,
    HostKeyError,
    HostLostError,
    OpsMopError,
    ProtocolError,
    SudoError,
    TransportError,
)
from opsmop.events import ContactFinished, ContactStarted, Event, Failure, Warned
from opsmop.inventory import Host
from opsmop.settings import fact_options
from opsmop.ship.bundle import Bundle
from opsmop.transport.base import Traffic, Transport
from opsmop.transport.files import Served
from opsmop.wire.order import BOOT, Order
from opsmop.wire.records import dataclass, field, replace

LARGEST_RIDERS = 4 << 20  # bytes of files that go along with one order


@dataclass(frozen=True)
class Ending:
    """How a contact ended.

    :param host: the host's name
    :param status: as `ContactFinished` has it; ``untouched`` if the run was over before it began
    :param pending: whether anything changed or ran, or would
    :param value: what `main()` returned there
    :param excused: whether its role lets it be unreachable
    :param planned: in check mode, the machine on which something was planned
    :param reboots: whether it is this machine, which now reboots
    :param passed_over: whether `should_contact()` said no, so that the host was left as it was
    """

    host: str
    status: str
    pending: bool = False
    value: Any = None
    excused: bool = False
    planned: str = ""
    reboots: bool = False
    passed_over: bool = False

    @property
    def failed(self) -> bool:
        """Whether later roles must not run because of it."""
        return self.status not in ("ok", "skipped", "untouched") and not self.excused


@dataclass(frozen=True)
class Contacts:
    """What the contacts of one role have in common.

    :param run: the run
    :param assignment: the role
    :param cargo: what travels
    :param transport: how it travels
    :param say: takes every event; called from many threads
    :param over: whether the run has been told to end
    :param files: controller files that ride along with the order
    :param templates: those of them, and of the role's texts, that are templates and were made Python of
    :param planned: in check mode, the machines on which earlier roles have planned something
    :param watch: is told what they are at
    """

    run: Run
    assignment: Assignment
    cargo: Cargo
    transport: Transport
    say: Callable[[Event], None]
    over: Callable[[], bool]
    files: Mapping[str, bytes] = field(default_factory=dict)
    planned: frozenset[str] = frozenset()
    templates: Mapping[str, str] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)

    def contact(self, host: Host) -> Ending:
        """Contact `host`; every error becomes its ending."""
        if self.over():
            return Ending(host.name, "untouched")
        self.watch.begun(host.name)
        return _Contact(self, host).ended()


class _Contact:
    """One of them."""

    def __init__(self, contacts: Contacts, host: Host) -> None:
        self.contacts = contacts
        self.host = host
        self.role = contacts.assignment.stint.role
        self.hooked = contacts.run.settings.reach == "push"
        self.ledger = Ledger(host.name, self.role.name)
        self._traffic = Traffic()  # of an evaluation that ended by itself

    @property
    def _machine(self) -> str:
        """The name of the host on which the role runs for this one."""
        way = self.contacts.assignment.routes.get(self.host.name)
        return way.host if way is not None else self.host.name

    def ended(self) -> Ending:
        started = time.monotonic()
        self._say(ContactStarted(delegate=self._machine if self._machine != self.host.name else ""))
        status, failure, traffic = self._attempted()
        if failure is not None:
            failure = self._announced(status, failure)
        for event in self.ledger.unfinished(failure or Failure(message="the role ended before this did")):
            self._say(event)
        self._say(
            ContactFinished(
                status=status,
                failure=failure,
                duration=time.monotonic() - started,
                sent=traffic.sent,
                received=traffic.received,
                requests=traffic.requests,
                left_out=self.contacts.watch.is_out(self.role.name, self.host.name),
            )
        )
        excused = (
            status == "unreachable"
            and self.contacts.assignment.stint.skips_unreachable
            and (failure is None or failure.error not in _SUSPICIOUS)
        )
        planned = self._machine if self.ledger.planned and not self._applies() else ""
        ending = self.ledger.ending
        reboots = ending is not None and bool(ending.rebooting) and not self.hooked
        passed_over = status == "skipped" and ending is None
        return Ending(
            self.host.name, status, self.ledger.pending, self.ledger.value, excused, planned, reboots, passed_over
        )

    def _attempted(self) -> tuple[str, Failure | None, Traffic]:
        try:
            if self.hooked and not self._asked("should_contact"):
                return "skipped", None, Traffic()
            self._refuse_in_vain()
            hooks = hooks_of(self.role)
            if self.hooked and self._applies() and hooks.before and hooks.after:
                self.contacts.watch.take_out(self.role.name, self.host.name)
            self._call(hooks.before)
            traffic = self._traffic = self._evaluated()
            status, failure = self._judged()
            self._await_reboot()
            if status in ("ok", "skipped"):  # what the hooks before took out of service is in order, and goes back
                self._call(hooks.after)
                self.contacts.watch.put_back(self.role.name, self.host.name)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this host's ending and no other's
            if isinstance(error, TransportError) and any(error.spent):
                self._traffic = Traffic(*error.spent)
            return self._status_of(error), told(error), self._traffic
        return status, failure, traffic

    def _refuse_in_vain(self) -> None:
        """Let no hook take a host out of service that nobody can come to, or that could not read its variables."""
        error = self.contacts.assignment.lost.get(self.host.name)
        if error is not None:
            raise error
        for label, variables in self.host.layers():
            refuse_strange(label, variables)

    def _applies(self) -> bool:
        return self.contacts.run.settings.mode == "apply"

    def _call(self, hooks: tuple[str, ...]) -> None:
        # They change load balancers and the like: check must not.
        if self.hooked and self._applies():
            for name in hooks:
                self._asked(name)

    def _asked(self, method: str, *arguments: Any) -> Any:
        with self.contacts.watch.calling(self.host.name, method):
            return ask_if_defined(self.role, method, self.host, *arguments)

    def _evaluated(self) -> Traffic:
        contacts = self.contacts
        return self._converse(
            self._order(), contacts.cargo.packages, lambda event: contacts.say(self.ledger.heard(event))
        )

    def _converse(self, order: Order, packages: Bundle | None, receive: Callable[[Event], None]) -> Traffic:
        contacts = self.contacts
        return contacts.transport.evaluate(
            contacts.assignment.routes[self.host.name],
            order,
            packages,
            receive,
            Served(contacts.assignment.rules, contacts.run.depot, self._forbidden),
        )

    def _await_reboot(self) -> None:
        """Wait for a host that its role has rebooted. This machine, if it is that, is not there to wait."""
        ending, run = self.ledger.ending, self.contacts.run
        if ending is not None and ending.rebooting and self.hooked and self._applies():
            order = Order(run=run.id, host=self.host.name, role=self.role.name, mode=BOOT)
            await_return(
                self.host.name,
                ending,
                order,
                lambda order, receive: self._converse(order, None, receive),
                self.contacts.over,
            )

    def _forbidden(self, text: str) -> None:
        self._say(Warned(text=text))

    def _order(self) -> Order:
        run, settings = self.contacts.run, self.contacts.run.settings
        attached = ("values that hooks attached", self.host.values)
        layers = (*self.host.layers(), *((attached,) if self.host.values else ()))
        for label, variables in layers:
            refuse_strange(label, variables)
        return Order(
            run=run.id,
            host=self.host.name,
            role=self.role.name,
            mode=settings.mode,
            parcel=self.contacts.cargo.parcel,
            inventory=layers,
            extra=settings.extra,
            files=self.contacts.files,
            policy_file=str(run.policy_file),
            options=self._options(),
        )

    def _options(self) -> dict[str, Any]:
        settings = self.contacts.run.settings
        said = {"verbose": settings.verbose, "diff": settings.diff, "log": settings.defaults["log_path"]}
        said["templates"] = self.contacts.templates
        said["planned"] = self._machine in self.contacts.planned
        if settings.reach == "local":
            said["of_others"] = self.host.of_others()
        if self._applies():
            said["lock"] = {"who": operator(), "forced": settings.force_lock}
        return {**said, **fact_options(settings, self.host.name, self.role.name)}

    def _judged(self) -> tuple[str, Failure | None]:
        ending = self.ledger.ending
        if ending is None:
            raise HostLostError(f"{self.host.name} ended the role without a word", host=self.host.name)
        if ending.status not in ("ok", "failed", "skipped", "cancelled"):
            raise ProtocolError(f"{self.host.name} ended the role as {ending.status!r}", host=self.host.name)
        if ending.status == "cancelled" and not self.contacts.over():
            return "failed", ending.failure or Failure(message="something on the host ended the role")
        return ending.status, ending.failure

    def _status_of(self, error: Exception) -> str:
        if self.contacts.over() and isinstance(error, HostLostError):
            return "cancelled"
        if isinstance(error, (ConnectError, SudoError)):
            return "unreachable"
        if isinstance(error, (HostLostError, ProtocolError)):
            return "lost" if self.ledger.started else "unreachable"
        return "failed"

    def _announced(self, status: str, failure: Failure) -> Failure:
        if self.hooked and status != "cancelled" and self._applies():
            try:
                self._asked("on_failure", failure)
            except OpsMopError as error:
                return replace(failure, message=f"{failure.message}\n{error}")
        return failure

    def _say(self, event: Event) -> None:
        self.contacts.say(replace(event, ts=time.time(), host=self.host.name, role=self.role.name))


# What may be somebody else in the host's place is never passed over as merely away.
_SUSPICIOUS = (HostKeyError.__name__, ProtocolError.__name__)
