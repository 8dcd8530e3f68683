"""Names that a role's code calls and that nothing defines."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from opsmop.drive.reading.code import MISSING, Code
from opsmop.errors import PolicyError
from opsmop.language.fields import nearest


def unknown_calls(code: Code) -> Iterator[PolicyError]:
    """An error for each name that is called and is neither defined by the code nor by its module or Python."""
    known = code.local_names | {*code.function.__code__.co_freevars, *vars(builtins)} | _named_in(code.tree)
    for node in ast.walk(code.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        name = node.func.id
        if name not in known and code.value(node.func) is MISSING:
            close = nearest(name, code.function.__globals__, "Defined are")
            yield PolicyError(
                f"nothing defines {name}(...)",
                place=code.place(node),
                remedy=close if close.startswith("Did") else "Import it, or define it in the policy.",
            )


def _named_in(tree: ast.AST) -> set[str]:
    """The names that are given to something anywhere in there, in a class or as globals too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            names.update(node.names)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    return names
