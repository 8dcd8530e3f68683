"""Running a policy from a program or a notebook: nothing is printed and nothing exits; what became of it is returned."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsmop.errors import HostsFailed, OpsMopError, UsageError
from opsmop.events import (
    ChangeReport,
    ContactFinished,
    EvaluationFinished,
    Event,
    Failure,
    ResourceFailed,
    ResourceFinished,
    Warned,
)
from opsmop.language.policy import Policy
from opsmop.settings import Defaults, Settings
from opsmop.settings.sources import usual
from opsmop.wire.records import dataclass, replace

# A policy that imports every public name imports this; only `run` brings what runs it.
if TYPE_CHECKING:
    from opsmop.drive import Live, Outcome, Run
    from opsmop.transport.base import Transport


@dataclass(frozen=True)
class ResourceResult:
    """What became of one resource on one host.

    :param host: the host's name in the inventory
    :param role: the role's name
    :param type: the resource's type, such as ``File``
    :param name: what reports call it
    :param status: ``ok``, ``changed``, ``ran``, ``skipped`` or ``failed``
    :param changes: what was changed, or in check mode would be
    :param assumed: whether check could not know what it will find
    :param ignored: whether it failed and `ignore_errors` let the role go on
    :param rc: the exit status of its command, if it ran one
    :param output: what an `Echo` said, or the end of what its command printed
    :param failure: why it failed
    :param file: the policy file that constructed it
    :param line: the line in that file
    :param duration: seconds
    """

    host: str
    role: str
    type: str
    name: str
    status: str
    changes: tuple[ChangeReport, ...] = ()
    assumed: bool = False
    ignored: bool = False
    rc: int | None = None
    output: str = ""
    failure: Failure | None = None
    file: str = ""
    line: int = 0
    duration: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether it changed something or ran (in check mode: would)."""
        return self.status in ("changed", "ran")


@dataclass(frozen=True)
class HostResult:
    """What became of one role on one host.

    :param host: the host's name in the inventory
    :param role: the role's name
    :param status: as `ContactFinished` has it: ``ok``, ``failed``, ``unreachable``, ``lost``, ``skipped``, ``cancelled``
    :param resources: its resources, in the order of their endings
    :param failure: why it failed
    :param value: what `main()` returned
    """

    host: str
    role: str
    status: str
    resources: tuple[ResourceResult, ...] = ()
    failure: Failure | None = None
    value: Any = None


