"""The only way into the target half: evaluate one role, on a remote host or in process."""

from __future__ import annotations

import sys
import time

from opsmop.errors import OpsMopError, PolicyError
from opsmop.events import EvaluationFinished, EvaluationStarted, Event, Warned
from opsmop.language.additions import Additions
from opsmop.language.collections import Handlers, flat
from opsmop.language.evaluation import BOOT_ID, EVALUATION, RoleEnds
from opsmop.language.machine import Machine
from opsmop.language.provider import succeeded
from opsmop.language.resource import Resource
from opsmop.language.role import Role
from opsmop.language.scope import Layer, written_at
from opsmop.language.secrets import Secret, masked, spellings
from opsmop.target.evaluate import RoleEvaluation
from opsmop.target.failures import failure_of, place_of_error
from opsmop.target.machine import RealMachine
from opsmop.target.returned import as_json
from opsmop.target.run_lock import run_lock
from opsmop.target.supply import Stock, Supply
from opsmop.wire.lean import Mapping
from opsmop.wire.lean import as_json as in_json
from opsmop.wire.order import BOOT, Order
from opsmop.wire.records import fields, is_dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Callable, Optional

    from opsmop.target.machine.plans import Plans

    Last = Optional[Callable[[], tuple[str, float, str]]]
    # A role, the layers of variables of policy and role, and what the policy adds for templates.
    Shipped = tuple[Role, Iterable[tuple[str, dict[str, Any]]], Additions]


def run_role(
    order: Order,
    emit: Callable[[Event], None],
    supply: Supply,
    *,
    live: Callable[[], Shipped] | None = None,
    command_started: Callable[[int, float], None] = lambda *_: None,
    hidden: Callable[[str], None] = lambda _: None,
    plans: tuple[bytes, Callable[[bytes], None]] = (b"", lambda _: None),
) -> EvaluationFinished:
    """Evaluate a role on this machine.

    :param order: what to evaluate
    :param emit: takes every event, the ending too
    :param supply: gives the controller's files that did not ride along with the order
    :param live: in process, gives what the parcel would hold, as it is; otherwise the parcel is unpacked
    :param command_started: is told the process group of each command that starts, and 0 when it has ended; and for how
        many seconds it is not to be ended
    :param hidden: is told each text that nobody may see, before policy code has it
    :param plans: what earlier roles have planned in check mode, and what is told what this one has
    :returns: the ending, which was emitted too; a failure of the policy is an ending, never an exception
    """
    stream, earlier = Stream(order, emit, hidden), _planning(order, plans)
    real = RealMachine(command_started)
    stream(EvaluationStarted(mode=order.mode, python=sys.version.split()[0]))
    if order.mode == BOOT:
        return _told_boot(order, real, stream)
    evaluation: RoleEvaluation | None = None
    try:
        with run_lock(order, stream):
            role, layers, additions = live() if live is not None else _unpacked(order)
            machine = _machine(order, real, earlier)
            evaluation = _evaluation(order, stream, layers, additions, supply, machine)
            if isinstance(machine, RealMachine):
                machine.warn = evaluation.warned
                machine.say = evaluation.spoke if order.options.get("verbose") else None
            ending = _evaluated(role, evaluation, real)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an author's code raises is this host's failure
        ending = _ended_by(error, evaluation)
        _settle(real)
        if evaluation is not None and (left := _left_pending(evaluation)):
            stream(Warned(text=left))
    except BaseException as error:
        _settle(real)
        stream(EvaluationFinished(status="cancelled", failure=failure_of(error)))
        raise
    if evaluation is not None and earlier is not None:
        simulated: Any = evaluation.machine
        predicted = ending.status in ("ok", "skipped") and not ending.beyond
        earlier.note(simulated, order, sure=predicted and not evaluation.assuming)
    stream(ending)
    return ending


def _planning(order: Order, plans: tuple[bytes, Callable[[bytes], None]]) -> Plans | None:
    if order.mode != "check":
        return None
    from opsmop.target.machine.plans import Plans  # with the simulated machine: only check takes them

    return Plans(*plans)


def _machine(order: Order, real: RealMachine, earlier: Plans | None) -> Machine:
    if earlier is None:
        return real
    from opsmop.target.machine.simulated import SimulatedMachine  # as above

    machine = SimulatedMachine(real)
    earlier.recall(machine, order)
    return machine


