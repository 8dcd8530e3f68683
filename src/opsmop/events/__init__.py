"""Everything that happens in a run, as one stream of frozen values.

A run is `RunStarted`, then for each role `RoleStarted`, the contacts of its hosts side by side, `RoleFinished`; then
`RunFinished`. A contact (one role going to one host) is `ContactStarted`, what the host says, and exactly one
`ContactFinished`. What a host says is `EvaluationStarted`, its resources, `EvaluationFinished`; every
`ResourceStarted` is followed by exactly one `ResourceFinished` or `ResourceFailed` of the same `id`.
"""

from __future__ import annotations

from opsmop.wire.records import dataclass, field

SCHEMA_VERSION = 1
INTERRUPTION = "KeyboardInterrupt"  # the error of what was ended on a host: what Python raises there


@dataclass(frozen=True)
class ChangeReport:
    """One change, as people are told of it.

    :param name: what is done, in a word or two: ``create``, ``mode``, ``install``
    :param kind: ``state`` (gone when looked at again) or ``act`` (a restart, a command)
    :param assumed: whether check could not know that it will be needed
    :param before: what was there, as short text
    :param after: what will be there, as short text
    :param diff: a unified diff of text content, where there is one
    """

    name: str = ""
    kind: str = "state"
    assumed: bool = False
    before: str = ""
    after: str = ""
    diff: str = ""


@dataclass(frozen=True)
class Failure:
    """Why something failed, as data.

    :param error: the name of the error's class
    :param message: what it says
    :param place: the policy's ``file:line``, where it is known
    :param remedy: what to do about it
    :param command: the command that failed, as it would be typed
    :param rc: the command's exit status
    :param output: the end of what the command printed, on both of its streams
    :param stderr: the end of what it printed on its standard error
    :param trace: the author's own frames of a Python exception, innermost last
    """

    error: str = ""
    message: str = ""
    place: str = ""
    remedy: str = ""
    command: str = ""
    rc: int | None = None
    output: str = ""
    stderr: str = ""
    trace: str = ""


@dataclass(frozen=True)
class Event:
    """What every event says.

    :param run: the run's identifier
    :param seq: the event's number among those of its sender, from 1
    :param ts: when it happened, in seconds since the epoch (UTC), by the clock of who says it
    :param heard: when the controller heard it from its host, by the controller's clock; 0 for what the controller says
    :param host: the host's name in the inventory; empty for what concerns the whole run
    :param role: the role's name; empty outside roles
    :param file: the policy file that caused it, as the author wrote it
    :param line: the line in that file; 0 if none
    """

    run: str = ""
    seq: int = 0
    ts: float = 0.0
    heard: float = 0.0
    host: str = ""
    role: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class RunStarted(Event):
    """A run begins.

    :param mode: ``check``, ``apply`` or ``validate``
    :param reach: ``local`` or ``push``
    :param policy: the policy's file
    :param roles: the names of its roles, in order
    :param command: the words that started it; values given on the command line are left out
    """

    mode: str = ""
    reach: str = ""
    policy: str = ""
    roles: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found(Event):
    """Validation found something wrong, or, if `doubtful`, something that may be."""

    failure: Failure = field(default_factory=Failure)
    doubtful: bool = False


@dataclass(frozen=True)
class RunFinished(Event):
    """A run ended.

    :param exit_status: the exit status of the program
    :param duration: seconds
    :param stopped: why later roles did not run, if they did not
    :param roles_left: the roles that did not run
    :param failure: what was wrong on the control machine, if that ended the run or kept it from beginning
    """

    exit_status: int = 0
    duration: float = 0.0
    stopped: str = ""
    roles_left: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True)
class RoleStarted(Event):
    """A role begins on `hosts`; `hooks` names its hooks, which are called for each of them, in check mode not."""

    hosts: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoleFinished(Event):
    """A role ended; `failed` names the hosts on which it failed, `untouched` those that it did not come to."""

    failed: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContactStarted(Event):
    """The controller turns to a host; `delegate` is the host on which the role runs for it, if that is another."""

    delegate: str = ""


