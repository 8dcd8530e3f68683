"""The second bundle: pure-Python packages that the role uses and that only the control machine has."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

from opsmop.errors import ShipError
from opsmop.ship.bundle import DATA, MODULE, PACKAGE, Bundle, bundle_of, modules_below
from opsmop.ship.places import COMPILED_ENDINGS, Place, place_of_file

NO_DATA = frozenset((".py", ".pyc", ".pyo", ".pyi", *COMPILED_ENDINGS))
LARGEST_DATA_FILE_BYTES = 1024 * 1024


def package_bundle(names: Iterable[str]) -> Bundle | None:
    """The bundle of packages and of what they import; None if nothing of it travels.

    :param names: top-level names, as ``Parcel.packages`` has them
    """
    files = {
        name: (PACKAGE if is_package else MODULE, source.encode())
        for name, (is_package, source) in closed_list(names).items()
    }
    data = {path: (DATA, content) for top in travelling(names) for path, content in data_files(top)}
    return bundle_of({**files, **data}) if files else None


def closed_list(names: Iterable[str]) -> dict[str, tuple[bool, str]]:
    """Every module of the packages, and of the packages that these import, as (is it a package, source).

    What is compiled is left out: it has to exist on the target, and `missing_text` says so there.

    :param names: top-level names
    """
    found: dict[str, tuple[bool, str]] = {}
    for top in travelling(names):
        found.update(modules_of(top))
    return dict(sorted(found.items()))


def compiled(names: Iterable[str]) -> tuple[str, ...]:
    """The packages among these, and among what they import, that a target has to have by itself."""
    return tuple(sorted(name for name in _closure(names) if _is_compiled(name)))


def travelling(names: Iterable[str]) -> tuple[str, ...]:
    """The packages among these, and among what they import, that can be sent."""
    return tuple(sorted(name for name in _closure(names) if not _is_compiled(name)))


def missing_text(name: str) -> str:
    """What to say when a target lacks a package that does not travel."""
    return (
        f"The role uses the package {name}, which has compiled extensions and therefore does not travel, "
        f"and which this host does not have: install it there before this role runs"
    )


def _closure(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        top = waiting.pop()
        if top in found or not _is_installed(top):
            continue
        found.add(top)
        if not _is_compiled(top):
            waiting += [used for _, source in modules_of(top).values() for used in imported_tops(source)]
    return found


def _locations(top: str) -> list[Path]:
    spec = importlib.util.find_spec(top)
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [Path(folder) for folder in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin not in (None, "built-in", "frozen") else []


def _is_installed(top: str) -> bool:
    locations = _locations(top)
    return bool(locations) and place_of_file(top, str(locations[0])) is Place.PACKAGE


def _is_compiled(top: str) -> bool:
    for location in _locations(top):
        files = location.rglob("*") if location.is_dir() else [location]
        if any(file.name.endswith(COMPILED_ENDINGS) for file in files):
            return True
    return False


def modules_of(top: str) -> dict[str, tuple[bool, str]]:
    """The modules of one package; a package without ``__init__.py`` gets an empty one, so that it stays one.

    :raises ShipError: a source cannot be read
    """
    found: dict[str, tuple[bool, str]] = {}
    for location in _locations(top):
        if location.is_file():
            found[top] = (False, location.read_text(encoding="utf-8"))
            continue
        for name, (kind, content) in modules_below(location, top).items():
            try:
                found[name] = (kind == PACKAGE, content.decode())
            except UnicodeDecodeError as error:
                raise ShipError(f"The source of {name} is not UTF-8, so that it cannot be sent: {error}") from None
    for name in list(found):
        parts = name.split(".")
        for end in range(1, len(parts)):
            found.setdefault(".".join(parts[:end]), (True, ""))
    return found


def data_files(top: str) -> Iterator[tuple[str, bytes]]:
    """The data files of one package, by their path below the folder that holds the package."""
    for location in _locations(top):
        for path in sorted(location.rglob("*")) if location.is_dir() else ():
            is_data = path.is_file() and path.suffix not in NO_DATA and "__pycache__" not in path.parts
            if is_data and path.stat().st_size <= LARGEST_DATA_FILE_BYTES:
                yield "/".join((top, *path.relative_to(location).parts)), path.read_bytes()


def imported_tops(source: str) -> set[str]:
    """The top-level names that a source imports anywhere, in functions as well."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()  # a file for another Python; whoever imports it learns that by itself
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module.partition(".")[0])
    return names
