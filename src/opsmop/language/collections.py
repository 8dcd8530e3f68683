"""Resources that a role declares, to be evaluated later and in order: `set_resources` and `set_handlers`."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.language.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Union

    # A text is a sequence of texts to type checkers: so lists are not looked into.
    Given = Union[Resource, "Resources", tuple["Given", ...], list[Any]]
    Named = Union["Handlers", Mapping[str, Given], list[Any]]


def flat(given: Any, what: str) -> list[Resource]:
    """The resources in `given`, in order, out of lists and `Resources` nested to any depth.

    :param what: what they are given to, for the error's text
    :raises PolicyError: if something else is among them
    """
    if isinstance(given, Resource):
        return [given]
    if isinstance(given, (list, tuple, Resources)):
        return [resource for entry in given for resource in flat(entry, what)]
    raise PolicyError(
        f"{what} was given {type(given).__name__} {given!r:.60}, which is no resource",
        remedy="Give it resources such as File(...), or lists of them.",
    )


class Resources:
    """Resources in order: ``Resources(File(...), [Package(...), Service(...)])``. They may nest.

    :param given: resources, lists of them, other `Resources`
    :raises PolicyError: if something else is among them
    """

    def __init__(self, *given: Given) -> None:
        self._resources = flat(given, "Resources(...)")

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)


class Handlers:
    """Resources that are evaluated at the end of the role, once each, if a changed resource named them with ``signals=``.

    :param given: dictionaries of them by name, for names that are no Python identifiers; other `Handlers`; or one list
    :param named: a resource, or a list of them, by name: ``Handlers(restart_app=Service("app", restarted=True))``
    :raises PolicyError: if something else is among them
    """

    def __init__(self, *given: Named, **named: Given) -> None:
        self.by_name: dict[str, list[Resource]] = {}
        for entries in (*given, named):
            self._take(entries)

    def _take(self, entries: Any) -> None:
        if isinstance(entries, (list, tuple)):
            for entry in entries:
                self._take(entry)
        elif isinstance(entries, Handlers):
            self.by_name.update(entries.by_name)
        elif isinstance(entries, dict):
            self.by_name.update({name: flat(entry, f"Handlers({name}=...)") for name, entry in entries.items()})
        else:
            raise PolicyError(
                f"Handlers(...) was given {type(entries).__name__} {entries!r:.60}, which has no name",
                remedy="Name each: Handlers(restart_app=Service(...)), or give a dictionary of them by name.",
            )

    def __len__(self) -> int:
        return len(self.by_name)