@dataclass(frozen=True)
class ContactFinished(Event):
    """The controller is done with a host for this role.

    :param status: ``ok``, ``failed`` (something on it failed), ``unreachable`` (it could not be worked with), ``lost``
        (it went away in the middle), ``skipped`` (the role chose not to run there) or ``cancelled``
    :param failure: why, unless it is ok or skipped
    :param duration: seconds since the contact started
    :param sent: bytes sent to the host
    :param received: bytes received from it
    :param requests: files that it asked for besides those that went along; each is a round trip
    :param left_out: whether the hook before the role ran and the one after it did not
    """

    status: str = "ok"
    failure: Failure | None = None
    duration: float = 0.0
    sent: int = 0
    received: int = 0
    requests: int = 0
    left_out: bool = False


@dataclass(frozen=True)
class EvaluationStarted(Event):
    """A role begins to be evaluated on its host. `python` is the version that evaluates it."""

    mode: str = ""
    python: str = ""


@dataclass(frozen=True)
class EvaluationFinished(Event):
    """A role ended on its host.

    :param status: ``ok``, ``failed``, ``skipped`` (`should_process_when` said so) or ``cancelled``
    :param failure: why it failed
    :param beyond: in check mode, the ``file:line`` beyond which nothing could be predicted
    :param value: what `main()` returned, as JSON text; empty for None
    :param rebooting: the boot id that changes now, because the role reboots its host; empty if it does not
    :param rebooting_seconds: how long the host may take to come back
    :param rebooting_ready: a command of the shell that has to succeed there before it counts as back; empty for none
    """

    status: str = "ok"
    failure: Failure | None = None
    beyond: str = ""
    value: str = ""
    rebooting: str = ""
    rebooting_seconds: float = 0.0
    rebooting_ready: str = ""


@dataclass(frozen=True)
class ResourceStarted(Event):
    """A resource begins to be looked at. `id` is unique within the contact."""

    id: int = 0
    type: str = ""
    name: str = ""


@dataclass(frozen=True)
class ResourceSpoke(Event):
    """What the command of a resource printed since it last spoke: said of long ones, where that was asked for."""

    id: int = 0
    text: str = ""


@dataclass(frozen=True)
class ResourceFinished(Event):
    """A resource ended well.

    :param status: ``ok``, ``changed`` (in check mode: would change), ``ran`` (a command without guards ran; in check
        mode: would run) or ``skipped`` (its guards said that there is nothing to do)
    :param assumed: whether check could not know what this resource will find
    :param rc: the exit status of its command, if it ran one
    :param output: what an `Echo` says, or the end of what its command printed
    :param duration: seconds
    """

    id: int = 0
    type: str = ""
    name: str = ""
    status: str = "ok"
    assumed: bool = False
    changes: tuple[ChangeReport, ...] = ()
    rc: int | None = None
    output: str = ""
    duration: float = 0.0


@dataclass(frozen=True)
class ResourceFailed(Event):
    """A resource failed. `ignored` says that `ignore_errors` let the role go on."""

    id: int = 0
    type: str = ""
    name: str = ""
    failure: Failure = field(default_factory=Failure)
    ignored: bool = False
    changes: tuple[ChangeReport, ...] = ()
    duration: float = 0.0


@dataclass(frozen=True)
class Warned(Event):
    """Something that is no error and that its author should know."""

    text: str = ""


@dataclass(frozen=True)
class Printed(Event):
    """A line that policy code, or something that it started, printed on its host."""

    text: str = ""


# What a host may say; the rest only the controller says.
_OF_HOSTS: tuple[type[Event], ...] = (
    EvaluationStarted,
    EvaluationFinished,
    ResourceStarted,
    ResourceSpoke,
    ResourceFinished,
    ResourceFailed,
    Warned,
    Printed,
)
_OF_THE_CONTROLLER = (RunStarted, RunFinished, Found, RoleStarted, RoleFinished, ContactStarted, ContactFinished)

HOST_EVENTS = frozenset(kind.__name__ for kind in _OF_HOSTS)
EVENT_TYPES = {kind.__name__: kind for kind in (*_OF_THE_CONTROLLER, *_OF_HOSTS)}
