"""How single kinds of values are made again on the target: classes, instances, dataclasses, enumerations, placeholders.

No class of a policy runs its own code while it is made again: ``__init_subclass__``, ``__set_name__`` and metaclass
hooks ran once, on the controller, and what they left on the class travels with it. A class whose base must know of it in
this process as well (a registry) has a classmethod ``__remade__``, which is called once everything is filled.
"""

from __future__ import annotations

import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Hush:
    """Goes before a class's real bases while it is made, so that no ``__init_subclass__`` of theirs runs."""

    def __init_subclass__(cls, **_: Any) -> None:
        pass


class _SlottedHush:
    __slots__ = ()

    def __init_subclass__(cls, **_: Any) -> None:
        pass


def empty_class(meta: Any, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> Any:
    """A class with only what must be there when it is made (``__slots__``, ``__module__``)."""
    if not any(_notices_subclasses(base) for base in bases):
        return _new_class(meta, name, bases, names)
    for hush in (_Hush, _SlottedHush):
        try:
            made = _new_class(meta, name, (hush, *bases), names)
            vars(type)["__bases__"].__set__(made, bases)
        except TypeError:
            continue  # the layouts of these two do not mix; the next one may
        return made
    return _new_class(meta, name, bases, dict(names, __orig_bases__=()))


def _notices_subclasses(base: type) -> bool:
    return any("__init_subclass__" in vars(parent) for parent in base.__mro__ if parent is not object)


def _new_class(meta: Any, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> Any:
    if meta.__module__ == "typing" and dict in bases:  # a TypedDict, whose maker refuses the bases that it gave it
        return type.__new__(meta, name, bases, dict(names))
    return meta.__new__(meta, name, bases, dict(names))


def enumeration(meta: Any, name: str, bases: tuple[type, ...], names: dict[str, Any], members: list[Any]) -> type:
    """An enumeration whose members have their final values, whatever its own ``__new__`` once computed them from."""
    space = meta.__prepare__(name, bases)
    for key, value in [*names.items(), *members]:
        space[key] = value
    made: type = meta.__new__(meta, name, bases, space)
    return made


def record(name: str, fields: tuple[str, ...], names: dict[str, Any]) -> type:
    """A namedtuple by its own maker."""
    # kept out of the top: most roles have none
    import collections

    made: Any = collections.namedtuple(name, fields, rename=True)  # type: ignore[misc]  # noqa: PYI024 - made again
    fill_class(made, names)
    found: type = made
    return found


def fill_record(made: Any, defaults: dict[str, Any]) -> None:
    """Give a namedtuple its defaults, which belong to its last fields."""
    made.__new__.__defaults__ = tuple(defaults.values())
    made._field_defaults = dict(defaults)


def fill_attributes(target: Any, content: dict[str, Any]) -> None:
    """Set attributes of a function or a cell."""
    for name, value in content.items():
        setattr(target, name, value)


def fill_generic(target: Any, content: list[Any]) -> None:
    """Register what a ``functools.singledispatch`` function does for other types."""
    for kind, function in content:
        target.register(kind, function)


def fill_names(target: Any, content: dict[str, Any]) -> None:
    """Set global names of a module, or of globals without a module."""
    (target if isinstance(target, dict) else vars(target)).update(content)


def fill_class(target: Any, content: dict[str, Any]) -> None:
    """Set attributes of a class, past whatever its metaclass thinks of it."""
    for name, value in content.items():
        type.__setattr__(target, name, value)


def restore(target: Any, state: Any) -> None:
    """Give an instance its state, past whatever its class thinks of it (a frozen dataclass, for one)."""
    slots: dict[str, Any] = {}
    if isinstance(state, tuple):
        state, slots = state
    if state:
        target.__dict__.update(state)
    for name, value in slots.items():
        object.__setattr__(target, name, value)


def instance(made: Any, *arguments: Any) -> Any:
    """An instance by the ``__new__`` of its first base that is not written in Python; nothing else runs."""
    for parent in made.__mro__:
        new = vars(parent).get("__new__")
        if new is not None and not isinstance(new, (staticmethod, types.FunctionType)):
            return new(made, *arguments)
    return object.__new__(made)


def fill_dataclass(made: Any, plan: dict[str, Any]) -> None:
    """Let the dataclass maker of this Python make its methods: see ``remake_dataclass``."""
    # kept out of the top: dataclasses imports inspect
    from opsmop.wire.remake_dataclass import finish

    finish(made, plan)


FILLINGS: dict[str, Any] = {
    "attributes": fill_attributes,
    "names": fill_names,
    "class": fill_class,
    "record": fill_record,
    "dataclass": fill_dataclass,
    "generic": fill_generic,
    "state": restore,
}


def cached(function: Any, maxsize: int | None, typed: bool) -> Any:
    """A function with an empty ``functools.lru_cache``."""
    # kept out of the top: most roles have none
    import functools

    return functools.lru_cache(maxsize, typed)(function)


def generic(function: Any) -> Any:
    """A ``functools.singledispatch`` function that knows nothing but its default yet."""
    # kept out of the top: most roles have none
    import functools

    return functools.singledispatch(function)


def cached_property(function: Any, name: str) -> Any:
    """A ``functools.cached_property``, which holds a lock before Python 3.12."""
    # kept out of the top: most roles have none
    import functools

    made: Any = functools.cached_property(function)
    made.attrname = name
    return made


def bound(function: Any, owner: Any) -> Any:
    """A bound method."""
    return types.MethodType(function, owner)


def proxy(names: dict[str, Any]) -> Any:
    """A read-only view of a dictionary."""
    return types.MappingProxyType(names)


def accessor(kind: Any, *functions: Any) -> Any:
    """A property, or a subclass of it."""
    return kind(*functions)


def union(members: tuple[Any, ...]) -> Any:
    """``X | Y`` as a value, which Python 3.9 cannot spell."""
    # kept out of the top: most roles have none
    import typing

    return typing.Union[members]


def type_variable(kind: str, name: str, settings: dict[str, Any]) -> Any:
    """A TypeVar, or a relative of it that this Python may not have."""
    # kept out of the top: most roles have none
    import typing

    make = getattr(typing, kind, None)
    if make is None:
        return Placeholder(f"{kind} '{name}'", "this host's Python does not have this kind of type variable")
    constraints = settings.pop("constraints", ())
    return make(name, *constraints, **settings)


def reference(kind: str, content: Any) -> Any:
    """Something weak: a reference, or a container of weak references."""
    # kept out of the top: most roles have none
    import weakref

    return getattr(weakref, kind)(_Gone() if content is None else content)


class _Gone:
    """What a weak reference without a referent is made for."""


def path(kind: str, text: str) -> Any:
    """A path of ``pathlib``, whose classes live elsewhere in other versions."""
    # kept out of the top: most roles have none
    import pathlib

    return getattr(pathlib, kind)(text)


def _missing_text_enumeration() -> type:
    # kept out of the top: only Python 3.9 and 3.10 need it
    import enum

    class StrEnum(str, enum.Enum):
        """``enum.StrEnum`` of Python 3.11."""

        __str__ = str.__str__
        __format__ = str.__format__  # type: ignore[assignment]

    return StrEnum


def _enumeration_type() -> type:
    # kept out of the top: only Python 3.9 and 3.10 need it
    import enum

    return enum.EnumMeta


# What older Pythons lack or call otherwise.
SUBSTITUTES = {("enum", "StrEnum"): _missing_text_enumeration, ("enum", "EnumType"): _enumeration_type}


def _refusal(self: Any, *_: Any, **__: Any) -> Any:
    # kept out of the top: there is no error until there is one
    from opsmop.errors import ShipError

    what, why = object.__getattribute__(self, "_what"), object.__getattribute__(self, "_why")
    raise ShipError(f"{what} stayed on the control machine: {why}", remedy="Make it, or read what it knows, in main().")


class Placeholder:
    """Stands where something could not travel; whoever uses it learns what it was.

    :param what: the thing, by its name and type
    :param why: why it did not travel
    """

    def __init__(self, what: str, why: str) -> None:
        object.__setattr__(self, "_what", what)
        object.__setattr__(self, "_why", why)

    def __repr__(self) -> str:
        return f"<placeholder of {object.__getattribute__(self, '_what')}>"

    __hash__ = object.__hash__
    __getattr__ = __setattr__ = __delattr__ = __call__ = __bool__ = __len__ = __iter__ = __next__ = _refusal
    __getitem__ = __setitem__ = __delitem__ = __contains__ = __enter__ = __exit__ = __await__ = _refusal
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __str__ = __format__ = __int__ = __float__ = _refusal
    __add__ = __radd__ = __sub__ = __mul__ = __truediv__ = __or__ = __and__ = __mod__ = __index__ = _refusal
    __aenter__ = __aexit__ = __aiter__ = __fspath__ = __bytes__ = __get__ = _refusal
