"""Which handlers a role has, and which of them changed resources have signalled."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.language.fields import nearest
from opsmop.language.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Signals:
    """The handlers of one role on one host."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Resource]] = {}
        self._pending: dict[str, bool] = {}  # by name; whether all that signalled it was assumed
        self._done: set[str] = set()

    def declare(self, handlers: dict[str, list[Resource]]) -> None:
        """Make `handlers` known."""
        self._handlers = handlers

    def refuse_unknown(self, resources: Iterable[Resource]) -> None:
        """Refuse a resource that signals a handler which the role does not have.

        :raises PolicyError: naming the resource, the handler and what is close to it
        """
        for resource in resources:
            for name in named(resource):
                if name not in self._handlers:
                    raise PolicyError(
                        f"{resource} signals {name!r}, and the role has no such handler",
                        place=resource.place,
                        remedy=nearest(name, self._handlers, "Its handlers")
                        or "Declare it in set_handlers(): return Handlers(...).",
                    )

    def take(self, resource: Resource, *, assumed: bool) -> None:
        """Note what a changed resource signals."""
        for name in named(resource):
            if name not in self._done:
                self._pending[name] = self._pending.get(name, True) and assumed

    def waiting(self) -> list[str]:
        """The names of the handlers that are signalled and have not run, in the order in which they are declared."""
        return [name for name in self._handlers if name in self._pending]

    def due(self) -> Iterator[tuple[Resource, bool]]:
        """Each signalled handler's resources, once, in the order of declaration, and whether they are assumed.

        A handler may signal others; one that has run does not run again.
        """
        while waiting := self.waiting():
            name = waiting[0]
            self._done.add(name)
            for resource in self._handlers[name]:
                yield resource, self._pending[name]
            del self._pending[name]  # only now: one that fails is left pending, and told as that


def named(resource: Resource) -> list[str]:
    """The handlers that `resource` signals."""
    signals = resource.signals
    return [signals] if isinstance(signals, str) else list(signals or ())
