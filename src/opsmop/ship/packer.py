"""Writes a survey's things into one stream of pickles that share a memo: shells first, then what fills them."""

from __future__ import annotations

import io
import types
from _pickle import Pickler  # the C half alone, which is what runs anyway
from typing import Any

from opsmop.ship import classes
from opsmop.ship.places import Place, place_of
from opsmop.ship.references import NAMELESS, reference_to
from opsmop.ship.sources import CannotTravel
from opsmop.ship.survey import Namespace, Survey, check_module, is_generic
from opsmop.ship.values import LRU_CACHE, PROTOCOL, Reduced, by_name, reduced_value
from opsmop.wire import rebuild, remake

ATOMS = (type(None), bool, int, float, complex, str, bytes, frozenset)
CODE = (
    *ATOMS,
    types.FunctionType,
    type,
    types.ModuleType,
    types.CellType,
    classmethod,
    staticmethod,
    property,
    LRU_CACHE,
)
CODE_FIRST, MAKERS_NEXT, VALUES_LAST = range(3)
MAKERS = ("dataclass", "record", "generic")
MODULE_SETTINGS = ("__file__", "__package__")


class TooLarge(Exception):  # noqa: N818 - a signal inside of this room
    """The stream went over its limit."""


class _Stream(io.RawIOBase):
    """Takes bytes up to a limit."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.content = bytearray()

    def write(self, data: Any) -> int:
        if len(self.content) + len(data) > self.limit:
            raise TooLarge
        self.content += data
        return len(data)


class Packer(Pickler):
    """One pass of writing. The first pass only finds out what travels; the second writes it, shells first.

    :param survey: shared by both passes
    :param limit: bytes that it may write
    """

    def __init__(self, survey: Survey, limit: int) -> None:
        self.stream = _Stream(limit)
        super().__init__(self.stream, protocol=PROTOCOL)
        self.survey = survey
        self.written: set[tuple[int, str, str]] = set()
        self.chunks = 0

    def whole(self, value: Any) -> None:
        """Write a value and everything that travels with it.

        :raises TooLarge: it goes over the limit
        :raises RecursionError: it is nested too deeply
        """
        self._chunk("shells", list(self.survey.shells.values()))
        self._fill_all()
        self._chunk("value", value)
        self._fill_all()

    def _chunk(self, kind: str, content: Any) -> None:
        self.dump((kind, content))
        self.chunks += 1

    def _fill_all(self) -> None:
        """Fill until nothing new is met; whenever something is, its code comes before any further value."""
        while any(self._fill(rank) for rank in (CODE_FIRST, MAKERS_NEXT, VALUES_LAST)):
            pass

    def _fill(self, rank: int) -> bool:
        fillings = []
        for thing in list(self.survey.shells.values()):
            for verb, parts in self.survey.parts(thing):
                new = self._new(thing, verb, parts, rank)
                fillings += self._fillings(thing, verb, new)
        if rank == MAKERS_NEXT:
            fillings.sort(key=lambda filling: len(getattr(filling[1], "__mro__", ())))
        if fillings:
            self._chunk("fill", fillings)
        return bool(fillings)

    def _new(self, thing: Any, verb: str, parts: dict[str, Any], rank: int) -> dict[str, Any]:
        new = {}
        for name, value in parts.items():
            key = (id(thing), verb, name)
            if key not in self.written and _rank(verb, name, value) == rank:
                self.written.add(key)
                new[name] = value
        return new

    def _fillings(self, thing: Any, verb: str, new: dict[str, Any]) -> list[Any]:
        if verb == "state":
            return [(verb, member, state) for member, state in new.values()]
        if verb in MAKERS:
            return [(verb, thing, plan) for plan in new.values()]
        return [(verb, thing, new)] if new else []

    def reducer_override(self, thing: Any) -> Any:
        if id(thing) in VERBS or any(thing is kind for kind in NAMELESS):
            return NotImplemented
        try:
            if id(thing) in self.survey.held:
                raise CannotTravel(self.survey.held[id(thing)])  # noqa: TRY301 - one way out for every reason
            return reduction(self.survey, thing)
        except CannotTravel as reason:
            self.survey.refused.append((thing, str(reason)))
            return remake.Placeholder, (described(thing), str(reason))


def described(thing: Any) -> str:
    """A thing in a message: its type, and its name if it has one; never its value, which may be a secret."""
    kind = type(thing)
    name = getattr(thing, "__qualname__", None) if isinstance(thing, (type, types.FunctionType)) else None
    text = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"the {text} {name}" if isinstance(name, str) else f"a {text}"


def _rank(verb: str, name: str, value: Any) -> int:
    if verb in MAKERS:
        return MAKERS_NEXT
    if name == "__parameters__":  # classes are subscripted in values, for which they have to know their variables
        return CODE_FIRST
    is_code = isinstance(value, CODE) or (isinstance(value, tuple) and all(isinstance(part, CODE) for part in value))
    return CODE_FIRST if is_code and verb != "state" else VALUES_LAST


def reduction(survey: Survey, thing: Any) -> Reduced:
    """How one thing is written; whatever can take part in a cycle is written empty and noted in the survey.

    :raises CannotTravel: it cannot be written, and why
    """
    if isinstance(thing, type):
        return _class(survey, thing)
    shell = SHELLS.get(type(thing))
    if shell is not None:
        return shell(survey, thing)
    check_class(type(thing))
    reduced = reduced_value(thing)
    if isinstance(reduced, tuple) and reduced[0] is rebuild.Rebuilder.named:
        survey.note_package(reduced[1][0])
    return reduced


def check_class(made: type) -> None:
    """Refuse a class, and so its instances, that cannot be made again without what stays on the control machine.

    :raises CannotTravel: a base or its metaclass stays
    """
    if place_of(made.__module__) is Place.POLICY:
        for parent in [*made.__mro__, *type.mro(type(made))]:
            reference_to(parent)


def _named(survey: Survey, thing: Any) -> Reduced:
    reference = reference_to(thing)
    if reference is None:
        return None
    survey.note_package(reference[0])
    return by_name(*reference)


def _function(survey: Survey, function: types.FunctionType) -> Reduced:
    named = _named(survey, function)
    if named is not None:
        return named
    if is_generic(function):
        survey.meet(function)
        return remake.generic, (vars(function)["registry"][object],)
    home = survey.home(function.__globals__)
    code = _code(survey, function, home)
    survey.meet(function)
    names = function.__code__.co_freevars
    return rebuild.Rebuilder.function, (home, code, dict(zip(names, function.__closure__ or (), strict=True)))


class _Code:
    """A code object's place, written as the verb that finds it."""

    def __init__(self, verb: Any, arguments: tuple[Any, ...]) -> None:
        self.verb = verb
        self.arguments = arguments


