"""What every kind of fact shares."""

from __future__ import annotations

import time

from opsmop.errors import OpsMopError, PolicyError, ProviderError
from opsmop.language.evaluation import Evaluation, current
from opsmop.language.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

SECONDS = 10.0  # that finding out one fact may take, unless ``[facts] timeout`` says otherwise


class Fact:
    """Facts about the machine on which the role is evaluated. Objects of this class remember nothing themselves.

    A policy's own facts are a subclass: its public methods answer questions, ask ``self._machine``, and keep what is
    slow to find with ``self._once``; the commands of one such finding may take ``[facts] timeout`` together.
    `Policy.fact_context` names its objects for templates.
    """

    _limits_itself = False  # whether each of its commands has a limit of its own

    def _evaluation(self) -> Evaluation:
        evaluation = current()
        if evaluation is None:
            name = self._called()
            raise PolicyError(
                f"{name} is asked where no role is being evaluated",
                remedy=f"Facts are those of the target: ask {name} in main(), or in what main() calls.",
            )
        return evaluation

    def _called(self) -> str:
        """What the policy calls it: the class's name, of ours without the ending that sets class and object apart."""
        return type(self).__name__

    @property
    def _machine(self) -> Machine:
        return self._evaluation().machine

    def _once(self, name: str, find: Callable[[], Any]) -> Any:
        """What `find` gives, asked once per evaluation. In check mode, what was doubtful then is doubtful each time."""
        evaluation = self._evaluation()
        key = f"{id(self)}.{name}"
        if key in evaluation.remembered:
            _, value, doubts = evaluation.remembered[key]
            self._doubt(doubts)
            return value
        before = evaluation.machine.assumptions
        value = self._in_time(evaluation, find)
        # The fact itself is kept too, so that nothing else gets its id while that is part of the key.
        evaluation.remembered[key] = (self, value, evaluation.machine.assumptions - before)
        return value

    def _in_time(self, evaluation: Evaluation, find: Callable[[], Any]) -> Any:
        if self._limits_itself:
            return find()
        seconds = float(evaluation.options.get("facts_timeout") or SECONDS)
        deadline = time.monotonic() + seconds
        with evaluation.machine.limited(deadline):
            try:
                return find()
            except Exception as error:
                if isinstance(error, OpsMopError) or time.monotonic() < deadline:
                    raise
                raise ProviderError(  # it made something of an answer that was cut short
                    f"{self._called()} could not be found out in {seconds:g} seconds",
                    remedy="[facts] timeout allows more, for every fact.",
                ) from error

    def _doubt(self, times: int = 1) -> None:
        """Say that in check mode what was just answered may be another thing by the time of apply."""
        machine = self._machine
        if machine.simulated:
            machine.assumptions += times

    def _forget(self) -> None:
        """Let everything be found out again."""
        remembered = self._evaluation().remembered
        for key in [key for key in remembered if key.startswith(f"{id(self)}.")]:
            del remembered[key]

    def _answers(self) -> dict[str, Callable[[], Any]]:
        """What it can be asked without a parameter, by name: what `DebugFacts` shows."""
        return {name: getattr(self, name) for name in dir(type(self)) if _is_question(type(self), name)}


def _is_question(cls: type, name: str) -> bool:
    """Whether `name` is a public method that can be called without an argument."""
    code = getattr(getattr(cls, name, None), "__code__", None)
    if name.startswith("_") or code is None:
        return False
    method = getattr(cls, name)
    needed = code.co_argcount - len(method.__defaults__ or ())
    return bool(needed == 1) and code.co_kwonlyargcount == len(method.__kwdefaults__ or ())
