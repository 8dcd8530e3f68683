"""What travels with a value: which functions, classes, modules and cells, and which names of them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from opsmop.errors import ShipError
from opsmop.language.provider import providers
from opsmop.language.resource import Resource
from opsmop.ship import classes
from opsmop.ship.imports import absolute_name, found_file, imported, submodule
from opsmop.ship.mentions import BOUND, Import, Mentions, mentions_of
from opsmop.ship.places import Place, is_by_name, place_of, place_of_file
from opsmop.ship.references import reference_to
from opsmop.ship.sources import CannotTravel, Sources
from opsmop.ship.values import Stays

Staying = Callable[[type], frozenset[str]]
Part = tuple[str, Any, dict[str, Any]]
# A role is constructed on the control machine, and its instance travels with all that they left in it.
CONSTRUCTORS = frozenset(("__init__", "__new__"))
DYNAMIC = frozenset(("getattr", "hasattr", "vars", "dir"))


class Namespace:
    """Globals that are no module's dictionary, such as a function made by ``exec`` has."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names


class Survey:
    """Everything that was met while packing one value.

    :param staying: the names of a class that only the control machine uses
    :param held: ids of what is to be replaced by a placeholder, with the reason
    :param roots: what is packed; what the target has of their classes may call them by any name that it knows
    """

    def __init__(self, staying: Staying, held: dict[int, str], roots: tuple[Any, ...] = ()) -> None:
        self.staying = staying
        self.entries = {name for root in roots for name in names_known_there(type(root))}
        self.held = held
        self.shells: dict[int, Any] = {}
        self.sources = Sources()
        self.refused: list[tuple[Any, str]] = []
        self.packages: set[str] = set()
        self.attributes: set[str] = set()
        self.strings: set[str] = set()
        self.roots: set[str] = set()
        self.named: dict[int, set[str]] = {}
        self.swept: dict[int, set[str]] = {}
        self.namespaces: dict[int, Namespace] = {}
        self.mentions: dict[int, Mentions] = {}
        self.stay_names: dict[int, frozenset[str]] = {}

    def meet(self, thing: Any) -> None:
        """Note that a shell of this thing travels."""
        if id(thing) in self.shells:
            return
        self.shells[id(thing)] = thing
        self._meet_providers(thing)
        if isinstance(thing, types.FunctionType) and not is_generic(thing):
            self._read(thing)

    def _meet_providers(self, thing: Any) -> None:
        """The policy's own ways of making a type of resource travel with it, though no code names them."""
        if not (isinstance(thing, type) and issubclass(thing, Resource)):
            return
        for provider in providers(thing):
            home = sys.modules.get(provider.__module__)
            if is_policy_module(home) and getattr(home, provider.__name__, None) is provider:
                self._mention(home, provider.__name__)

    def note_package(self, module: str) -> None:
        """Note that something is found by name in this module."""
        if place_of(module) is Place.PACKAGE:
            self.packages.add(module.partition(".")[0])

    def home(self, names: dict[str, Any]) -> Any:
        """The module, or the namespace, that a function's globals are."""
        module = sys.modules.get(names.get("__name__", ""))
        if module is not None and vars(module) is names:
            return module
        return self.namespaces.setdefault(id(names), Namespace(names))

    def _read(self, function: types.FunctionType) -> None:
        home = self.home(function.__globals__)
        mentions = mentions_of(function.__code__)
        self.mentions[id(function)] = mentions
        self.attributes.update(mentions.attributes)
        self.strings.update(mentions.strings)
        self.roots.update(root for root in mentions.uses if isinstance(root, str))
        if not self.is_by_name(home):
            self.meet(home)
        for root, chains in mentions.uses.items():
            self._resolve(function, home, root, chains)

    def is_by_name(self, home: Any) -> bool:
        """Whether a module is found on the target by its name."""
        return isinstance(home, types.ModuleType) and is_by_name(home.__name__)

    def _resolve(self, function: types.FunctionType, home: Any, root: str | Import, chains: set[Any]) -> None:
        if isinstance(root, Import):
            value = self._imported(function, root)
        elif root in function.__globals__:
            self._mention(home, root)
            value = function.__globals__[root]
            self._meet_providers(value)
        else:
            return
        for chain in chains:
            self._follow(value, chain)

    def _mention(self, home: Any, name: str) -> None:
        if not self.is_by_name(home):
            self.meet(home)
            self.named.setdefault(id(home), set()).add(name)

    def _follow(self, value: Any, chain: tuple[str, ...]) -> None:
        for name in chain:
            if name == BOUND or not is_policy_module(value):
                return
            self._mention(value, name)
            value = vars(value).get(name) or submodule(value, name)
            self._meet_providers(value)
        if is_policy_module(value):
            self.meet_whole(value)

    def meet_whole(self, module: types.ModuleType) -> None:
        """A module that is used in a way that does not tell which of its names are needed: all of them."""
        for name in vars(module):
            if not name.startswith("__"):
                self.swept.setdefault(id(module), set()).add(name)

    def _imported(self, function: types.FunctionType, wanted: Import) -> Any:
        name = absolute_name(function, wanted)
        top = name.partition(".")[0]
        place = place_of(name) if name in sys.modules else place_of_file(name, found_file(top))
        if place is Place.CONTROLLER:
            code = function.__code__
            raise ShipError(
                f"{function.__qualname__} imports {name}, which only the control machine has",
                place=f"{code.co_filename}:{code.co_firstlineno}",
                remedy="Use it at module level, and its result in main().",
            )
        if place is Place.PACKAGE:
            self.packages.add(top)
        if place is not Place.POLICY or (name not in sys.modules and found_file(top) is None):
            return None
        module = imported(name, function)
        self.meet(module)
        return module if wanted.names else sys.modules[top]

    def parts(self, thing: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """What a shell is filled with, as far as it is known by now: the verb and the content."""
        if is_generic(thing):
            yield "generic", {"": [(kind, one) for kind, one in thing.registry.items() if kind is not object]}
        elif isinstance(thing, types.FunctionType):
            yield "attributes", function_parts(thing)
        elif isinstance(thing, types.CellType):
            yield "attributes", cell_parts(thing)
        elif isinstance(thing, type):
            yield from self._class_parts(thing)
        else:
            names = thing.names if isinstance(thing, Namespace) else vars(thing)
            named = self.named.get(id(thing), set()) | self.swept.get(id(thing), set())
            yield "names", {name: names[name] for name in sorted(named) if name in names}

    def _class_parts(self, made: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        found = classes.attributes(made)
        yield "class", dict(self._travelling(made, found))
        if classes.is_dataclass(made):
            yield "dataclass", {"": classes.dataclass_plan(made)}
        elif classes.is_record(made):
            yield "record", {"": dict(made._field_defaults)}
        elif classes.is_enumeration(made):
            for name, member in made.__members__.items():
                state = {key: value for key, value in vars(member).items() if not key.startswith("_")}
                if state:
                    yield "state", {name: (member, state)}

    def _travelling(self, made: type, found: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        staying = self._stay_names(made)
        ran = CONSTRUCTORS if staying and made.__name__ not in self.roots else frozenset()
        for name, value in found.items():
            if name in staying | ran:
                if name in self.attributes or name == "__init__":
                    yield name, Stays(f"{made.__qualname__}.{name}", "only the control machine calls it")
            elif not staying or self._is_wanted(made, name, value):
                yield name, value

    def _stay_names(self, made: type) -> frozenset[str]:
        if id(made) not in self.stay_names:
            self.stay_names[id(made)] = self.staying(made)
        return self.stay_names[id(made)]

    def _is_wanted(self, made: type, name: str, value: Any) -> bool:
        """Whether an attribute of a class that is partly the control machine's is needed on the target."""
        if is_special(name) or is_mentioned(name, self.attributes, self.strings):
            return True
        if name in self.entries or is_inherited_by_name(made, name) or is_declaration(value):
            return True
        return bool(DYNAMIC & self.roots) and isinstance(value, types.FunctionType)


def is_special(name: str) -> bool:
    """Whether Python itself uses this name."""
    return name.startswith("__") and name.endswith("__")


def is_mentioned(name: str, attributes: set[str], strings: set[str]) -> bool:
    """Whether code takes an attribute of this name, or holds the name as a text for ``getattr``."""
    return name in attributes or name in strings


def names_known_there(made: type) -> set[str]:
    """The names of those base classes that the target has anyway; they may use what is called so."""
    return {name for parent in made.__mro__ if is_known_there(parent) for name in vars(parent)}


def is_inherited_by_name(made: type, name: str) -> bool:
    """Whether a base class that the target has anyway knows this name, and may therefore use it."""
    return any(is_known_there(parent) for parent in made.__mro__[1:] if name in vars(parent))


def is_known_there(made: type) -> bool:
    """Whether the target has this class anyway; ``object``, which knows every class, does not count."""
    try:
        return made is not object and reference_to(made) is not None
    except CannotTravel:
        return False


def is_declaration(value: Any) -> bool:
    """Whether an attribute is something like a resource's field, which its class finds by itself."""
    kind = type(value)
    return kind not in (property, cached_property) and (hasattr(kind, "__set_name__") or hasattr(kind, "__set__"))


def is_policy_module(value: Any) -> bool:
    """Whether a value is a module that travels by value."""
    return isinstance(value, types.ModuleType) and place_of(value.__name__) is Place.POLICY


def is_generic(thing: Any) -> bool:
    """Whether this is what ``functools.singledispatch`` makes, whose insides differ between versions."""
    return isinstance(thing, types.FunctionType) and thing.__code__.co_qualname == "singledispatch.<locals>.wrapper"


def function_parts(function: types.FunctionType) -> dict[str, Any]:
    """What a function has besides its code, where it differs from what its code says."""
    parts: dict[str, Any] = {"__qualname__": function.__qualname__}
    if function.__name__ != function.__code__.co_name:
        parts["__name__"] = function.__name__
    if function.__module__ != function.__globals__.get("__name__"):
        parts["__module__"] = function.__module__
    for name in ("__defaults__", "__kwdefaults__", "__dict__"):
        if getattr(function, name):
            parts[name] = getattr(function, name)
    return parts


def cell_parts(cell: types.CellType) -> dict[str, Any]:
    """What a closure cell holds, if it holds anything yet."""
    try:
        return {"cell_contents": cell.cell_contents}
    except ValueError:
        return {}


def check_module(module: types.ModuleType) -> None:
    """Refuse a module that only the control machine has.

    :raises CannotTravel: it is one
    """
    if place_of(module.__name__) is Place.CONTROLLER:
        raise CannotTravel(f"the module {module.__name__} exists only on the control machine")
