"""Code that is first needed while another user acts is found and loaded as the evaluating user, whose it may be alone."""

from __future__ import annotations

import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any, Callable, Protocol
else:
    Protocol = object  # what is written down of it is for type checkers


class Actor(Protocol):
    """Who acts."""

    as_user: str | None

    def acting_as(self, name: str | None) -> AbstractContextManager[None]:
        """See `Machine.acting_as`."""


def load_as_itself(actor: Actor) -> None:
    """Let imports of this thread come from the evaluating user while `actor` acts as another.

    A directory that may not be listed is remembered as empty by the import system, for good: so it is not enough that
    an import is tried again later.
    """
    load_as_usual(actor)
    sys.meta_path.insert(0, Finder(actor))


def load_as_usual(actor: Actor) -> None:
    """Undo it."""
    sys.meta_path[:] = [
        finder for finder in sys.meta_path if not (isinstance(finder, Finder) and finder.actor is actor)
    ]


class Finder:
    """Asks all other finders, as the evaluating user."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._thread = get_ident()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """See `importlib.abc.MetaPathFinder.find_spec`."""
        if self.actor.as_user is None or get_ident() != self._thread:
            return None
        with self.actor.acting_as(None):
            found = (finder.find_spec(name, path, target) for finder in list(sys.meta_path) if finder is not self)
            spec: Any = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader, self.actor)
        return spec


class Loader:
    """Loads as the evaluating user, and then leaves the module to its own loader."""

    def __init__(self, loader: Any, actor: Actor) -> None:
        self._loader, self._actor = loader, actor

    def create_module(self, spec: Any) -> Any:
        """See `importlib.abc.Loader.create_module`."""
        return self._as_itself(lambda: self._loader.create_module(spec))

    def exec_module(self, module: Any) -> None:
        """See `importlib.abc.Loader.exec_module`."""
        module.__loader__ = module.__spec__.loader = self._loader
        self._as_itself(lambda: self._loader.exec_module(module))

    def _as_itself(self, load: Callable[[], Any]) -> Any:
        with self._actor.acting_as(None):
            return load()
