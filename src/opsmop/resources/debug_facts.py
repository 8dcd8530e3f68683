"""All facts, in the run's report."""

from __future__ import annotations

from opsmop.facts import told
from opsmop.language.evaluation import current
from opsmop.language.machine import Completed
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 200  # characters of a value; the report keeps only the end of what is longer as a whole


class DebugFacts(Resource):
    """Shows every fact of the machine in the report, the policy's own too. A fact that cannot be found out says why."""


class Tell(Provider, provides=DebugFacts):
    """Asks them all."""

    def plan(self) -> Iterator[Change]:
        """Nothing to change; the facts are the result's output."""
        evaluation = current()
        facts = evaluation.facts if evaluation is not None else {}
        text = "\n".join(f"{name}: {_shown(value, problem)}" for name, value, problem in told(facts))
        self.completed = Completed("", None, output=text, stdout=text)
        return iter(())


def _shown(value: object, problem: str) -> str:
    text = f"cannot be found out: {' '.join(problem.split())}" if problem else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
