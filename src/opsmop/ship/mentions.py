"""What a code object names: globals, attributes, imports and texts, read from its bytecode."""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Iterator

from opsmop.wire.rebuild import nested_code
from opsmop.wire.records import dataclass, field

ROOT_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "DELETE_GLOBAL")
VARIABLE_LOADS = ("LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
ATTRIBUTE_LOADS = ("LOAD_ATTR", "LOAD_METHOD")
ATTRIBUTE_WRITES = ("STORE_ATTR", "DELETE_ATTR")
# Ends a chain whose value is only kept in a variable; the variable's own uses follow by themselves.
BOUND = "="
# Between a value and the use of its attribute, these change nothing.
SILENT = frozenset(("CACHE", "EXTENDED_ARG", "NOP", "COPY", "PUSH_NULL", "NOT_TAKEN"))


@dataclass(frozen=True)
class Import:
    """An import inside a function: `from` as many dots as `level`, the module `name`, of which `names` are taken."""

    level: int
    name: str
    names: tuple[str, ...]


@dataclass
class Mentions:
    """What one code object and the code inside of it name.

    `uses` holds, per root (a global's name, or an import), the chains of attributes taken from it: ``helpers.x.y`` is
    ``("x", "y")``, the bare use of ``helpers`` is ``()``. `lines` and `attributes` hold the line of the first use.
    """

    uses: dict[str | Import, set[tuple[str, ...]]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)
    variables: dict[str, int] = field(default_factory=dict)
    strings: set[str] = field(default_factory=set)

    def use(self, root: str | Import, chain: tuple[str, ...], line: int) -> None:
        """Note one use of a root."""
        self.uses.setdefault(root, set()).add(chain)
        if isinstance(root, str):
            self.lines.setdefault(root, line)


@functools.lru_cache(maxsize=1024)
def mentions_of(code: types.CodeType) -> Mentions:
    """Everything that this code, and code nested in it, names. It is read once for all who ask: nobody changes it."""
    found = Mentions()
    aliases: dict[str, list[tuple[Import, tuple[str, ...]]]] = {}
    for current in (code, *nested_code(code)):
        _Reader(current, found, aliases).read()
        found.strings.update(_strings(current.co_consts))
    return found


def _strings(constants: object) -> Iterator[str]:
    if isinstance(constants, str):
        yield constants
    if isinstance(constants, (tuple, frozenset)):
        for constant in constants:
            yield from _strings(constant)


class _Reader:
    """Reads one code object's instructions into shared mentions; `aliases` are the variables that hold an import."""

    def __init__(
        self, code: types.CodeType, found: Mentions, aliases: dict[str, list[tuple[Import, tuple[str, ...]]]]
    ) -> None:
        self.found = found
        self.aliases = aliases
        self.instructions = [one for one in dis.get_instructions(code) if one.opname not in SILENT]
        self.line = code.co_firstlineno
        self.cells = code.co_cellvars + code.co_freevars  # since 3.13 they are captured by LOAD_FAST
        self.imported: Import | None = None

    def read(self) -> None:
        for index, instruction in enumerate(self.instructions):
            if instruction.positions is not None and instruction.positions.lineno is not None:
                self.line = instruction.positions.lineno
            self._attribute(instruction)
            self._load(index, instruction)
            self._import(index, instruction)

    def _attribute(self, instruction: dis.Instruction) -> None:
        if instruction.opname in ATTRIBUTE_LOADS or instruction.opname.startswith("LOAD_SUPER_"):
            self.found.attributes.setdefault(str(instruction.argval), self.line)

    def _load(self, index: int, instruction: dis.Instruction) -> None:
        if instruction.opname in ROOT_LOADS:
            self.found.use(instruction.argval, self._chain(index + 1), self.line)
        for name, last in self._loaded(instruction):
            self._variable(name, self._chain(index + 1) if last else ())

    def _loaded(self, instruction: dis.Instruction) -> list[tuple[str, bool]]:
        """The local variables that an instruction reads, and whether each is what the next instruction acts on."""
        operation, value = instruction.opname, instruction.argval
        if operation == "STORE_FAST_LOAD_FAST":
            return [(value[1], True)]
        if operation == "LOAD_NAME":
            return [(value, True)]
        if operation == "LOAD_FAST_AND_CLEAR" or not operation.startswith(VARIABLE_LOADS):
            return []
        if isinstance(value, tuple):
            return [(value[0], False), (value[1], True)]
        is_closure = operation == "LOAD_FAST" and value in self.cells
        return [] if is_closure else [(value, True)]

    def _variable(self, name: str, chain: tuple[str, ...]) -> None:
        self.found.variables.setdefault(name, self.line)
        for root, start in self.aliases.get(name, ()):
            self.found.use(root, start + chain, self.line)

    def _chain(self, index: int) -> tuple[str, ...]:
        chain = []
        for instruction in self.instructions[index:]:
            if instruction.opname not in ATTRIBUTE_LOADS + ATTRIBUTE_WRITES:
                break
            chain.append(str(instruction.argval))
            if instruction.opname in ATTRIBUTE_WRITES:
                break
        return tuple(chain)

    def _import(self, index: int, instruction: dis.Instruction) -> None:
        if instruction.opname == "IMPORT_NAME":
            level, names = (self.instructions[index - back].argval for back in (2, 1))
            self.imported = Import(level, instruction.argval, tuple(names or ()))
            self.found.uses.setdefault(self.imported, set())
            if not names:
                renamed = self.instructions[index + 1].opname == "IMPORT_FROM"
                inner = tuple(instruction.argval.split(".")[1:])
                self._alias(index, inner if renamed else ())
        if instruction.opname == "IMPORT_FROM" and self.imported is not None and self.imported.names:
            self.found.use(self.imported, (instruction.argval, BOUND), self.line)
            self._alias(index, (instruction.argval,))

    def _next_store(self, index: int) -> str | None:
        """The variable that takes what was imported; ``import a.b.c as d`` goes through several instructions."""
        for instruction in self.instructions[index + 1 : index + 8]:
            if instruction.opname.startswith("STORE_") and isinstance(instruction.argval, (str, tuple)):
                return instruction.argval if isinstance(instruction.argval, str) else instruction.argval[0]
        return None

    def _alias(self, index: int, start: tuple[str, ...]) -> None:
        variable = self._next_store(index)
        if variable is not None and self.imported is not None:
            self.aliases.setdefault(variable, []).append((self.imported, start))
