"""Where a module belongs decides how what is in it travels: by name, or by value."""

from __future__ import annotations

import functools
import sys
import sysconfig
from enum import Enum
from pathlib import Path
from typing import Any

OURS = "opsmop"
TRAVELLING_ROOMS = frozenset(
    ("core", "errors", "events", "wire", "inventory", "language", "facts", "resources", "target")
)
CARRIED_LIBRARIES = ("jinja2", "markupsafe", "tomli", "yaml")
INSTALLED_FOLDERS = frozenset(("site-packages", "dist-packages"))
COMPILED_ENDINGS = (".so", ".pyd")


class Place(Enum):
    """Where a module belongs."""

    PYTHON = "part of Python"
    BUNDLE = "in the code bundle"
    CONTROLLER = "a room of opsmop that stays on the control machine"
    PACKAGE = "an installed package"
    POLICY = "part of the policy"


def place_of(name: str) -> Place:
    """Where the module of this name belongs.

    :param name: its full dotted name; it need not be imported, but if it is, its file decides
    """
    top = name.partition(".")[0]
    if name == "__main__":
        return Place.POLICY
    if top == OURS:
        return Place.BUNDLE if travels(name) else Place.CONTROLLER
    if top in CARRIED_LIBRARIES:
        return Place.BUNDLE
    if name in sys.builtin_module_names:
        return Place.PYTHON
    file = _file_of(sys.modules.get(name)) or _file_of(sys.modules.get(top))
    return _place_by_file(top, file)


def place_of_file(name: str, file: str | None) -> Place:
    """Where a module that was found, but not imported, belongs."""
    top = name.partition(".")[0]
    return place_of(name) if top == OURS or top in CARRIED_LIBRARIES else _place_by_file(top, file)


def travels(name: str) -> bool:
    """Whether this module of opsmop is in the bundle."""
    parts = name.split(".")
    return len(parts) == 1 or parts[1] in TRAVELLING_ROOMS


def is_by_name(name: str) -> bool:
    """Whether the module is found on the target by its name."""
    return place_of(name) in (Place.PYTHON, Place.BUNDLE, Place.PACKAGE)


def _file_of(module: Any) -> str | None:
    file = getattr(module, "__file__", None)
    if file is None:
        file = next(iter(getattr(module, "__path__", ())), None)
    return file if isinstance(file, str) else None


def _place_by_file(top: str, file: str | None) -> Place:
    if file is None:
        return Place.PYTHON if top in sys.stdlib_module_names else Place.POLICY
    path = Path(file).absolute()
    is_compiled = path.name.endswith(COMPILED_ENDINGS)
    if INSTALLED_FOLDERS.intersection(path.parts) or (is_compiled and not _in_python(path)):
        return Place.PACKAGE
    return Place.PYTHON if _in_python(path) else Place.POLICY


def _in_python(path: Path) -> bool:
    return any(folder in path.parents for folder in _python_folders())


@functools.cache
def _python_folders() -> frozenset[Path]:
    paths = sysconfig.get_paths()
    folders = [Path(paths[kind]) for kind in ("stdlib", "platstdlib")]
    return frozenset([*folders, *(folder.resolve() for folder in folders)])
