"""Values that stand written in a policy's code."""

from __future__ import annotations

import ast
from typing import Any

from opsmop.drive.reading.code import Code
from opsmop.language.lookups import Eval, Late, LateExpression, LateText, T

_PLAIN = (str, int, float, bool, bytes, type(None))


class Unknown(Late):
    """Stands for a value that only running the code would tell."""


UNKNOWN = Unknown("a value that is computed")


def value_of(code: Code, node: ast.expr) -> Any:
    """What the code writes there, or `UNKNOWN`; lists and dicts may hold both."""
    if isinstance(node, (ast.Name, ast.Attribute)):
        found = code.value(node)
        return found if type(found) in _PLAIN else UNKNOWN
    if isinstance(node, (ast.List, ast.Tuple)):
        return [value_of(code, entry) for entry in node.elts]
    if isinstance(node, ast.Dict):
        return _dict(code, node)
    if isinstance(node, ast.Call):
        return _late(code, node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return UNKNOWN


def _dict(code: Code, node: ast.Dict) -> Any:
    keys = [value_of(code, key) if key is not None else UNKNOWN for key in node.keys]
    if not all(isinstance(key, str) for key in keys):
        return UNKNOWN
    return dict(zip(keys, (value_of(code, entry) for entry in node.values), strict=True))


def _late(code: Code, node: ast.Call) -> Any:
    made: Any = code.value(node.func)
    given = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if made in (T, Eval) and isinstance(given, ast.Constant) and isinstance(given.value, str):
        return (LateText if made is T else LateExpression)(given.value)
    return UNKNOWN
