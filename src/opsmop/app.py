"""From settings to an exit status: the one place that knows what they mean."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from opsmop.drive import Drive, Interruption, Live, Outcome, Run, prepare, ship
from opsmop.drive.asking import told
from opsmop.drive.reading.handlers import refuse_unknown_handlers
from opsmop.drive.remembered import remember
from opsmop.errors import OpsMopError
from opsmop.events import Event, Failure, Found, RunFinished, RunStarted
from opsmop.language.evaluation import EVALUATION
from opsmop.language.policy import Policy
from opsmop.report.outputs import CONSOLE, PeoplesReport, Reports, Wishes, refused
from opsmop.settings import Settings, fact_options
from opsmop.settings.command import without_values
from opsmop.wire.memory import leave_no_core

if TYPE_CHECKING:
    from opsmop.records.recorder import Recorder
    from opsmop.transport.base import Transport

OK, FAILED, NOTHING_RAN, PENDING = 0, 1, 2, 3
SIGNALLED = 128  # a shell's status for what a signal ended begins above it


def exit_status(outcome: Outcome, settings: Settings) -> int:
    """The exit status of a run that began."""
    if outcome.signal or outcome.stopped == "interrupted":  # policy code may have raised that itself
        return SIGNALLED + (outcome.signal or signal.SIGINT)
    if outcome.error is not None and not outcome.contacted:
        return NOTHING_RAN
    if outcome.error is not None or outcome.failed:
        return FAILED
    pending = settings.detailed_exitcode and settings.mode == "check" and outcome.pending
    return PENDING if pending else OK


@contextmanager
def facts_at_hand(settings: Settings) -> Iterator[None]:
    """In local mode this machine is the target: its facts may be asked wherever the policy is."""
    if settings.reach == "push":
        yield
        return
    from opsmop.target.this_machine import ThisMachine  # with the target half, which a push does not need here

    token = EVALUATION.set(ThisMachine(fact_options(settings)))
    try:
        yield
    finally:
        EVALUATION.reset(token)


def transport_for(settings: Settings, live: Live) -> Transport:
    """What carries roles to hosts, or evaluates them in this process."""
    if settings.reach == "push":
        workers, connects = settings.defaults["push_workers"], settings.defaults["ssh_connects"]
        if workers > 1:
            from opsmop.transport.workers import Workers  # seldom asked for

            return Workers(workers, connects=connects)
        from opsmop.transport.direct import Direct  # a local run needs no ssh

        return Direct(connects=connects)
    from opsmop.transport.inprocess import InProcess  # brings the target half, which a push does not need here

    return InProcess(live)


def recorder(settings: Settings) -> Recorder | None:
    """What keeps a run on record, where runs are kept."""
    keep = settings.defaults["records_keep"]
    if not keep:
        return None
    from opsmop.records.recorder import Recorder  # not where runs are not kept
    from opsmop.settings.state import state_folder  # as above

    return Recorder(state_folder() / "runs", keep)


class App:
    """Runs a policy for somebody at a terminal.

    :param policy: the policy
    :param policy_file: its file; relative paths are relative to it
    :param settings: how to run it
    :param people: makes what people read of the stream that takes it; the console report if not given
    :param out: takes the report
    :param err: takes what is wrong, and what people read if `out` takes data for machines
    """

    def __init__(
        self,
        policy: Policy,
        policy_file: Path,
        settings: Settings,
        people: Callable[[TextIO], PeoplesReport] | None = None,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.policy = policy
        self.policy_file = policy_file
        self.settings = settings
        self.out = out or sys.stdout
        self.err = err or sys.stderr
        self._reports = Reports(_wishes(settings), self.out, self.err, os.environ, people)
        self._recorder: Recorder | None = None
        self._drive: Drive | None = None

    def run(self) -> int:
        """Do what the settings say.

        :returns: the exit status: 0 good, 1 something failed or the report could not be written, 2 nothing ran on any
            host, 3 changes are pending (if that was asked for), 130 and 143 after SIGINT and SIGTERM
        """
        leave_no_core()
        live = Live()
        transport = transport_for(self.settings, live)
        interruption = Interruption(transport.close, self._cut_off)
        try:
            with interruption.heeded(), facts_at_hand(self.settings):
                status = self._ran(transport, live, interruption)
        except OpsMopError as error:
            show(error, self.err)
            status = self._ended(NOTHING_RAN, told(error))
        except KeyboardInterrupt:
            status = self._ended(SIGNALLED + (interruption.signal or 2))
        finally:
            transport.close()
            self._close_reports()
        return self._checked(status)

    def _cut_off(self) -> None:
        """Somebody did not want to wait for the hosts."""
        self.err.write(
            "\nopsmop: ended at once. What was under way on the hosts was cut off; the next run looks again.\n"
        )
        if self._drive is not None:
            self._tell_left_out(self._drive.watch.left_out())
            self._remember(self._drive.run, self._drive.cut_off())
        self.err.flush()

    def _tell_left_out(self, left_out: Mapping[str, Sequence[str]]) -> None:
        if left_out:
            self.err.write("Left out: the hook before the role ran, the hook after it did not\n")
        for role, hosts in left_out.items():
            self.err.write(f"  {role}: {', '.join(hosts)}\n")

    def _shown(self, event: Event) -> None:
        self._reports(event)
        if self._recorder is not None:
            self._recorder(event)

    def _ended(
        self, status: int, failure: Failure | None = None, findings: Sequence[Found] = (), roles: Sequence[str] = ()
    ) -> int:
        """Let machines know of a run that did not come to its end; people were told."""
        settings, now = self.settings, time.time()
        command = without_values(settings.command)
        policy = str(self.policy_file)
        begun = RunStarted(
            ts=now, mode=settings.mode, reach=settings.reach, policy=policy, roles=tuple(roles), command=command
        )
        self._reports.end(begun, RunFinished(ts=now, exit_status=status, failure=failure), findings)
        return status

    def _close_reports(self) -> None:
        self._reports.close()
        if self._recorder is not None:
            self._recorder.close()

    def _checked(self, status: int) -> int:
        if self._recorder is not None and self._recorder.error is not None:
            self.err.write(f"opsmop: there is no whole record of this run: {self._recorder.error}\n")
        error = self._reports.error
        if error is None:
            return status
        self.err.write(f"opsmop: the output could not be written: {error.strerror}\n")
        return status or FAILED

    def _ran(self, transport: Transport, live: Live, interruption: Interruption) -> int:
        if self.settings.mode == "validate" and not self.settings.list_hosts:
            return self._validated()
        run = prepare(self.policy, self.policy_file, self.settings)
        if self.settings.list_hosts:
            return self._listed(run)
        refuse_unknown_handlers(assignment.stint.role for assignment in run.assignments)
        self._recorder = recorder(self.settings)
        pushed = self.settings.reach == "push"
        self._drive = Drive(
            run,
            transport=transport,
            pack=ship if pushed else live.pack,
            report=self._shown,
            interruption=interruption,
            judge=lambda outcome: exit_status(outcome, self.settings),
        )
        if pushed:
            self._drive.preflight()
        return self._driven(self._drive)

    def _driven(self, drive: Drive) -> int:
        try:
            outcome = drive.drive()
        except Exception as error:  # noqa: BLE001 - a fault of ours; its traceback is what its finder can send us
            import traceback  # only then

            self.err.write(traceback.format_exc())
            return self._ended(FAILED if drive.outcome.contacted else NOTHING_RAN, told(error))
        if outcome.error is not None:
            show(outcome.error, self.err)
        self._remember(drive.run, outcome)
        return exit_status(outcome, self.settings)

    def _remember(self, run: Run, outcome: Outcome) -> None:
        if (self.settings.mode, self.settings.reach) != ("apply", "push"):
            return
        try:
            left = remember(run, outcome)
        except OSError as error:
            self.err.write(f"opsmop: the hosts that failed cannot be remembered: {error}\n")
            return
        self._tell_leftover(run, left)

    def _tell_leftover(self, run: Run, left: Mapping[str, Sequence[str]]) -> None:
        """Say which hosts have not got which roles: a retry that ends well would hide it."""
        from opsmop.report.retry import listed_hosts, whole_command  # seldom is anything left over

        run_now = {assignment.stint.role.name for assignment in run.assignments}
        left = {role: hosts for role, hosts in left.items() if role in run_now}
        if left:
            roles = "; ".join(f"{role} on {listed_hosts(hosts)}" for role, hosts in left.items())
            hosts = list(dict.fromkeys(name for names in left.values() for name in names))
            whole = whole_command(self.settings.command, str(self.policy_file), hosts)
            self.err.write(f"opsmop: not run since a failure stopped it: {roles}\n  To run all there: {whole}\n")

    def _listed(self, run: Run) -> int:
        for assignment in run.assignments:
            self.out.write(f"{assignment.stint.role.name}\n")
            for number, batch in enumerate(assignment.stint.batches, 1):
                self.out.write(f"  batch {number}: {', '.join(host.name for host in batch)}\n")
        return OK

    def _validated(self) -> int:
        """Look for everything that can be wrong without contacting a host, and show all of it."""
        from opsmop.drive.validating import validate  # reads templates, which takes jinja2

        found = validate(self.policy, self.policy_file, self.settings)
        for error in found.wrong:
            show(error, self.err)
        for error in found.doubtful:
            show(error, self.err, kind="warning: ")
        status = NOTHING_RAN if found.wrong else OK
        wrong = [Found(failure=told(error)) for error in found.wrong]
        doubtful = [Found(failure=told(error), doubtful=True) for error in found.doubtful]
        self._ended(status, findings=[*wrong, *doubtful], roles=found.roles)
        if found.wrong:
            self.err.write(f"Found wrong: {len(found.wrong)}, in {len(found.roles)} role(s).\n")
        else:
            stream = self.out if self.settings.output == CONSOLE else self.err
            stream.write(f"{self.policy.name}: {len(found.roles)} role(s) looked at, nothing found wrong.\n")
        return status


def _wishes(settings: Settings) -> Wishes:
    return Wishes(
        output=settings.output,
        verbose=settings.verbose,
        diff=settings.diff,
        color=settings.color,
        command=settings.command,
    )


def refuse(error: OpsMopError, arguments: Sequence[str]) -> None:
    """Say what is wrong with a command line, a setting or a policy's file, before anything could run.

    :param arguments: what was typed; machines are told too if it names a form for them
    """
    show(error, sys.stderr)
    words = " ".join(arguments).replace("--output=", "--output ").split()
    if "--output" in words[:-1]:
        refused(told(error), words[words.index("--output") + 1], sys.stdout, os.environ)


def show(error: OpsMopError, stream: TextIO, *, kind: str = "") -> None:
    """Write what is wrong in a few lines: place, message, the author's frames, remedy."""
    failure = told(error)
    place = f"{failure.place}: " if failure.place else ""
    lines = [f"opsmop: {kind}{place}{failure.message}", failure.trace, failure.output]
    lines += [f"  {line}" for line in failure.remedy.splitlines()]
    stream.write("".join(f"{line.rstrip()}\n" for line in lines if line.strip()))
