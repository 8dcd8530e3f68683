"""Chance: for trying policies under varying conditions. Repeatable where the run was given a seed."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.facts.fact import Fact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from random import Random
    from typing import Any, Callable


class ChaosFacts(Fact):
    """A die for each evaluation.

    With ``--seed`` it falls the same way each time for the same role on the same host, in check as in apply; hosts and
    roles differ from each other. Without, check cannot know how it will fall: what follows from it is assumed.
    """

    def random(self) -> float:
        """A number from 0 up to, and without, 1."""
        die: Random = self._once("die", self._made)
        if not self._seed():
            self._doubt()
        return die.random()

    def choice(self, *of: Any) -> Any:
        """One of several: of the arguments, or of the one list that is given.

        :raises PolicyError: if there is nothing to choose from
        """
        entries = list(of[0]) if len(of) == 1 and not isinstance(of[0], str) else list(of)
        if not entries:
            raise PolicyError("Chaos.choice() has nothing to choose from", remedy="Chaos.choice('red', 'blue')")
        return entries[int(self.random() * len(entries))]

    def _seed(self) -> str:
        return str(self._evaluation().options.get("seed") or "")

    def _made(self) -> Random:
        import random  # only where chance is asked for

        # The same text gives the same random() on every version of Python: see "Notes on Reproducibility" of `random`.
        return random.Random(self._seed() or None)

    def _called(self) -> str:
        return "Chaos"

    def _answers(self) -> dict[str, Callable[[], Any]]:
        return {}  # showing it would change what it says next


Chaos = ChaosFacts()
