"""The evaluation that is under way: the one place that a resource, a fact or `self.vars` asks where it is."""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable, Protocol

    from opsmop.language.machine import Machine
    from opsmop.language.resource import Resource
    from opsmop.language.scope import Variables
else:
    Protocol = object  # what is written down of it is for type checkers


class Evaluation(Protocol):
    """A role being evaluated on a host."""

    machine: Machine
    remembered: dict[str, Any]  # what facts have found out, by a name of theirs
    facts: Mapping[str, Any]  # the facts that templates see, the policy's own too, by name
    options: Mapping[str, Any]  # what the run says besides: see `opsmop.wire.order.Order`

    def evaluate(self, resource: Resource) -> None:
        """Look, plan, make and look again; fills the resource's result.

        :raises ProviderError: if it fails and its errors are not ignored
        """

    def variables(self) -> Variables:
        """The variables as they are at the caller's place in the policy."""

    def hide(self, text: str) -> None:
        """Mask `text` in all that is reported from now on."""

    def shown(self, text: str) -> str:
        """`text` as it may be reported: what was hidden in it is masked."""

    def unknown_was_read(self, *, value: bool) -> None:
        """Policy code has read something that check mode cannot know: what follows from it is assumed.

        :param value: whether it was a value that is not there at all, such as the output of a command that did not
            run, and not a guess, such as whether an assumed change will be needed
        """


BOOT_ID = "/proc/sys/kernel/random/boot_id"  # another word after each boot: random(4)


class RoleEnds(BaseException):
    """Raised by a resource after which its role has nothing more to do on its host; no policy catches it by chance.

    :param last: what is done after the handlers, as the very last; gives the boot id that is to change, empty if it
        stays, the seconds that the host may take to come back, and the command that says that it is ready then, if any
    """

    def __init__(self, last: Callable[[], tuple[str, float, str]]) -> None:
        self.last = last
        super().__init__("the role ends here")


EVALUATION: ContextVar[Evaluation | None] = ContextVar("evaluation", default=None)


def current() -> Evaluation | None:
    """The evaluation that is under way here, or None outside of any."""
    return EVALUATION.get()
