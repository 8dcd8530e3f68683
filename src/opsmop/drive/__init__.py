"""Contacts hosts, role by role and batch by batch, and is the one place where a run stops."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opsmop.drive.asking import told, variables_said
from opsmop.drive.cargo import Cargo, Layers, Live, Pack, ship
from opsmop.drive.channel import Channel
from opsmop.drive.contact import LARGEST_RIDERS, Contacts, Ending
from opsmop.drive.crew import crew
from opsmop.drive.hooks import hooks_of
from opsmop.drive.interruption import HEED, Interruption
from opsmop.drive.late import Late
from opsmop.drive.outcome import Outcome
from opsmop.drive.preparing import Assignment, Run, own_layers, prepare
from opsmop.drive.readying import readied
from opsmop.drive.results import NoResultError, Results, seeing
from opsmop.drive.watch import Watch
from opsmop.errors import HostLostError, OpsMopError
from opsmop.events import HOST_EVENTS, ContactStarted, Event, RoleFinished, RoleStarted, RunFinished, RunStarted, Warned
from opsmop.inventory import Host
from opsmop.language.role import Role
from opsmop.schedule import Stint
from opsmop.settings.command import without_values
from opsmop.transport.base import Transport
from opsmop.wire.records import replace

__all__ = [
    "Assignment",
    "Cargo",
    "Drive",
    "Interruption",
    "Layers",
    "Live",
    "NoResultError",
    "Outcome",
    "Pack",
    "Results",
    "Run",
    "own_layers",
    "prepare",
    "ship",
]


_LEAD = 0.003  # seconds by which the first ssh is to be ahead of what this thread would keep the interpreter busy with


class Drive:
    """Runs what was prepared.

    :param run: what was prepared
    :param transport: how hosts are reached
    :param pack: makes of a role and its layers what travels
    :param report: takes every event, in the thread that calls `drive`
    :param interruption: whether the run was told to end
    :param judge: the exit status of an outcome
    """

    def __init__(
        self,
        run: Run,
        *,
        transport: Transport,
        pack: Pack,
        report: Callable[[Event], None],
        interruption: Interruption,
        judge: Callable[[Outcome], int],
    ) -> None:
        self.run = run
        self.transport = transport
        self.pack = pack
        self.report = report
        self.interruption = interruption
        self.judge = judge
        self.outcome = Outcome()
        self.watch = Watch()
        self._count = 0
        self._values: dict[str, Any] = {}
        self._packed: dict[int, Cargo] = {}
        self._failed_now: list[str] = []  # in the role that runs
        self._turned_to: set[str] = set()  # by the role that runs
        self._planned: set[str] = set()  # in check mode, the machines on which something was
        self._channel = Channel()
        self._abandoned = False
        self._reboots = False
        self._beginning = False  # and not yet at the first contacts, than which reports take longer to begin
        self._untold: deque[Event] = deque()

    def preflight(self) -> None:
        """Pack every role with what is known of it by now, so that what cannot travel is refused before any contact.

        :raises ShipError: naming what cannot travel
        """
        for number, assignment in enumerate(self.run.assignments):
            if assignment.stint.hosts:
                role = assignment.stint.role
                self._packed[number] = self.pack(role, self._layers(role, {}), self.run.additions)

    def drive(self) -> Outcome:
        """Run the roles, in order, until one fails or the run is told to end."""
        started = time.monotonic()
        stints = [assignment.stint for assignment in self.run.assignments if assignment.stint.hosts]
        self._beginning = not any(_speaks_here(stint.role) for stint in stints[:1])
        self._begin()
        left = [assignment.stint.role.name for assignment in self.run.assignments]
        try:
            for number, assignment in enumerate(self.run.assignments):
                self._role(number, assignment)
                left.pop(0)
                if self._reboots and left:
                    raise HostLostError("this machine reboots now", remedy=f"Run it again for {', '.join(left)}.")
                if self._stops(assignment):
                    break
        except OpsMopError as error:
            self.outcome.error = error
            self.outcome.stopped = "an error on the control machine"  # which the outcome holds, and which is told
        except KeyboardInterrupt:  # ours while nothing was awaited, or one that an ended role left behind
            self.outcome.stopped = "interrupted"
        finally:
            self._tell()
        self.outcome.signal = self.interruption.signal
        self._say(
            RunFinished(
                exit_status=self.judge(self.outcome),
                duration=time.monotonic() - started,
                stopped=self.outcome.stopped,
                roles_left=tuple(left),
                failure=told(self.outcome.error) if self.outcome.error is not None else None,
            )
        )
        return self.outcome

    def cut_off(self) -> Outcome:
        """What the run has come to if it ends now: what is under way on hosts has failed. Callable from any thread."""
        failed = dict.fromkeys((*self.outcome.failed, *self._failed_now, *self.watch.at_work()))
        return replace(self.outcome, failed=failed)

    def _begin(self) -> None:
        run, settings = self.run, self.run.settings
        roles = tuple(assignment.stint.role.name for assignment in run.assignments)
        policy, command = str(run.policy_file), without_values(settings.command)
        self._say(RunStarted(mode=settings.mode, reach=settings.reach, policy=policy, roles=roles, command=command))
        for warning in (*(Warned(text=text) for text in settings.defaults.warnings), *run.doubts):
            self._say(warning)

    def _stops(self, assignment: Assignment) -> bool:
        if self.interruption.over:
            self.outcome.stopped = "interrupted"
        elif self.outcome.exceeded:
            self.outcome.stopped = f"{assignment.stint.role.name} failed on {_hosts(len(self._failed_now))}"
            if assignment.stint.allowed:
                self.outcome.stopped += f", and {assignment.stint.allowed} may"
        return bool(self.outcome.stopped)

    def _role(self, number: int, assignment: Assignment) -> None:
        assignment = self._without_failed(assignment)
        role, hosts = assignment.stint.role, assignment.stint.hosts
        if not hosts:
            return
        cargo = self._cargo(number, role)
        self._say(RoleStarted(role=role.name, hosts=tuple(host.name for host in hosts), hooks=self._hooks(role)))
        for note in assignment.notes:
            self._say(Warned(role=role.name, host=hosts[0].name, text=note))
        files = Late(lambda: assignment.rules.riders(cargo.strings, LARGEST_RIDERS))
        planned = frozenset(self._planned)
        templates = Late(lambda: self._templates(files, cargo))
        say, over = self._channel.say, self._over
        contacts = Contacts(
            self.run, assignment, cargo, self.transport, say, over, files, planned, templates, self.watch
        )
        self._batches(assignment, contacts)
        left = tuple(host.name for host in hosts if host.name not in self._turned_to)
        self._say(RoleFinished(role=role.name, failed=tuple(self._failed_now), untouched=left))

    def _templates(self, files: Mapping[str, bytes], cargo: Cargo) -> dict[str, str]:
        """What is made ready of the role's templates, where they are rendered elsewhere."""
        return readied(files, cargo.strings, self.run.additions) if self.run.settings.reach == "push" else {}

    def _hooks(self, role: Role) -> tuple[str, ...]:
        hooks = hooks_of(role)
        return (*hooks.before, *hooks.after) if self.run.settings.reach == "push" else ()

    def _without_failed(self, assignment: Assignment) -> Assignment:
        """It without the hosts that an earlier role failed on, and a word about why some or all are missing."""
        role, failed = assignment.stint.role.name, self.outcome.failed
        left = assignment.stint.without(failed)
        gone = [host.name for host in assignment.stint.hosts if host.name in failed]
        if gone:
            self._say(Warned(role=role, text=f"{role} goes on without what failed before: {', '.join(gone)}"))
        elif not left.hosts:
            self._say(Warned(role=role, text=f"the limits leave no host for role {role}"))
        return replace(assignment, stint=left)

    def _cargo(self, number: int, role: Role) -> Cargo:
        with seeing(role, self._values, alone=self.run.settings.reach == "local"):
            said = variables_said(role)
        packed, self._packed = self._packed.get(number), {}  # later roles are packed after code of the policy ran
        if packed is not None and getattr(role.set_variables, "__func__", None) is Role.set_variables:
            return packed
        return self.pack(role, self._layers(role, said), self.run.additions)

    def _layers(self, role: Role, said: dict[str, Any]) -> Layers:
        return (*self.run.policy_layers, *own_layers(role, said))

    def _batches(self, assignment: Assignment, contacts: Contacts) -> None:
        self._failed_now, self._turned_to = [], set()
        with seeing(assignment.stint.role, self._values if self.run.settings.reach == "push" else None):
            for batch in assignment.stint.batches:
                self._batch(batch, assignment.stint.window, contacts)
                self.outcome.exceeded = len(self._failed_now) > assignment.stint.allowed
                if self.outcome.exceeded or self.interruption.over:
                    break
        self.outcome.failed.update(dict.fromkeys(self._failed_now))
        if self._failed_now and not self.outcome.exceeded:
            self._say(Warned(role=assignment.stint.role.name, text=_tolerated(assignment.stint, self._failed_now)))

    def _batch(self, batch: tuple[Host, ...], window: int, contacts: Contacts) -> None:
        with (
            self.interruption.waking(lambda: self._channel.put(None), lambda: self._channel.put(HEED)),
            crew(window, batch, lambda host: self._contact(contacts, host)),
            self._abandoning_on_error(),
        ):
            self._make_ready(contacts)
            for ending in self._endings(len(batch)):
                self._failed_now += [ending.host] if ending.failed else []
                self.watch.ended(ending.host)
                if ending.status != "untouched":
                    self.outcome.reached.setdefault(contacts.assignment.stint.role.name, set()).add(ending.host)

    def _make_ready(self, contacts: Contacts) -> None:
        """Do what need not be done before hosts are connected to, which takes longer than this."""
        if self._beginning:
            time.sleep(_LEAD)
        self._tell()
        for wanted in (contacts.files, contacts.templates):
            len(wanted)

    def _contact(self, contacts: Contacts, host: Host) -> None:
        try:
            self._channel.put(contacts.contact(host))
        except BaseException as error:  # noqa: BLE001 - a fault of ours; raised again where people see it
            self._channel.put(error)

    def _endings(self, count: int) -> Iterator[Ending]:
        """Pass events on until `count` contacts have ended, or are known not to begin."""
        while count:
            said = self._channel.take()
            if isinstance(said, Event):
                self._pass_on(said)
            elif isinstance(said, Ending):
                count -= 1
                self._note(said)
                yield said
            elif said is None:
                self._cancel()
            elif said is not HEED:
                raise said

    def _cancel(self) -> None:
        self.transport.cancel()
        waited_for = self.watch.waited_for()
        if waited_for:
            self._say(Warned(text=f"interrupted: waiting for {waited_for} (a second signal ends all at once)"))

    def _pass_on(self, event: Event) -> None:
        if isinstance(event, ContactStarted):
            self.outcome.contacted = True
            self._turned_to.add(event.host)
        if type(event).__name__ in HOST_EVENTS:
            event = replace(event, run=self.run.id, heard=time.time())
            if event.seq:  # the host's own words keep their number and time
                self.report(event)
                return
        self._say(event)

    def _note(self, ending: Ending) -> None:
        self.outcome.pending = self.outcome.pending or ending.pending
        if ending.status in ("ok", "skipped") and not ending.passed_over:
            self.outcome.well[ending.host] = None
        if ending.planned:
            self._planned.add(ending.planned)
        self._reboots = self._reboots or ending.reboots
        if ending.value is not None:
            self._values[ending.host] = ending.value

    def _over(self) -> bool:
        return self._abandoned or self.interruption.over

    @contextmanager
    def _abandoning_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._abandoned = True
            self._channel.open()
            self.transport.cancel()
            raise

    def _say(self, event: Event) -> None:
        self._count += 1
        self._untold.append(replace(event, run=self.run.id, seq=self._count, ts=event.ts or time.time()))
        if not self._beginning:
            self._tell()

    def _tell(self) -> None:
        """Report what was said, from now on at once."""
        self._beginning = False
        untold, self._untold = self._untold, deque()
        for event in untold:  # none after one that cannot be reported
            self.report(event)


def _speaks_here(role: Role) -> bool:
    """Whether code of the policy runs here before a host is contacted: what it prints comes after the run's beginning."""
    own = {name for name in ("set_variables", "should_contact") if getattr(type(role), name) is not getattr(Role, name)}
    return bool(own or hooks_of(role).before)


def _hosts(count: int) -> str:
    return f"{count} host{'s' * (count != 1)}"


def _tolerated(stint: Stint, failed: list[str]) -> str:
    return (
        f"{stint.role.name} failed on {_hosts(len(failed))} of {len(stint.hosts)}, "
        f"and its max_failures() lets {stint.allowed}: the run goes on without {', '.join(failed)}"
    )
