"""How single values are written so that any supported Python can read them."""

from __future__ import annotations

import copyreg
import enum
import functools
import pathlib
import types
import typing
import weakref
from collections.abc import Callable
from typing import Any

from opsmop.ship.references import reference_by_name, reference_to
from opsmop.ship.sources import CannotTravel
from opsmop.wire import remake
from opsmop.wire.rebuild import Rebuilder
from opsmop.wire.records import dataclass

PROTOCOL = 4
Reduced = Any
LRU_CACHE: Any = type(functools.lru_cache(len))
TYPE_VARIABLES = (typing.TypeVar, typing.ParamSpec, typing.TypeVarTuple)


@dataclass(frozen=True)
class Stays:
    """Written as a placeholder: what stays on the control machine, and why."""

    what: str
    why: str


def by_name(module: str, path: str) -> Reduced:
    """The reduction of what the target finds by its name."""
    return Rebuilder.named, (module, path)


def reduced_value(value: Any) -> Reduced:
    """The reduction of anything that is no function, class, module or cell.

    :raises CannotTravel: it cannot travel, and why
    """
    if isinstance(value, pathlib.PurePath) and type(value).__module__.partition(".")[0] == "pathlib":
        return remake.path, (type(value).__name__, str(value))
    special = SPECIAL.get(type(value))
    if special is not None:
        return special(value)
    if isinstance(value, enum.Enum):
        return Rebuilder.member, (type(value), value.name, value.value)
    if isinstance(value, property):
        return remake.accessor, (type(value), value.fget, value.fset, value.fdel)
    return _object(value)


def _object(value: Any) -> Reduced:
    reason = getattr(type(value), "__stays_home__", None)
    if reason is not None:
        raise CannotTravel(str(reason))
    reduction = _own_reduction(value)
    if isinstance(reduction, str):
        reference = reference_by_name(value, reduction)
        if reference is not None:
            return by_name(*reference)
        return remake.instance, (type(value),), _state(value) or None, None, None, remake.restore
    if reference_to(type(value)) is None:
        return _instance(value, reduction)
    return reduction


def _own_reduction(value: Any) -> Reduced:
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        return reduce(value) if reduce is not None else value.__reduce_ex__(PROTOCOL)
    except RecursionError:
        raise
    except Exception as error:
        # whatever a foreign __reduce__ says is the reason; pickle's own words are about pickling, which nobody asked for
        known = isinstance(error, TypeError) and "pickle" in str(error)
        raise CannotTravel("it belongs to this process" if known else f"{type(error).__name__}: {error}") from error


def _instance(value: Any, reduction: Reduced) -> Reduced:
    """An instance of a policy's class: made past its ``__new__`` and filled past its ``__setattr__``."""
    kind: Any = type(value)
    is_plain = kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
    is_error = isinstance(value, BaseException) and kind.__reduce__ is BaseException.__reduce__
    if not is_plain and not is_error:
        return reduction
    arguments = value.args if is_error else _new_arguments(value, reduction)
    rest = [*reduction[2:], None, None, None][:3]
    if not _is_written_in(kind, "__getstate__"):
        rest[0] = vars(value) if is_error else _state(value)
    setter = None if _is_written_in(kind, "__setstate__") else remake.restore
    return (remake.instance, (kind, *arguments), rest[0] or None, rest[1], rest[2], setter)


def _new_arguments(value: Any, reduction: Reduced) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        return (tuple(value),)
    return tuple(reduction[1][1:])


def _is_written_in(kind: type, name: str) -> bool:
    """Whether a class has a method of its own, not object's and not one that the dataclass maker put there."""
    method = getattr(kind, name, None)
    return isinstance(method, types.FunctionType) and method.__module__ != "dataclasses"


def _state(value: Any) -> Any:
    slots = {
        name: member.__get__(value)
        for parent in reversed(type(value).__mro__)
        for name, member in vars(parent).items()
        if isinstance(member, types.MemberDescriptorType) and _is_set(member, value)
    }
    names = getattr(value, "__dict__", None)
    return (names, slots) if slots else names


def _is_set(member: Any, value: Any) -> bool:
    try:
        member.__get__(value)
    except AttributeError:
        return False
    return True


def _bound(value: Any) -> Reduced:
    return remake.bound, (value.__func__, value.__self__)


def _builtin(value: Any) -> Reduced:
    owner = value.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        reference = reference_to(value)
        if reference is None:
            raise CannotTravel("it is a built-in function that its module does not name")
        return by_name(*reference)
    return getattr, (owner, value.__name__)


def _of_class(value: Any) -> Reduced:
    return type(value), (value.__func__,)


def _cached(value: Any) -> Reduced:
    reference = reference_to(value)
    if reference is not None:
        return by_name(*reference)
    settings = value.cache_parameters()
    return remake.cached, (value.__wrapped__, settings["maxsize"], settings["typed"])


def _cached_property(value: Any) -> Reduced:
    return remake.cached_property, (value.func, value.attrname)


def _proxy(value: Any) -> Reduced:
    return remake.proxy, (dict(value),)


def _union(value: Any) -> Reduced:
    return remake.union, (typing.get_args(value),)


def _type_variable(value: Any) -> Reduced:
    names = {"bound": "__bound__", "covariant": "__covariant__", "contravariant": "__contravariant__"}
    if isinstance(value, typing.TypeVar):
        names["constraints"] = "__constraints__"
    settings = {key: getattr(value, name) for key, name in names.items() if getattr(value, name, None)}
    return remake.type_variable, (type(value).__name__, value.__name__, settings)


def _weak(value: Any) -> Reduced:
    content: Any = value() if isinstance(value, weakref.ref) else list(value)
    if isinstance(value, (weakref.WeakKeyDictionary, weakref.WeakValueDictionary)):
        content = dict(value)
    kind = "ref" if isinstance(value, weakref.ref) else type(value).__name__
    return remake.reference, (kind, content)


def _stays(value: Stays) -> Reduced:
    return remake.Placeholder, (value.what, value.why)


SPECIAL: dict[Any, Callable[[Any], Reduced]] = {
    Stays: _stays,
    types.MethodType: _bound,
    types.BuiltinFunctionType: _builtin,
    types.MappingProxyType: _proxy,
    types.UnionType: _union,
    classmethod: _of_class,
    staticmethod: _of_class,
    functools.cached_property: _cached_property,
    LRU_CACHE: _cached,
    weakref.ref: _weak,
    weakref.WeakSet: _weak,
    weakref.WeakKeyDictionary: _weak,
    weakref.WeakValueDictionary: _weak,
    **dict.fromkeys(TYPE_VARIABLES, _type_variable),
}
