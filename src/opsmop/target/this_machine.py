"""Facts outside of any role: those of the machine on which this process runs."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.facts import by_name
from opsmop.target.machine import RealMachine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from opsmop.language.machine import Machine
    from opsmop.language.resource import Resource


class ThisMachine:
    """What `opsmop.language.evaluation.Evaluation` promises, as far as facts go.

    :param options: as `Order.options` has them
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.machine: Machine = RealMachine()
        self.remembered: dict[str, Any] = {}
        self.options = options
        self.facts: Mapping[str, Any] = by_name()

    def evaluate(self, resource: Resource) -> None:
        """Refuse it: there is no role.

        :raises PolicyError: always
        """
        raise PolicyError(
            f"{type(resource).__name__} is constructed where no role is being evaluated",
            place=resource.place,
            remedy="Construct it in the main() of a role, or in what main() calls.",
        )

    def variables(self) -> NoReturn:
        """Refuse it: there is no role.

        :raises PolicyError: always
        """
        raise PolicyError(
            "vars is read where no role is being evaluated", remedy="Read it in main() or in what main() calls."
        )

    def hide(self, text: str) -> None:
        """Nothing is reported from here."""

    def shown(self, text: str) -> str:
        """Nothing is reported from here."""
        return text

    def unknown_was_read(self, *, value: bool) -> None:
        """Everything is known of a real machine."""
