"""What a user who is to go still runs."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Effect, Machine
from opsmop.language.provider import ACT, Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NONE = 1  # pgrep(1), EXIT STATUS: no process matched
_BETWEEN_LOOKS, _LOOKS = 0.1, 50  # seconds; together, how long the kernel may take to be rid of them


def endings(machine: Machine, user: str) -> Iterator[Change]:
    """The end of every process of a user, those of a login included; nothing if there is none."""
    running: list[str] = machine.look("processes", user, lambda: _running(machine, user))
    if running:
        before = f"{len(running)} of them, {running[0]} the first"
        yield Change("end processes", lambda: _end(machine, user), ACT, before=before)


def _running(machine: Machine, user: str) -> list[str]:
    """The numbers of the processes. A user whom only a plan knows of runs nothing.

    :raises ProviderError: if that cannot be told
    """
    asked = machine.ask(["pgrep", "-U", user])
    if asked.rc not in (0, _NONE) and "invalid user" not in asked.output:
        raise ProviderError(f"cannot tell what {user} runs: {asked.output.strip()}")
    return asked.stdout.split()


def _end(machine: Machine, user: str) -> None:
    machine.run(["pkill", "-KILL", "-U", user], effects=[Effect("processes", user, [])])
    for _ in range(_LOOKS):
        if machine.simulated or not _running(machine, user):
            return
        machine.wait(_BETWEEN_LOOKS)
