"""Takes out of a source whatever the travelling code does not need, keeping every line and column in its place.

The result is compiled on the target only to find code objects in it and never runs. A statement without travelling code
becomes ``0``; a class keeps its name and the methods that travel; what encloses travelling code keeps its shape, and of
its texts and numbers only whether they are true; comments outside of travelling code go. So a password at module level does
not travel.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from typing import Any

Wanted = set[tuple[str, int]]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
MULTILINE_QUOTES = 3


def reduced(text: str, wanted: Wanted, names: set[str]) -> Iterator[str]:
    """Reductions of a source, the strictest first; the caller takes the first that has all of its code.

    :param text: the whole source
    :param wanted: name and first line of the code objects that travel
    :param names: the names that this code uses; imports of them at module level decide how calls are compiled
    """
    for blank_literals in (True, False):
        page = Page(text)
        Reduction(page, wanted, names, blank_literals=blank_literals).module(ast.parse(text))
        yield page.text()


class Page:
    """A text of which parts are overwritten in place. Columns are counted in bytes of UTF-8, as ``ast`` does."""

    def __init__(self, text: str) -> None:
        self.source = text
        self.lines = [bytearray(line.encode()) for line in io.StringIO(text)]
        self.touched: set[int] = set()

    def text(self) -> str:
        """The page as it is now."""
        for number in self.touched:
            if not self.lines[number - 1].strip():
                self.lines[number - 1][:] = b"\n"
        return b"".join(self.lines).decode()

    def overwrite(self, start: tuple[int, int], end: tuple[int, int], first: str = "", last: str = "") -> None:
        """Blank from start to end, each (line, column); `first` and `last` stand at the two ends of the blank."""
        for line in range(start[0], end[0] + 1):
            self.touched.add(line)
            content = self.lines[line - 1]
            begin = start[1] if line == start[0] else 0
            stop = end[1] if line == end[0] else len(content.rstrip(b"\r\n"))
            filler = first if line == start[0] else ""
            content[begin:stop] = filler.encode().ljust(stop - begin)
        closing = self.lines[end[0] - 1]
        closing[end[1] - len(last) : end[1]] = last.encode()

    def blank(self, node: Any, first: str = "") -> None:
        """Blank a node's text."""
        self.overwrite(start_of(node, self), end_of(node), first)

    def comments(self) -> Iterator[tuple[int, int, int]]:
        """Every comment's line and its first and last column, in bytes."""
        if "#" not in self.source:  # the tokenizer's start alone is 5 ms
            return
        lines = list(io.StringIO(self.source))
        for token in tokenize.generate_tokens(io.StringIO(self.source).readline):
            if token.type == tokenize.COMMENT:
                before = len(lines[token.start[0] - 1][: token.start[1]].encode())
                yield token.start[0], before, before + len(token.string.encode())


def start_of(node: Any, page: Page) -> tuple[int, int]:
    """Where a node begins, its decorators included."""
    decorators = getattr(node, "decorator_list", None)
    if not decorators:
        return node.lineno, node.col_offset
    line = decorators[0].lineno
    while not page.lines[line - 1].lstrip().startswith(b"@"):
        line -= 1
    return line, node.col_offset


def end_of(node: Any) -> tuple[int, int]:
    """Where a node ends."""
    return node.end_lineno, node.end_col_offset


