"""Asking a program of our own (`opsmop.target.programs`), through the machine."""

from __future__ import annotations

import json
from contextlib import contextmanager

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Completed, Effect, Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any


def answer(machine: Machine, name: str, request: Mapping[str, Any], data: bytes | None = None) -> dict[str, Any]:
    """What a program answers that only looks.

    :param request: plain values, in which secrets may be: they go by standard input
    :param data: what the program reads instead, if it is long; the request then goes as an argument
    :raises ProviderError: with what the program says is in the way
    """
    argv, given = _asked(machine, name, request, data)
    with _unseen(argv):
        completed = machine.ask(argv, input=given)
    return _read(name, completed)


def done(
    machine: Machine, name: str, request: Mapping[str, Any], effects: Sequence[Effect], data: bytes | None = None
) -> dict[str, Any]:
    """What a program answers that changes the machine; empty if nothing may be changed. See `answer`."""
    argv, given = _asked(machine, name, request, data)
    with _unseen(argv):
        completed = machine.run(argv, effects=effects, input=given)
    return _read(name, completed) if completed.known else {}


def _asked(
    machine: Machine, name: str, request: Mapping[str, Any], data: bytes | None
) -> tuple[list[str], bytes | None]:
    text = json.dumps(request)
    program = machine.program(name)
    return ([*program], text.encode()) if data is None else ([*program, text], data)


@contextmanager
def _unseen(argv: Sequence[str]) -> Iterator[None]:
    """A program that cannot start is not shown: it is ours, and long."""
    try:
        yield
    except CommandFailed as error:
        error.command = argv[0]
        error.remedy = f"Can the user who acts run {argv[0]}? opsmop_python_path names another Python."
        raise


def _read(name: str, completed: Completed) -> dict[str, Any]:
    if completed.timed_out or completed.rc != 0:
        ending = "took too long and was ended" if completed.timed_out else f"ended with status {completed.rc}"
        raise CommandFailed(f"the program {name} {ending}", rc=completed.rc, output=completed.output)
    if completed.cut:
        raise CommandFailed(f"the program {name} printed more than is kept of it", output=completed.output)
    said: dict[str, Any] = json.loads(completed.stdout)
    if "error" in said:
        raise ProviderError(said["error"], remedy=said["remedy"])
    return said
