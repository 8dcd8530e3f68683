"""The secrets that an author's code on the control machine had at hand when it failed: its error may quote them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from opsmop.language.scope import of_policy
from opsmop.language.secrets import Secret, masked, spellings

_DEEPEST = 4
_MOST = 10_000  # values that are looked at; who has more at hand has them in something that is no variable


def shown_near(error: BaseException, *owners: Any) -> Callable[[str], str]:
    """What masks the secrets that stand in variables of the author's code that `error` came through, or in `owners`.

    On a host every secret is known once it is made; here an author's code may have any number of its own, and says
    nothing of them.
    """
    values = [*_variables(error), *(vars(owner) for owner in owners if hasattr(owner, "__dict__"))]
    hidden: set[str] = set()
    for secret in _secrets_in(values):
        hidden |= spellings(secret.reveal())
    return lambda text: masked(text, hidden)


def _variables(error: BaseException) -> Iterator[Any]:
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if of_policy(frame):
            yield frame.f_globals
            yield frame.f_locals
            yield from (vars(value) for value in [*frame.f_locals.values()] if hasattr(value, "__dict__"))
        trace = trace.tb_next


def _secrets_in(values: list[Any]) -> Iterator[Secret]:
    waiting, looked_at = [(value, 0) for value in values], 0
    while waiting and looked_at < _MOST:
        value, depth = waiting.pop()
        looked_at += 1
        if isinstance(value, Secret):
            yield value
        elif depth < _DEEPEST and isinstance(value, dict):
            waiting += [(entry, depth + 1) for entry in [*value.values()]]
        elif depth < _DEEPEST and isinstance(value, (list, tuple, set, frozenset)):
            waiting += [(entry, depth + 1) for entry in [*value]]
