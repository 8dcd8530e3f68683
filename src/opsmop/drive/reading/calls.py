"""The resources that a role's code constructs: are their parameters right, as far as they stand in the code?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from opsmop.drive.reading.code import Code
from opsmop.drive.reading.guesses import fault_whatever
from opsmop.drive.reading.literals import UNKNOWN, Unknown, value_of
from opsmop.errors import OpsMopError, PolicyError
from opsmop.language.fields import REQUIRED, bind, declared, nearest
from opsmop.language.lookups import is_late
from opsmop.language.provider import providers
from opsmop.language.resource import Resource, refuse_strange_name
from opsmop.wire.records import dataclass, field

_JUDGED_LATER = frozenset(declared(Resource)) - {"sensitive"}  # that one decides what an error may say


@dataclass(frozen=True)
class Call:
    """A resource that some code constructs.

    :param code: the code
    :param node: where
    :param made: the resource's type
    :param by_position: what is given by position, computed values as `UNKNOWN`
    :param given: what is given by name
    :param open_ended: whether more is given than stands there (``*`` or ``**``)
    """

    code: Code
    node: ast.Call
    made: type[Resource]
    by_position: tuple[Any, ...] = ()
    given: dict[str, Any] = field(default_factory=dict)
    open_ended: bool = False

    @property
    def place(self) -> str:
        """``file:line``."""
        return self.code.place(self.node)

    @property
    def values(self) -> dict[str, Any]:
        """All that is given, by name."""
        names = [name for name, entry in declared(self.made).items() if not entry.kw_only]
        return {**dict(zip(names, self.by_position, strict=False)), **self.given}


def calls_in(code: Code) -> Iterator[Call]:
    """The resources that `code` constructs, of types that can be told."""
    for node in ast.walk(code.tree):
        if not isinstance(node, ast.Call):
            continue
        made = code.value(node.func)
        if isinstance(made, type) and issubclass(made, Resource):
            yield _call(code, node, made)


def _call(code: Code, node: ast.Call, made: type[Resource]) -> Call:
    stars = any(isinstance(given, ast.Starred) for given in node.args)
    by_position = () if stars else tuple(value_of(code, given) for given in node.args)
    named = {word.arg: value_of(code, word.value) for word in node.keywords if word.arg is not None}
    return Call(code, node, made, by_position, named, stars or len(named) < len(node.keywords))


def faults_of(call: Call) -> Iterator[OpsMopError]:
    """Everything that is wrong with the parameters, each by itself; then their combination."""
    faults = [*_each(call), *_unknown_method(call)]
    yield from faults
    if not faults and not call.open_ended:
        try:
            _combined(call)
        except OpsMopError as error:
            yield error


def _each(call: Call) -> Iterator[OpsMopError]:
    needed = {name: UNKNOWN for name, entry in declared(call.made).items() if entry.default is REQUIRED}
    tried: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {**needed, name: value}) for name, value in call.given.items()
    ]
    if call.by_position:
        rest = {name: value for name, value in needed.items() if name in call.given or name not in call.values}
        tried.append((call.by_position, rest))
    if not call.open_ended:
        tried.append(((UNKNOWN,) * len(call.by_position), dict.fromkeys(_right(call), UNKNOWN)))
    said: set[str] = set()
    for by_position, given in tried:
        try:
            bind(call.made, by_position, given, call.place)
        except OpsMopError as error:
            if error.message not in said:
                yield error
            said.add(error.message)


def _unknown_method(call: Call) -> Iterator[OpsMopError]:
    """An error for the short name of a provider that nobody has; what has dots is found where it runs."""
    method = call.given.get("method")
    if not isinstance(method, str) or "." in method:
        return
    known = {provider.short for provider in providers(call.made)}
    if method not in known:
        yield PolicyError(
            f"{call.made.__name__} has no method {method!r}",
            place=call.place,
            remedy=nearest(method, known, "There are"),
        )


def _right(call: Call) -> list[str]:
    return [name for name in call.given if name in declared(call.made)]


def _combined(call: Call) -> None:
    """Let the type's own `check` look at the whole; what it finds counts if it does not depend on what is computed."""
    register = call.values.get("register")
    if isinstance(register, str):
        refuse_strange_name(call.made, register, call.place)
    values = {name: value for name, value in call.values.items() if name not in _JUDGED_LATER}
    bound = bind(call.made, (), values, call.place)
    computed = {name: value for name, value in values.items() if is_late(value)}
    fault = fault_whatever(call.made, bound, computed, (call.code.file, call.node.lineno))
    if fault is not None:
        raise fault


def texts_of(call: Call) -> Iterator[tuple[str, str]]:
    """The templates and expressions that stand in the call: ``text`` or ``expression``, and what is written."""
    fields = declared(call.made)
    for name, value in call.values.items():
        if name in fields and fields[name].template and isinstance(value, str):
            yield "text", value
        yield from _late_in(value)


def _late_in(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from _late_in(entry)
    elif is_late(value) and not isinstance(value, Unknown):
        yield ("expression" if type(value).__name__ in ("Eval", "LateExpression") else "text"), value.text
