"""Modules that travelling code imports inside of functions: found, and imported here if they are the policy's."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

from opsmop.errors import ShipError
from opsmop.ship.mentions import Import


def submodule(module: types.ModuleType, name: str) -> Any:
    """A module of a package that nobody has imported yet, or None."""
    full = f"{module.__name__}.{name}"
    if not hasattr(module, "__path__") or importlib.util.find_spec(full) is None:
        return None
    return importlib.import_module(full)


def absolute_name(function: types.FunctionType, wanted: Import) -> str:
    """The full name of a module that a function imports."""
    if not wanted.level:
        return wanted.name
    names = function.__globals__
    package = names.get("__package__") or names["__name__"].rpartition(".")[0]
    return importlib.util.resolve_name("." * wanted.level + wanted.name, package)


def found_file(top: str) -> str | None:
    """The file of a top-level module, whether imported or not; None if there is none here."""
    module = sys.modules.get(top)
    if module is not None:
        return getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin in ("built-in", "frozen"):
        return None
    return spec.origin or next(iter(spec.submodule_search_locations or ()), None)


def imported(name: str, function: types.FunctionType) -> types.ModuleType:
    """A module of the policy that is first imported inside a function."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        # whatever the module's own top level raises would be raised on the target too, where nobody could fix it
        code = function.__code__
        raise ShipError(
            f"{function.__qualname__} imports {name}, which cannot be imported here: {type(error).__name__}: {error}",
            place=f"{code.co_filename}:{code.co_firstlineno}",
            remedy="Modules of the policy are imported on the control machine; what only the target has is imported in main().",
        ) from error