class Reduction:
    """One walk over a source's tree, which blanks as it goes."""

    def __init__(self, page: Page, wanted: Wanted, names: set[str], *, blank_literals: bool) -> None:
        self.page = page
        self.wanted = wanted
        self.names = names
        self.blank_literals = blank_literals
        self.kept: list[ast.AST] = []

    def module(self, tree: ast.Module) -> None:
        for statement in tree.body:
            if not _is_future(statement):
                self.statement(statement)
        self._blank_comments()

    def statement(self, node: ast.stmt) -> None:
        if not self.has_wanted(node):
            self.page.blank(node, self.filler(node))
        elif isinstance(node, ast.ClassDef):
            self.klass(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.function(node)
        else:
            self.other(node)

    def filler(self, node: ast.stmt) -> str:
        """What stands for a statement: its imports of names that are used, for compilers look at them, or nothing."""
        bound = sorted(self.names.intersection(_imported_names(node)))
        if bound:
            return f"import {','.join(bound)}"
        return "''" if _is_text(node) else "0"

    def klass(self, node: ast.ClassDef) -> None:
        """Keep the name, under which private names are mangled, and the statements with travelling code."""
        self.decorators(node)
        for part in [*node.bases, *(keyword.value for keyword in node.keywords)]:
            if self.has_wanted(part):
                self.literals(part)
            else:
                self.page.blank(part, "0")
        for statement in node.body:
            self.statement(statement)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.decorators(node)
        if self.is_wanted(node):
            self.kept.append(node)
        else:
            self.literals(node.args)
            for statement in node.body:
                self.literals(statement)

    def decorators(self, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Keep that there is one, for a function's first line is that of its first decorator."""
        for decorator in node.decorator_list:
            if self.has_wanted(decorator):
                self.literals(decorator)
            else:
                self.page.blank(decorator, "_")

    def other(self, node: Any) -> None:
        """A statement around travelling code: blocks are reduced, and what is left keeps its shape."""
        for name, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, (ast.ExceptHandler, ast.match_case)):
                    self.other(part)
                elif isinstance(part, ast.stmt) and name in BLOCKS:
                    self.statement(part)
                elif isinstance(part, ast.AST):
                    self.literals(part)

    def literals(self, node: Any) -> None:
        """Blank the texts and numbers of what does not travel itself, but has to keep its shape."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.function(node)
            return
        if isinstance(node, ast.Lambda) and self.is_wanted(node):
            self.kept.append(node)
            return
        if isinstance(node, (ast.Constant, ast.JoinedStr)) or _is_computed(node):
            self.literal(node)
            return
        for child in ast.iter_child_nodes(node):
            self.literals(child)

    def literal(self, node: Any) -> None:
        """Blank a text, a number or what is computed of some, but not whether it is true: compilers drop dead branches."""
        if not self.blank_literals or self.has_wanted(node):
            return
        if not isinstance(node, ast.Constant):
            self.page.overwrite(start_of(node, self.page), end_of(node), "(_", ")")  # a compiler takes it for either
        elif isinstance(node.value, (int, float, complex)):
            if not isinstance(node.value, bool):
                self.page.overwrite(start_of(node, self.page), end_of(node), "1" if node.value else "0")
        elif isinstance(node.value, (str, bytes)):
            self._text(node)

    def _text(self, node: ast.Constant) -> None:
        one_line = node.lineno == node.end_lineno
        if not node.value:
            first, last = ("''", "") if one_line else ("(''", ")")
        else:
            first = last = "'" * (1 if one_line else MULTILINE_QUOTES)
        self.page.overwrite(start_of(node, self.page), end_of(node), first, last)

    def is_wanted(self, node: Any) -> bool:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        return (name, start_of(node, self.page)[0]) in self.wanted

    def has_wanted(self, node: ast.AST) -> bool:
        return any(isinstance(inner, FUNCTIONS) and self.is_wanted(inner) for inner in ast.walk(node))

    def _blank_comments(self) -> None:
        kept = [(start_of(node, self.page), end_of(node), isinstance(node, ast.Lambda)) for node in self.kept]
        for line, begin, end in self.page.comments():
            place = (line, begin)
            if not any(
                first <= place and (place < last or (line == last[0] and not single)) for first, last, single in kept
            ):
                self.page.overwrite((line, begin), (line, end))


def _is_computed(node: ast.AST) -> bool:
    """Whether it is computed of numbers and texts alone, so that a compiler may do that."""
    parts = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop)
    return isinstance(node, ast.BinOp) and all(isinstance(inner, parts) for inner in ast.walk(node))


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _imported_names(node: ast.AST) -> Iterator[str]:
    """The names that imports bind in a statement's own scope."""
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imported_names(child)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
