"""What of a policy's class travels: its shell, its attributes, and what its maker has to make again."""

from __future__ import annotations

import abc
import enum
import types
import typing
from typing import Any

MACHINERY = frozenset(
    (
        "__dict__", "__weakref__", "__module__", "__qualname__", "__slots__", "__doc__", "__annotations__",
        "__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__", "__classdictcell__",
        "__static_attributes__", "__firstlineno__", "__type_params__", "__abstractmethods__", "_abc_impl",
        "__dataclass_fields__", "__dataclass_params__", "__match_args__",
    )
)  # fmt: skip
RECORD_MACHINERY = frozenset(
    ("_make", "_replace", "_asdict", "__new__", "_fields", "_field_defaults", "__getnewargs__")
)
DESCRIPTORS_OF_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
PARAMETERS = ("init", "repr", "eq", "order", "unsafe_hash", "frozen", "match_args")


def is_enumeration(made: type) -> bool:
    """Whether a class is an enumeration with members, or a base for one."""
    return isinstance(made, enum.EnumMeta)


def is_record(made: type) -> bool:
    """Whether a class is what ``collections.namedtuple`` or ``typing.NamedTuple`` made, not a subclass of it."""
    return made.__bases__ in ((tuple,), (tuple, typing.Generic)) and "_fields" in vars(made) and "_make" in vars(made)


def is_dataclass(made: type) -> bool:
    """Whether a class itself, not only a base of it, is a dataclass."""
    return "__dataclass_params__" in vars(made)


def first_names(made: type) -> dict[str, Any]:
    """What has to be in a class's namespace when it is made."""
    names: dict[str, Any] = {"__module__": made.__module__, "__qualname__": made.__qualname__}
    slots = vars(made).get("__slots__")
    if slots is not None:
        names["__slots__"] = (slots,) if isinstance(slots, str) else tuple(slots)
    return names


def members(made: Any) -> list[tuple[str, Any]]:
    """An enumeration's names and values, aliases included."""
    return [(name, member._value_) for name, member in made.__members__.items()]


def attributes(made: Any) -> dict[str, Any]:
    """What is to be set on the class once it exists; generated methods are left to their maker."""
    found = {name: value for name, value in vars(made).items() if not _is_machinery(made, name, value)}
    if isinstance(made, abc.ABCMeta):
        found["__abstractmethods__"] = made.__abstractmethods__
    if not is_dataclass(made) and vars(made).get("__annotations__"):
        found["__annotations__"] = annotation_texts(made)
    return found


def _is_machinery(made: Any, name: str, value: Any) -> bool:
    if name in MACHINERY or isinstance(value, DESCRIPTORS_OF_SLOTS) or _is_of_protocols(value):
        return True
    if is_enumeration(made):
        return name in made.__members__ or (not _is_written(value) and (name.startswith("_") or not callable(value)))
    if is_record(made):
        return name in RECORD_MACHINERY or name in made._fields or _is_generated(value)
    return is_dataclass(made) and (
        name in made.__dataclass_fields__ or _is_generated(value) or _is_no_hash(name, value)
    )


def _is_of_protocols(value: Any) -> bool:
    """Whether it is what ``typing.Protocol`` puts into classes for isinstance(): it differs from Python to Python."""
    function = getattr(value, "__func__", value)
    home = function.__globals__.get("__name__") if isinstance(function, types.FunctionType) else ""
    return home == "typing" and function.__name__ in ("_proto_hook", "_no_init", "_no_init_or_replace_init")


def _is_no_hash(name: str, value: Any) -> bool:
    return name == "__hash__" and value is None


def _is_generated(value: Any) -> bool:
    function = getattr(value, "__func__", value)
    if not isinstance(function, types.FunctionType):
        return False
    home = function.__globals__.get("__name__")
    return function.__code__.co_filename.startswith("<string") or home in (
        "dataclasses",
        "reprlib",
        "collections",
        "typing",
    )


def _is_written(value: Any) -> bool:
    """Whether an enumeration's attribute was written in the policy, not put there by ``enum``."""
    inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or getattr(value, "func", None) or value
    if not isinstance(inner, types.FunctionType):
        return False
    return inner.__globals__.get("__name__") not in ("enum", "types")


def annotation_texts(made: Any) -> dict[str, str]:
    """A class's own annotations as text, for a target may lack what they name."""
    return {name: _annotation_text(value) for name, value in _own_annotations(made).items()}


def _own_annotations(made: Any) -> dict[str, Any]:
    own = vars(made).get("__annotations__")
    if own is None and hasattr(made, "__annotate__"):  # since Python 3.14 they are made when asked for
        own = made.__annotations__
    return dict(own or {})


def _annotation_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, type) and not isinstance(value, types.GenericAlias):
        return value.__qualname__ if value.__module__ == "builtins" else f"{value.__module__}.{value.__qualname__}"
    return repr(value)


def dataclass_plan(made: Any) -> dict[str, Any]:
    """What the target's dataclass maker needs: see ``opsmop.wire.remake_dataclass.finish``."""
    texts = annotation_texts(made)
    own = [field for name, field in made.__dataclass_fields__.items() if name in texts]
    parameters = {name: getattr(made.__dataclass_params__, name, True) for name in PARAMETERS}
    if "__match_args__" not in vars(made):
        parameters["match_args"] = False
    return {
        "parameters": parameters,
        "fields": [(field.name, _kind(field), _settings(made, field)) for field in own],
        "keyword_only": [name for name, field in made.__dataclass_fields__.items() if field.kw_only is True],
        "texts": {name: text for name, text in texts.items() if name in made.__dataclass_fields__},
    }


def _kind(field: Any) -> str:
    return {"_FIELD_CLASSVAR": "class", "_FIELD_INITVAR": "init"}.get(field._field_type.name, "field")  # noqa: SLF001 - the only place that knows


def _settings(made: Any, field: Any) -> dict[str, Any]:
    import dataclasses  # only where one travels

    settings = {name: getattr(field, name) for name in ("init", "repr", "hash", "compare")}
    settings["metadata"] = dict(field.metadata)
    for name in ("default", "default_factory"):
        if getattr(field, name) is not dataclasses.MISSING:
            settings[name] = getattr(field, name)
    if _kind(field) == "class" and field.name in vars(made):
        settings["default"] = vars(made)[field.name]
    if _kind(field) != "field":
        return {name: settings[name] for name in ("default", "metadata") if name in settings}
    return dict(settings, kw_only=field.kw_only)
