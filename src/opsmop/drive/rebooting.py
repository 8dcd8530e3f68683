"""Waiting until a host that a role has rebooted is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from opsmop.drive.returned import plain
from opsmop.errors import ConnectError, HostKeyError, HostLostError, OpsMopError, ProtocolError, SudoError
from opsmop.events import EvaluationFinished, Event
from opsmop.wire.order import Order
from opsmop.wire.records import replace

LONGEST = 3600.0  # seconds, whatever a host says
_BETWEEN_TRIES = 1.0  # seconds

# Holds an order's conversation with the host, giving every event of it to the second argument.
Converse = Callable[[Order, Callable[[Event], None]], object]


def await_return(
    host: str, ending: EvaluationFinished, order: Order, converse: Converse, over: Callable[[], bool]
) -> None:
    """Return when the host has booted anew, which its boot id proves, and says that it is ready, if it is asked.

    :param host: its name
    :param ending: of the role that rebooted it
    :param order: asks for the boot id
    :param over: whether the run was told to end
    :raises HostLostError: if it is not back in time, or the run ended
    :raises HostKeyError: if what answers has another key
    """
    patience = min(ending.rebooting_seconds, LONGEST)
    until = time.monotonic() + patience
    pause = threading.Event()
    while True:
        answer = _answer(_asking(order, ending, until - time.monotonic()), converse)
        booted = _boot_id(answer) not in ("", ending.rebooting)
        if booted and answer.status == "ok":
            return
        if over():
            raise HostLostError(f"the run was stopped while {host} was rebooting", host=host)
        if time.monotonic() >= until:
            raise _late(host, patience, answer if booted else None)
        pause.wait(_BETWEEN_TRIES)


def _late(host: str, patience: float, answer: EvaluationFinished | None) -> HostLostError:
    """Why a host is given up; `answer` is the last of one that has booted anew."""
    if answer is None:
        return HostLostError(
            f"{host} has not come back within {patience:g} seconds of its reboot",
            host=host,
            remedy="Does it boot (its console tells)? Reboot(within=...) gives it more time.",
        )
    why = f"{answer.failure.message}\n{answer.failure.output}".rstrip() if answer.failure else "it says nothing more"
    return HostLostError(
        f"{host} has booted anew and is not ready {patience:g} seconds after its reboot: {why}",
        host=host,
        remedy="Reboot(within=...) gives it more time.",
    )


def _asking(order: Order, ending: EvaluationFinished, left: float) -> Order:
    """The order, with what it has to ask besides."""
    if not ending.rebooting_ready:
        return order
    options = {"ready": ending.rebooting_ready, "rebooting": ending.rebooting, "seconds": max(left, _BETWEEN_TRIES)}
    return replace(order, options=options)


def _answer(order: Order, converse: Converse) -> EvaluationFinished:
    """What the host says; nothing as long as it cannot be asked: it goes down, or does not let anybody in yet."""
    said = [EvaluationFinished()]

    def hear(event: Event) -> None:
        if isinstance(event, EvaluationFinished):  # whatever else a host says would only be kept in memory
            said[0] = event

    try:
        converse(order, hear)
    except HostKeyError:
        raise
    except (ConnectError, SudoError, HostLostError, ProtocolError):
        return EvaluationFinished()
    return said[0]


def _boot_id(answer: EvaluationFinished) -> str:
    try:
        return str(plain(answer.value)) if answer.value else ""
    except ValueError as error:
        raise OpsMopError(f"the boot id of a host {error}: {answer.value[:80]!r}") from None
