"""What travels by name: the module and the dotted path under which a target finds the very same thing."""

from __future__ import annotations

import sys
import types
from typing import Any

from opsmop.ship.places import Place, place_of
from opsmop.ship.sources import CannotTravel

Reference = tuple[str, str]
NAMELESS = (type(None), type(Ellipsis), type(NotImplemented))
_ABSENT = object()


def reference_to(thing: Any) -> Reference | None:
    """Where the target finds a class or a function, or None if it has to travel by value.

    :raises CannotTravel: it belongs to what stays on the control machine
    """
    module, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(path, str) or "<locals>" in path:
        return None
    if not isinstance(module, str):
        module = "builtins"
    return _checked(thing, module, path) or _among_types(thing)


def reference_by_name(thing: Any, name: str) -> Reference | None:
    """Where the target finds an object that says by itself that it is this global of its module."""
    import pickle  # few things name only themselves

    module = pickle.whichmodule(thing, name)  # type: ignore[attr-defined]
    return _checked(thing, module, name)


def _checked(thing: Any, module: str, path: str) -> Reference | None:
    place = place_of(module)
    if place is Place.POLICY or look_up(module, path) is not thing:
        return None
    if place is Place.CONTROLLER:
        raise CannotTravel(f"it belongs to {module}, which only the control machine has")
    return public_module(thing, module, path), path


def public_module(thing: Any, module: str, path: str) -> str:
    """The module's name without private parts, which versions move about, where that names the same thing."""
    parts = module.split(".")
    for end, part in enumerate(parts):
        public = ".".join(parts[:end])
        if part.startswith("_") and public and look_up(public, path) is thing:
            return public
    return module


def look_up(module: str, path: str) -> Any:
    """What an imported module calls by a dotted path; a value of nobody's if there is no such thing."""
    value: Any = sys.modules.get(module, _ABSENT)
    for part in path.split("."):
        value = getattr(value, part, _ABSENT)
    return value


def _among_types(thing: Any) -> Reference | None:
    """The types of functions, code and the like say that they are in ``builtins``; their names are in ``types``."""
    if not isinstance(thing, type) or thing.__module__ != "builtins":
        return None
    names = [name for name, value in vars(types).items() if value is thing]
    return ("types", names[0]) if names else None