@dataclass(frozen=True)
class RunResult:
    """What became of a run.

    :param exit_status: what the command line would have ended with
    :param hosts: one entry for each role on each host, in the order of their endings
    :param warnings: what was warned of
    :param stopped: why later roles did not run, if they did not
    :param findings: with ``mode="validate"``, what is wrong
    """

    exit_status: int
    hosts: tuple[HostResult, ...] = ()
    warnings: tuple[str, ...] = ()
    stopped: str = ""
    findings: tuple[OpsMopError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing failed and nothing was found wrong."""
        return not self.failed and not self.stopped and not self.findings

    @property
    def resources(self) -> tuple[ResourceResult, ...]:
        """All resources of all hosts."""
        return tuple(resource for host in self.hosts for resource in host.resources)

    @property
    def changed(self) -> bool:
        """Whether anything changed or ran (in check mode: would)."""
        return any(resource.changed for resource in self.resources)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the hosts on which something failed."""
        return tuple(dict.fromkeys(one.host for one in self.hosts if one.status not in ("ok", "skipped")))

    def of_host(self, name: str) -> tuple[HostResult, ...]:
        """What became of each role on the host of that name."""
        return tuple(one for one in self.hosts if one.host == name)

    def require_ok(self) -> RunResult:
        """The result itself, if no host failed.

        :raises HostsFailed: naming those that did
        """
        if self.failed:
            raise HostsFailed(self.failed)
        return self


def run(
    policy: Policy,
    settings: Settings | None = None,
    *,
    events: Callable[[Event], None] | None = None,
    file: str | Path | None = None,
) -> RunResult:
    """Run a policy. Failures on hosts are in the result; what is wrong before any host is contacted is raised.

    :param policy: the policy
    :param settings: how to run it; ``Settings()``, a check of this machine, if not given. Where its `defaults` say
        nothing, the defaults files and the environment do
    :param events: called with every event as it comes, in this thread
    :param file: the file to which relative paths are relative; the one that the policy's class was written in, else
        a file of the current directory, if not given
    :returns: what became of it
    :raises OpsMopError: if the settings, the policy or the inventory are wrong and nothing ran
    :raises KeyboardInterrupt: if the user ended it; the hosts were told
    """
    if not isinstance(policy, Policy):
        made = policy.__name__ if isinstance(policy, type) else "MyPolicy"
        raise UsageError(f"run was given {policy!r}, not a policy", remedy=f"Write run({made}()).")
    settings = _completed(settings or Settings(), _file_of(policy, file).parent)
    from opsmop.app import facts_at_hand, transport_for  # see above
    from opsmop.drive import Live, prepare  # likewise

    live = Live()
    transport = transport_for(settings, live)
    try:
        with facts_at_hand(settings):
            if settings.mode == "validate":
                from opsmop.drive.validating import validate  # brings jinja2

                found = validate(policy, _file_of(policy, file), settings)
                doubts = tuple(map(str, found.doubtful))
                return RunResult(2 if found.wrong else 0, findings=tuple(found.wrong), warnings=doubts)
            prepared = prepare(policy, _file_of(policy, file), settings)
            return _driven(prepared, transport, live, events or (lambda _: None))
    finally:
        transport.close()


def _driven(prepared: Run, transport: Transport, live: Live, events: Callable[[Event], None]) -> RunResult:
    from opsmop.app import exit_status, recorder  # see above
    from opsmop.drive import Drive, Interruption, ship  # likewise
    from opsmop.drive.reading.handlers import refuse_unknown_handlers  # likewise

    settings, record = prepared.settings, recorder(prepared.settings)
    gathered = _Gathered((events, record) if record is not None else (events,))
    refuse_unknown_handlers(assignment.stint.role for assignment in prepared.assignments)
    pushed = settings.reach == "push"
    drive = Drive(
        prepared,
        transport=transport,
        pack=ship if pushed else live.pack,
        report=gathered,
        interruption=Interruption(transport.close),
        judge=lambda outcome: exit_status(outcome, settings),
    )
    if pushed:
        drive.preflight()
    try:
        outcome = drive.drive()
    finally:
        if record is not None:
            record.close()
    if outcome.error is not None and not outcome.contacted:
        raise outcome.error
    if outcome.stopped == "interrupted":
        raise KeyboardInterrupt
    status = exit_status(outcome, settings)
    _remember(prepared, outcome)
    stopped = outcome.stopped if outcome.error is None else str(outcome.error)
    return RunResult(status, tuple(gathered.hosts), tuple(gathered.warnings), stopped=stopped)


def _remember(prepared: Run, outcome: Outcome) -> None:
    """For ``limit_hosts=("@failed",)`` of the next run; a home that cannot be written to changes no result."""
    if (prepared.settings.mode, prepared.settings.reach) == ("apply", "push"):
        with suppress(OSError):
            from opsmop.drive.remembered import remember  # see above

            remember(prepared, outcome)


def _completed(settings: Settings, folder: Path) -> Settings:
    if not isinstance(settings, Settings):
        raise UsageError(
            f"run was given {settings!r:.60}, which are no settings",
            remedy="Write run(policy, Settings(mode='apply')).",
        )
    if settings.mode not in ("check", "apply", "validate") or settings.reach not in ("local", "push"):
        raise UsageError(
            f"Settings(mode={settings.mode!r}, reach={settings.reach!r}) says nothing that can be run",
            remedy="mode is 'check', 'apply' or 'validate'; reach is 'local' or 'push'.",
        )
    for name in ("tags", "skip_tags", "limit_groups", "limit_hosts"):
        if isinstance(getattr(settings, name), str):  # its letters would be taken for the entries
            raise UsageError(
                f"Settings({name}=...) takes several texts, not the text {getattr(settings, name)!r}",
                remedy=f"Write {name}=({getattr(settings, name)!r},).",
            )
    return replace(settings, defaults=usual(folder)) if settings.defaults == Defaults() else settings


def _file_of(policy: Policy, file: str | Path | None) -> Path:
    written = file or getattr(sys.modules.get(type(policy).__module__), "__file__", None) or _file_of_code(policy)
    return Path(written).absolute() if written else Path.cwd() / type(policy).__name__


def _file_of_code(policy: Policy) -> str:
    """Where its `set_roles` was written, for a module that nobody registered; a notebook's cell is no file."""
    code = getattr(type(policy).set_roles, "__code__", None)
    name = code.co_filename if code is not None else ""
    return name if Path(name).is_file() else ""


class _Gathered:
    """Takes every event, passes it on, and keeps what the result is made of."""

    def __init__(self, others: tuple[Callable[[Event], None], ...]) -> None:
        self._others = others
        self._resources: dict[tuple[str, str], list[ResourceResult]] = {}
        self._values: dict[tuple[str, str], Any] = {}
        self.hosts: list[HostResult] = []
        self.warnings: list[str] = []

    def __call__(self, event: Event) -> None:
        """One event."""
        key = event.role, event.host
        if isinstance(event, (ResourceFinished, ResourceFailed)):
            self._resources.setdefault(key, []).append(_of_resource(event))
        elif isinstance(event, EvaluationFinished):
            self._values[key] = json.loads(event.value) if event.value else None
        elif isinstance(event, ContactFinished):
            resources = tuple(self._resources.pop(key, ()))
            value = self._values.pop(key, None)
            self.hosts.append(HostResult(event.host, event.role, event.status, resources, event.failure, value))
        elif isinstance(event, Warned):
            self.warnings.append(event.text)
        for other in self._others:
            other(event)


def _of_resource(event: ResourceFinished | ResourceFailed) -> ResourceResult:
    common: dict[str, Any] = {
        name: getattr(event, name) for name in ("host", "role", "type", "name", "changes", "file", "line", "duration")
    }
    if isinstance(event, ResourceFailed):
        rc, output = event.failure.rc, event.failure.output
        return ResourceResult(
            **common, status="failed", ignored=event.ignored, failure=event.failure, rc=rc, output=output
        )
    return ResourceResult(**common, status=event.status, assumed=event.assumed, rc=event.rc, output=event.output)
