"""What the methods of a role plainly return, where that is not what they are asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from opsmop.drive.reading.code import MISSING, Code, code_of, method
from opsmop.errors import PolicyError
from opsmop.language.resource import Resource
from opsmop.language.role import Role

_DECLARING = {"set_resources": "Resources(...)", "set_handlers": "Handlers(name=...)"}


def wrong_returns(role: Role) -> Iterator[PolicyError]:
    """An error for each thing that is returned in vain, or constructed and not returned."""
    main = _code(role, "main")
    if main is not None:
        yield from _of_main(role, main)
    for name, wanted in _DECLARING.items():
        code = _code(role, name)
        if code is not None:
            yield from _of_declaring(role, name, wanted, code)


def _code(role: Role, name: str) -> Code | None:
    function = method(role, name)
    return code_of(function) if function is not None else None


def _of_main(role: Role, code: Code) -> Iterator[PolicyError]:
    for value in _returned(code):
        if _makes_resource(code, value):
            yield PolicyError(
                f"main() of {role} returns a resource; what it returns is for later roles, and has to be plain",
                place=code.place(value),
                remedy="A resource is evaluated where it is constructed: leave out `return`.",
            )


def _of_declaring(role: Role, name: str, wanted: str, code: Code) -> Iterator[PolicyError]:
    returned = list(_returned(code))
    made = [node for node in _own(code.tree) if isinstance(node, ast.expr) and _makes_resource(code, node)]
    if made and not returned:
        yield PolicyError(
            f"{name}() of {role} constructs resources and returns nothing, so that none of them is evaluated",
            place=code.place(made[0]),
            remedy=f"Return {wanted}.",
        )
    for value in returned:
        if name == "set_handlers" and (kind := _kind(code, value)):
            yield PolicyError(
                f"set_handlers() of {role} returns a {kind}",
                place=code.place(value),
                remedy="Return Handlers(name=resource, ...).",
            )


def _returned(code: Code) -> Iterator[ast.expr]:
    if isinstance(code.tree, ast.Lambda):
        yield code.tree.body
    for node in _own(code.tree):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def _own(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands in a function, without what stands in functions inside of it."""
    left = list(ast.iter_child_nodes(tree))
    while left:
        node = left.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            left += ast.iter_child_nodes(node)


def _makes_resource(code: Code, node: ast.expr) -> bool:
    made = code.value(node.func) if isinstance(node, ast.Call) else None
    return isinstance(made, type) and issubclass(made, Resource)


def _kind(code: Code, node: ast.expr) -> str:
    """What a value is that stands there, where that can be told."""
    name = {ast.Dict: "dict", ast.DictComp: "dict", ast.List: "list", ast.ListComp: "list", ast.Tuple: "tuple"}
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        plain = node.func.id in ("dict", "list", "tuple") and code.value(node.func) is MISSING
        return node.func.id if plain else ""
    return name.get(type(node), "")