def _told_boot(order: Order, real: RealMachine, stream: Stream) -> EvaluationFinished:
    """The boot id, and a failure as long as the host has booted anew and is not ready."""
    boot = real.read(BOOT_ID).decode().strip()
    ending = EvaluationFinished(value=in_json(boot))
    ready = order.options.get("ready", "")
    if ready and boot != order.options["rebooting"]:
        try:
            asked = real.ask(["/bin/sh", "-c", ready], cwd="/", timeout=order.options["seconds"])
            succeeded(asked, f"ready={ready!r}")
        except OpsMopError as error:
            ending = replace(ending, status="failed", failure=failure_of(error))
    stream(ending)
    return ending


_MASKED_BEFORE = ((EvaluationFinished, "value"),)  # piece by piece: see `as_json`


class Stream:
    """Stamps events with what they have in common, and masks secrets in every text of theirs."""

    def __init__(self, order: Order, emit: Callable[[Event], None], hidden: Callable[[str], None]) -> None:
        self._order, self._emit, self._hidden = order, emit, hidden
        self._count = 0
        self._secrets: set[str] = set()

    def hide(self, text: str) -> None:
        """Mask `text` from now on."""
        if text not in self._secrets:
            self._hidden(text)
        self._secrets |= spellings(text)

    def shown(self, text: str) -> str:
        """`text` with what is hidden masked."""
        return masked(text, self._secrets)

    def __call__(self, event: Event) -> None:
        """Send `event` on."""
        self._count += 1
        order = self._order
        stamped = replace(event, run=order.run, seq=self._count, ts=time.time(), host=order.host, role=order.role)
        self._emit(self._masked(stamped) if self._secrets else stamped)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.shown(value)
        if isinstance(value, tuple):
            return tuple(self._masked(entry) for entry in value)
        if is_dataclass(value) and not isinstance(value, type):
            names = [entry.name for entry in fields(value) if (type(value), entry.name) not in _MASKED_BEFORE]
            return replace(value, **{name: self._masked(getattr(value, name)) for name in names})
        return value


def _unpacked(order: Order) -> Shipped:
    from opsmop.wire.rebuild import unpack  # only where something was shipped

    role, layers, additions = unpack(order.parcel)
    return role, layers, additions


def _evaluation(
    order: Order,
    stream: Stream,
    layers: Iterable[tuple[str, dict[str, Any]]],
    additions: Additions,
    supply: Supply,
    machine: Machine,
) -> RoleEvaluation:
    known = [Layer(label, values) for label, values in (*order.inventory, *layers)]
    for secret in _secrets_in([*(layer.values for layer in known), additions.template_globals]):
        stream.hide(secret.reveal())

    return RoleEvaluation(
        machine,
        layers=known,
        extra=Layer("--extra-vars", order.extra),
        facts={**_facts(), **additions.facts},
        additions=additions,
        options=order.options,
        source=Stock(order.files, supply),
        emit=stream,
        hide=stream.hide,
        shown=stream.shown,
        diff=bool(order.options.get("diff")),
    )


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for entry in value.values() if isinstance(value, Mapping) else value:
            yield from _secrets_in(entry)


def _facts() -> dict[str, Any]:
    from opsmop.facts import by_name  # the names only: each fact's own code comes when it is asked

    return by_name()


def _settle(real: RealMachine) -> None:
    """Keep what was written before something else went wrong, which is what will be told."""
    try:
        real.settle()
    except OpsMopError:
        return


def _evaluated(role: Role, evaluation: RoleEvaluation, real: RealMachine) -> EvaluationFinished:
    token = EVALUATION.set(evaluation)
    try:
        if not role.should_process_when():
            return _not_processed(role, evaluation)
        value, last = _until_it_ends(role, evaluation)
        last = _handled(evaluation) or last
        real.settle()
        boot, seconds, ready = last() if last is not None else ("", 0.0, "")
        return EvaluationFinished(
            value=as_json(value, role, evaluation.shown),
            beyond=_branched_at(role, evaluation),
            rebooting=boot,
            rebooting_seconds=seconds,
            rebooting_ready=ready,
        )
    finally:
        EVALUATION.reset(token)


