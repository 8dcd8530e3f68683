"""A type's own `check` of a resource of which some values are computed: what is wrong whatever they come to."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any

from opsmop.errors import OpsMopError
from opsmop.language.fields import declared, fits
from opsmop.language.lookups import LateText
from opsmop.language.resource import Resource

# Texts that are guessed: some rules want a path, others a name. Two each, so that what depends on the value shows.
_TEXTS = (("/guessed", "/guessed2"), ("guessed", "guessed2"))
_OTHERS: tuple[tuple[Any, Any], ...] = ((False, True), (1, 2), (["guessed"], ["guessed2"]))
_SHOWN = re.compile(r"guessed2?")
_FOR_PEOPLE = ("__str__", "label")  # reading a value to name the resource decides nothing


def fault_whatever(
    made: type[Resource], values: Mapping[str, Any], computed: Mapping[str, Any], place: tuple[str, int]
) -> OpsMopError | None:
    """The error that `check` of `made` raises without having looked at what is computed; None if there is none.

    :param values: all parameters
    :param computed: those of them that are replaced by guesses, each with what stands in the code
    :param place: file and line of the policy
    """
    for texts in _TEXTS:
        guessed = (_guessed(made, values, computed, [pair[turn] for pair in (texts, *_OTHERS)]) for turn in (0, 1))
        one, other = (_fault(made, guess, computed, place) for guess in guessed)
        if one is not None and other is not None and _shown(one) == _shown(other):
            return type(one)(_shown(one), place=one.place, remedy=_SHOWN.sub("...", one.remedy))
    return None


def _shown(error: OpsMopError) -> str:
    return _SHOWN.sub("...", error.message)


def _guessed(
    made: type[Resource], values: Mapping[str, Any], computed: Mapping[str, Any], guesses: list[Any]
) -> dict[str, Any]:
    """All parameters, with the first of `guesses` that its annotation takes in the place of each computed one."""
    fields = declared(made)
    found = {name: next((guess for guess in guesses if fits(guess, fields[name].type_text)), None) for name in computed}
    return {**values, **found}


def _fault(
    made: type[Resource], values: dict[str, Any], computed: Mapping[str, Any], place: tuple[str, int]
) -> OpsMopError | None:
    rules = _Rules(made.check)
    read: set[int] = set()

    def reading(self: Any, name: str) -> Any:
        if name in computed:
            read.update(rules.at_work(sys._getframe(1), computed[name]))  # noqa: SLF001 - which rule asks is wanted
        return object.__getattribute__(self, name)

    watched = type(made.__name__, (made,), {"__getattribute__": reading})
    resource: Resource = object.__new__(watched)
    vars(resource).update(values)
    resource.given = tuple(name for name, value in values.items() if value != declared(made)[name].default)
    resource.file, resource.line, resource.warnings = *place, []
    try:
        resource.check()
    except OpsMopError as error:
        if read & rules.that_raised(error):
            return None
        resource.discreet(error)
        return error
    except Exception:  # noqa: BLE001 - a guess of the wrong kind: nothing is known then
        return None
    return None


class _Rules:
    """The statements of a `check`, each a rule."""

    def __init__(self, check: Any) -> None:
        self._code: CodeType = check.__code__
        first = self._code.co_firstlineno - 1
        self._rule = {
            line + first: number
            for number, statement in enumerate(_body(check))
            for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        }

    def at_work(self, frame: FrameType | None, value: Any) -> set[int]:
        """The rule that reads `value`, unless it only names the resource, or asks whether a template was given."""
        while frame is not None and frame.f_code is not self._code:
            asked = "exclusive" if isinstance(value, LateText) else ""
            if frame.f_code.co_name in (*_FOR_PEOPLE, asked):
                return set()
            frame = frame.f_back
        return {self._rule.get(frame.f_lineno, -1)} if frame is not None else set()

    def that_raised(self, error: BaseException) -> set[int]:
        """The rule that did."""
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code is not self._code:
            trace = trace.tb_next
        return {self._rule.get(trace.tb_lineno, -1)} if trace is not None else {-1}


def _body(check: Any) -> list[ast.stmt]:
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(check))).body
    except OSError:  # a type that was made without a file: one rule, about everything
        return []
    return function.body if isinstance(function, ast.FunctionDef) else []
