"""The second bundle: pure-Python packages that the role uses and that only the control machine has."""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from opsmop.errors import ShipError
from opsmop.ship.bundle import DATA, MODULE, PACKAGE, Bundle, bundle_of, modules_below
from opsmop.ship.places import COMPILED_ENDINGS, Place, place_of_file

NO_DATA = frozenset((".py", ".pyc", ".pyo", ".pyi", *COMPILED_ENDINGS))
LARGEST_DATA_FILE_BYTES = 1024 * 1024
# Whatever an import could name, as far as a look at the text can tell: what follows the word, to the end of its line.
_NAMED = r"\b(?:import|from)\b(?=((?:[^\n\\;]|\\\n)*))"
_FIRST_WORD = r"[\s\\(]*(\w+)"


def package_bundle(names: Iterable[str]) -> Bundle | None:
    """The bundle of packages and of what they import; None if nothing of it travels.

    What is compiled is left out: it has to exist on the target. As with imports, what is changed in a package while
    this process runs is not seen.

    :param names: top-level names, as ``Parcel.packages`` has them
    :raises ShipError: a source cannot be read
    """
    wanted = sorted(set(names))
    return _made(tuple((name, tuple(_locations(name))) for name in wanted))


@functools.lru_cache(maxsize=8)
def _made(wanted: tuple[tuple[str, tuple[Path, ...]], ...]) -> Bundle | None:
    travelling = _closure(name for name, _ in wanted)
    files = {
        name: (PACKAGE if is_package else MODULE, source.encode())
        for modules in travelling.values()
        for name, (is_package, source) in modules.items()
    }
    data = {path: (DATA, content) for top in travelling for path, content in data_files(top)}
    return bundle_of({**files, **data}) if files else None


def _closure(names: Iterable[str]) -> dict[str, dict[str, tuple[bool, str]]]:
    """The packages among these, and among what they import, that can be sent, each with its modules."""
    found: dict[str, dict[str, tuple[bool, str]]] = {}
    met = set(names)
    waiting = list(met)
    is_installed = functools.cache(_is_installed)

    def matters(name: str) -> bool:
        return name not in met and is_installed(name)

    while waiting:
        top = waiting.pop()
        if is_installed(top) and not _is_compiled(top):
            found[top] = modules_of(top)
            for _, source in found[top].values():
                new = imported_tops(source, matters)
                met.update(new)
                waiting += new
    return found


def _locations(top: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # an imported module without a spec, as `__main__` is
        return []
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


def imported_tops(source: str, matters: Callable[[str], bool]) -> set[str]:
    """The top-level names that a source imports anywhere, in functions as well.

    :param matters: whether a name is asked for. A source that can hold no such name is not even parsed
    """
    possible = set(filter(matters, _words_after_imports(source) - sys.stdlib_module_names))
    if not possible:
        return set()
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
    return names & possible


def _words_after_imports(source: str) -> set[str]:
    found: set[str] = set()
    for rest in re.findall(_NAMED, source):
        for part in rest.split(","):
            word = re.match(_FIRST_WORD, part)
            if word:
                found.add(word[1])
    return found