def _not_processed(role: Role, evaluation: RoleEvaluation) -> EvaluationFinished:
    """The ending of a role that does not want this host; in check mode, it may yet want it once it is as planned."""
    machine = evaluation.machine
    if not machine.simulated or not (evaluation.unknown_at or evaluation.assuming):
        return EvaluationFinished(status="skipped")
    return EvaluationFinished(status="ok", beyond=written_at(role.should_process_when))


def _until_it_ends(role: Role, evaluation: RoleEvaluation) -> tuple[Any, Last]:
    try:
        _declared(role, evaluation)
        return role.main(), None
    except RoleEnds as ending:
        return None, ending.last
    except Exception as error:
        if _is_beyond(evaluation, error):
            _announce_signalled(evaluation)
        raise


def _branched_at(role: Role, evaluation: RoleEvaluation) -> str:
    """Where a role that came to its end in check asked for what check cannot know, and may do something else; or nothing."""
    if not evaluation.machine.simulated or evaluation.unknown_at:
        return evaluation.unknown_at
    return written_at(role.main) if evaluation.was_unsure_at_last else ""


def _is_beyond(evaluation: RoleEvaluation, error: BaseException) -> bool:
    """Whether an error may be none of the policy's, as check has answered something that it cannot know."""
    unsure = evaluation.unknown_at or (evaluation.assuming and not isinstance(error, OpsMopError))
    return evaluation.machine.simulated and bool(unsure)


def _announce_signalled(evaluation: RoleEvaluation) -> None:
    """The handlers that were signalled before check could see no further may run: they are announced as that."""
    for handler, _ in evaluation.signals.due():
        try:
            evaluation.evaluate_declared(handler, assumed=True)
        except (OpsMopError, RoleEnds):  # noqa: PERF203 - the others are announced all the same
            continue


def _handled(evaluation: RoleEvaluation) -> Last:
    """Evaluate the handlers that were signalled; one of them may end the role."""
    last: Last = None
    for handler, assumed in evaluation.signals.due():
        try:
            evaluation.evaluate_declared(handler, assumed=assumed)
        except RoleEnds as ending:  # noqa: PERF203 - the others are evaluated all the same
            last = ending.last
    return last


def _declared(role: Role, evaluation: RoleEvaluation) -> None:
    """Evaluate what `set_resources` declares, once it is known that every handler it names exists."""
    handlers = evaluation.declared(role.set_handlers)
    resources = _resources(role, evaluation)
    if handlers is not None and not isinstance(handlers, Handlers):
        raise PolicyError(
            f"set_handlers() of {role} returned {type(handlers).__name__}",
            place=written_at(role.set_handlers),
            remedy="Return Handlers(name=resource, ...).",
        )
    evaluation.signals.declare(handlers.by_name if handlers is not None else {})
    evaluation.signals.refuse_unknown(resources)
    for resource in resources:
        evaluation.evaluate_declared(resource)


def _resources(role: Role, evaluation: RoleEvaluation) -> list[Resource]:
    said = evaluation.declared(role.set_resources) or ()
    try:
        return flat(said, f"set_resources() of {role}")
    except PolicyError as error:
        error.place = error.place or written_at(role.set_resources)
        raise


def _left_pending(evaluation: RoleEvaluation) -> str:
    """What says which handlers were signalled and have not run; empty if none."""
    waiting = evaluation.signals.waiting()
    if not waiting or evaluation.machine.simulated:
        return ""
    return (
        f"Handlers left pending: {', '.join(waiting)}. The next run may not signal them again: do by hand what they do."
    )


def _ended_by(error: BaseException, evaluation: RoleEvaluation | None) -> EvaluationFinished:
    failure = failure_of(error) if evaluation is None else failure_of(error, evaluation.shown)
    if evaluation is not None and (left := _left_pending(evaluation)):
        failure = replace(failure, remedy=f"{failure.remedy} {left}".lstrip())
    if evaluation is not None and _is_beyond(evaluation, error):
        return EvaluationFinished(status="ok", beyond=place_of_error(error) or failure.place)
    if isinstance(error, SystemExit):
        failure = replace(
            failure,
            message=f"main() ended the program: sys.exit({error.code!r})",
            remedy="Return from main() to end a role, raise an exception to fail it.",
        )
    return EvaluationFinished(status="failed", failure=failure)