def _code(survey: Survey, function: types.FunctionType, home: Any) -> _Code:
    code = function.__code__
    if survey.is_by_name(home):
        survey.note_package(home.__name__)
        path = tuple(part for part in code.co_qualname.split(".") if part != "<locals>")
        return _Code(rebuild.Rebuilder.library_code, (home.__name__, path, code.co_freevars))
    if isinstance(home, types.ModuleType) and place_of(home.__name__) is Place.CONTROLLER:
        raise CannotTravel(f"it belongs to {home.__name__}, which only the control machine has")
    return _Code(rebuild.Rebuilder.code, survey.sources.place(code, function.__globals__))


def _class(survey: Survey, made: Any) -> Reduced:
    named = _named(survey, made)
    if named is not None:
        return named
    check_class(made)
    survey.meet(made)
    names = classes.first_names(made)
    if classes.is_record(made):
        return rebuild.Rebuilder.record, (made.__name__, made._fields, names)
    if classes.is_enumeration(made):
        parts = (type(made), made.__name__, made.__bases__, names, classes.members(made))
        return rebuild.Rebuilder.enumeration, parts
    return rebuild.Rebuilder.klass, (type(made), made.__name__, made.__bases__, names)


def _module(survey: Survey, module: types.ModuleType) -> Reduced:
    check_module(module)
    if survey.is_by_name(module):
        survey.note_package(module.__name__)
        return rebuild.Rebuilder.library, (module.__name__,)
    if id(module) not in survey.shells:  # met as a value, not by a name: nobody knows what of it is needed
        survey.meet(module)
        survey.meet_whole(module)
    settings = {name: vars(module).get(name) for name in MODULE_SETTINGS}
    if hasattr(module, "__path__"):
        settings["__path__"] = []
    return rebuild.Rebuilder.module, (module.__name__, settings)


def _namespace(survey: Survey, namespace: Namespace) -> Reduced:
    survey.meet(namespace)
    return rebuild.Rebuilder.namespace, (str(namespace.names.get("__name__", "")),)


def _cell(survey: Survey, cell: types.CellType) -> Reduced:
    survey.meet(cell)
    return rebuild.Rebuilder.cell, ()


def _raw_code(_: Survey, code: types.CodeType) -> Reduced:
    raise CannotTravel(f"a bare code object ({code.co_name}) does not travel, only functions do")


def _written_code(_: Survey, code: _Code) -> Reduced:
    return code.verb, code.arguments


SHELLS: dict[Any, Any] = {
    types.FunctionType: _function,
    types.ModuleType: _module,
    types.CellType: _cell,
    types.CodeType: _raw_code,
    Namespace: _namespace,
    _Code: _written_code,
}
VERBS = frozenset(
    id(verb)
    for home in (vars(rebuild.Rebuilder), vars(remake))
    for verb in home.values()
    if isinstance(verb, (types.FunctionType, type)) and verb.__module__ in (rebuild.__name__, remake.__name__)
)
