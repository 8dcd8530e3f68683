"""Dataclasses of a policy, made again by the dataclass maker of the target's own Python.

Their generated methods have no source and differ between versions, so they never travel.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KEYWORD_ONLY_SINCE = (3, 10)
MARKERS: dict[str, Any] = {"class": typing.ClassVar, "init": dataclasses.InitVar, "field": object}


def finish(made: Any, plan: dict[str, Any]) -> None:
    """Turn a class that has its own methods into a dataclass.

    :param made: the class, already filled, its base classes finished
    :param plan: ``parameters`` of the maker; ``fields`` as (name, kind, settings); ``texts``: annotations as text
    """
    slots = {name: vars(made)[name] for name in vars(made).get("__slots__", ()) if name in vars(made)}
    _declare(made, plan["fields"])
    parameters = {key: value for key, value in plan["parameters"].items() if key in _known(dataclasses.dataclass)}
    by_hand = _needs_own_init(plan) and parameters["init"]
    dataclasses.dataclass(**dict(parameters, init=parameters["init"] and not by_hand))(made)
    if by_hand:
        _set(made, "__init__", own_init(made, plan))
    for name, descriptor in slots.items():
        _set(made, name, descriptor)
    _set(made, "__annotations__", dict(plan["texts"]))
    for name, field in made.__dataclass_fields__.items():
        field.type = plan["texts"].get(name, field.type)


def _known(maker: Any) -> Any:
    return inspect.signature(maker).parameters


def _set(made: Any, name: str, value: Any) -> None:
    type.__setattr__(made, name, value)


def _declare(made: Any, fields: list[Any]) -> None:
    known = _known(dataclasses.field)
    _set(made, "__annotations__", {name: MARKERS[kind] for name, kind, _ in fields})
    for name, _, settings in fields:
        _set(made, name, dataclasses.field(**{key: value for key, value in settings.items() if key in known}))


def _needs_own_init(plan: dict[str, Any]) -> bool:
    return sys.version_info < KEYWORD_ONLY_SINCE and bool(plan["keyword_only"])


def own_init(made: Any, plan: dict[str, Any]) -> Any:
    """An ``__init__`` with keyword-only fields, which the maker of Python 3.9 cannot make.

    :param made: the finished dataclass
    :param plan: its plan; ``keyword_only`` names the fields
    """
    fields = [field for field in made.__dataclass_fields__.values() if field.init and not _is_class_variable(field)]
    positional = [field.name for field in fields if field.name not in plan["keyword_only"]]
    signature = _signature(positional, fields)

    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:  # noqa: N807 - it becomes the method
        given = signature.bind(*arguments, **keywords).arguments
        passed = []
        for field in made.__dataclass_fields__.values():
            value = dataclasses.MISSING if _is_class_variable(field) else _value(field, given)
            if _is_for_init_only(field):
                passed.append(value)
            elif value is not dataclasses.MISSING:
                object.__setattr__(self, field.name, value)
        if hasattr(self, "__post_init__"):
            self.__post_init__(*passed)

    return __init__


def _signature(positional: list[str], fields: list[Any]) -> inspect.Signature:
    kinds = inspect.Parameter
    first = [kinds(name, kinds.POSITIONAL_OR_KEYWORD, default=_default(name, fields)) for name in positional]
    names = [field.name for field in fields if field.name not in positional]
    return inspect.Signature(
        first + [kinds(name, kinds.KEYWORD_ONLY, default=_default(name, fields)) for name in names]
    )


def _default(name: str, fields: list[Any]) -> Any:
    field = next(field for field in fields if field.name == name)
    missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return inspect.Parameter.empty if missing else dataclasses.MISSING


def _value(field: Any, given: dict[str, Any]) -> Any:
    if given.get(field.name, dataclasses.MISSING) is not dataclasses.MISSING:
        return given[field.name]
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _is_class_variable(field: Any) -> bool:
    return bool(field._field_type.name == "_FIELD_CLASSVAR")  # noqa: SLF001 - the only place that knows


def _is_for_init_only(field: Any) -> bool:
    return bool(field._field_type.name == "_FIELD_INITVAR")  # noqa: SLF001 - as above
