"""Waiting until a host that a role has rebooted is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from opsmop.drive.returned import plain
from opsmop.errors import ConnectError, HostKeyError, HostLostError, OpsMopError, ProtocolError, SudoError
from opsmop.events import EvaluationFinished, Event
from opsmop.wire.order import Order

LONGEST = 3600.0  # seconds, whatever a host says
_BETWEEN_TRIES = 1.0  # seconds

# Holds an order's conversation with the host, giving every event of it to the second argument.
Converse = Callable[[Order, Callable[[Event], None]], object]


def await_return(
    host: str, ending: EvaluationFinished, order: Order, converse: Converse, over: Callable[[], bool]
) -> None:
    """Return when the host has booted anew, which its boot id proves.

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
        said = _boot_id(order, converse)
        if said not in ("", ending.rebooting):
            return
        if over():
            raise HostLostError(f"the run was stopped while {host} was rebooting", host=host)
        if time.monotonic() >= until:
            raise HostLostError(
                f"{host} has not come back within {patience:g} seconds of its reboot",
                host=host,
                remedy="Does it boot (its console tells)? Reboot(within=...) gives it more time.",
            )
        pause.wait(_BETWEEN_TRIES)


def _boot_id(order: Order, converse: Converse) -> str:
    """The boot id; empty as long as the host cannot be asked: it goes down, or does not let anybody in yet."""
    said = [""]

    def hear(event: Event) -> None:
        if isinstance(event, EvaluationFinished):  # whatever else a host says would only be kept in memory
            said[0] = event.value

    try:
        converse(order, hear)
    except HostKeyError:
        raise
    except (ConnectError, SudoError, HostLostError, ProtocolError):
        return ""
    try:
        return str(plain(said[0])) if said[0] else ""
    except ValueError as error:
        raise OpsMopError(f"the boot id of a host {error}: {said[0][:80]!r}") from None
