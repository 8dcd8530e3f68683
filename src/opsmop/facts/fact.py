"""What every kind of fact shares."""

from __future__ import annotations

from typing import Any, Callable

from opsmop.errors import PolicyError
from opsmop.language.evaluation import Evaluation, current
from opsmop.language.machine import Machine


class Fact:
    """Facts about the machine on which the role is evaluated. Objects of this class remember nothing themselves."""

    def _evaluation(self) -> Evaluation:
        evaluation = current()
        if evaluation is None:
            name = type(self).__name__
            raise PolicyError(
                f"{name} is asked where no role is being evaluated",
                remedy=f"Facts are those of the target: ask {name} in main(), or in what main() calls.",
            )
        return evaluation

    @property
    def _machine(self) -> Machine:
        return self._evaluation().machine

    def _once(self, name: str, find: Callable[[], Any]) -> Any:
        """What `find` gives, asked once per evaluation."""
        remembered = self._evaluation().remembered
        key = f"{type(self).__name__}.{name}"
        if key not in remembered:
            remembered[key] = find()
        return remembered[key]
