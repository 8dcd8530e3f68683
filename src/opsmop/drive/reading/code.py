"""The code that runs on a target for a role: its methods, and what they call in the policy's modules."""

from __future__ import annotations

import ast
import functools
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opsmop.language.role import CONTROLLER_SIDE, Role
from opsmop.ship.mentions import Mentions, mentions_of
from opsmop.ship.places import Place, place_of
from opsmop.wire.records import dataclass

MISSING = object()


@dataclass(frozen=True)
class Code:
    """A function of the policy.

    :param function: the function
    :param tree: its source, read
    :param mentions: what it names
    """

    function: types.FunctionType
    tree: ast.AST
    mentions: Mentions

    @property
    def file(self) -> str:
        """The file that it was written in."""
        return self.function.__code__.co_filename

    @property
    def local_names(self) -> set[str]:
        """The names of its local variables, and of those of functions inside of it."""
        return set(self.mentions.variables) | {
            name for code in _codes(self.function.__code__) for name in (*code.co_varnames, *code.co_cellvars)
        }

    def place(self, node: ast.expr) -> str:
        """``file:line`` of a part of it."""
        return f"{self.file}:{node.lineno}"

    def value(self, node: ast.expr) -> Any:
        """What a name, or a chain of attributes of one, means at module level; `MISSING` if that cannot be told."""
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)
            return vars(owner).get(node.attr, MISSING) if _is_policys_or_ours(owner) else MISSING
        if not isinstance(node, ast.Name) or node.id in self.local_names - set(self.function.__code__.co_freevars):
            return MISSING
        return self._free().get(node.id, self.function.__globals__.get(node.id, MISSING))

    def _free(self) -> dict[str, Any]:
        cells = zip(self.function.__code__.co_freevars, self.function.__closure__ or (), strict=False)
        return {name: content for name, cell in cells if (content := _content(cell)) is not MISSING}


def codes_of(role: Role, naming: str = "") -> list[Code]:
    """The functions that run on a target for `role`, as far as they were written in files of the policy.

    :param naming: only those that have this text among theirs, the names of parameters included; all if empty
    """
    found = _reachable(role)
    if naming:
        found = [function for function in found if naming in mentions_of(function.__code__).strings]
    return [code for function in found if (code := _code(function)) is not None]


def method(role: Role, name: str) -> types.FunctionType | None:
    """The policy's own method of that name, or None if it has none."""
    for owner in _own_classes(type(role)):
        found = vars(owner).get(name)
        if isinstance(found, types.FunctionType):
            return found
    return None


def code_of(function: types.FunctionType) -> Code | None:
    """A function with its source; None if it was written in no file."""
    return _code(function)


def _reachable(role: Role) -> list[types.FunctionType]:
    found: dict[int, types.FunctionType] = {}
    left: list[Any] = [type(role)]
    seen: set[int] = set()
    while left:
        thing = left.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, types.FunctionType) and place_of(thing.__module__) is Place.POLICY:
            found[id(thing)] = thing
            left += _mentioned(thing)
        elif isinstance(thing, type) and not _is_another_role(thing, role):
            left += [value for owner in _own_classes(thing) for value in _methods(owner, Role in thing.__mro__)]
    return list(found.values())


def _is_another_role(thing: type, role: Role) -> bool:
    """Whether it is a role of which code of `role` only takes something: its `main()` and the rest do not run for that."""
    return Role in thing.__mro__ and not isinstance(role, thing)


def _own_classes(made: type) -> list[type]:
    return [owner for owner in made.__mro__ if place_of(owner.__module__) is Place.POLICY]


def _methods(owner: type, is_role: bool) -> Iterator[Any]:
    for name, value in vars(owner).items():
        if is_role and (name in CONTROLLER_SIDE or name in ("__init__", "__new__")):
            continue
        if isinstance(value, (staticmethod, classmethod)):
            yield value.__func__
        elif isinstance(value, property):
            yield from (part for part in (value.fget, value.fset) if part is not None)
        elif isinstance(value, (types.FunctionType, type)):
            yield value


def _mentioned(function: types.FunctionType) -> Iterator[Any]:
    for root, chains in mentions_of(function.__code__).uses.items():
        value = function.__globals__.get(root, MISSING) if isinstance(root, str) else MISSING
        yield value
        for chain in chains:
            part = value
            for name in chain:
                if not _is_of_policy(part):
                    break
                found = vars(part).get(name, MISSING)
                part = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
                yield part
    yield from (_content(cell) for cell in function.__closure__ or ())


def _is_of_policy(thing: Any) -> bool:
    """Whether it is a module or a role of the policy."""
    if isinstance(thing, types.ModuleType):
        return place_of(thing.__name__) is Place.POLICY
    return isinstance(thing, type) and Role in thing.__mro__ and place_of(thing.__module__) is Place.POLICY


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it yet
        return MISSING


def _is_policys_or_ours(owner: Any) -> bool:
    return isinstance(owner, types.ModuleType) and place_of(owner.__name__) in (Place.POLICY, Place.BUNDLE)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _code(function: types.FunctionType) -> Code | None:
    code = function.__code__
    node = _nodes(code.co_filename).get((code.co_firstlineno, code.co_name))
    return Code(function, node, mentions_of(code)) if node is not None else None


@functools.lru_cache(maxsize=64)
def _nodes(file: str) -> dict[tuple[int, str], ast.AST]:
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[tuple[int, str], ast.AST] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[first, node.name] = node
        elif isinstance(node, ast.Lambda):
            found.setdefault((node.lineno, "<lambda>"), node)
    return found
