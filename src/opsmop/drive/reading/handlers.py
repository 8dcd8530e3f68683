"""Which handlers a role has, and which of those that its code names it has not."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from opsmop.drive.reading.code import Code, code_of, codes_of, method
from opsmop.errors import PolicyError
from opsmop.language.collections import Handlers
from opsmop.language.fields import nearest
from opsmop.language.resource import Resource
from opsmop.language.role import Role


def refuse_unknown_handlers(roles: Iterable[Role]) -> None:
    """Refuse a handler's name that is written in the code of a role which has no such handler.

    :raises PolicyError: naming file, line and the nearest name
    """
    for role in roles:
        for error in unknown_handlers(role, codes_of(role, naming="signals")):
            raise error


def unknown_handlers(role: Role, codes: Iterable[Code]) -> Iterator[PolicyError]:
    """An error for every such name.

    :param codes: the code that runs on a target for the role
    """
    codes = list(codes)
    known = handlers_of(role) if codes else None
    if known is None:
        return
    for code in codes:
        for call in _resources_in(code):
            for node, name in _literals(next((word.value for word in call.keywords if word.arg == "signals"), None)):
                if name not in known:
                    yield PolicyError(
                        f"signals={name!r}: role {role} has no handler of that name",
                        place=code.place(node),
                        remedy=nearest(name, known, "Its handlers")
                        or "Declare it in set_handlers(): return Handlers(...).",
                    )


def handlers_of(role: Role) -> set[str] | None:
    """The names of the handlers of a role, as its `set_handlers()` writes them; None if they are computed."""
    called = getattr(role.set_handlers, "__func__", None)
    if called is Role.set_handlers:
        return set()
    function = method(role, "set_handlers")
    code = code_of(function) if function is not None else None
    if code is None or code.function is not called:  # it is a package's, say
        return None
    calls = [node for node in ast.walk(code.tree) if isinstance(node, ast.Call) and code.value(node.func) is Handlers]
    known: set[str] = set()
    for call in calls:
        names = [word.arg for word in call.keywords] + [name for given in call.args for name in _keys(given)]
        if None in names:
            return None
        known.update(name for name in names if name is not None)
    return known if calls else None


def _resources_in(code: Code) -> Iterator[ast.Call]:
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call):
            made = code.value(node.func)
            if isinstance(made, type) and issubclass(made, Resource):
                yield node


def _literals(node: ast.expr | None) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(node, (ast.List, ast.Tuple)):
        for entry in node.elts:
            yield from _literals(entry)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node, node.value


def _keys(given: ast.expr) -> list[str | None]:
    if not isinstance(given, ast.Dict):
        return [None]
    return [key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None for key in given.keys]
