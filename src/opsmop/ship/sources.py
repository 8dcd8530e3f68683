"""The sources of travelling code: found, checked against what runs here, and reduced to what travels."""

from __future__ import annotations

import linecache
import types
from typing import Any

from opsmop.errors import ShipError
from opsmop.ship.reduce import reduced
from opsmop.wire.rebuild import code_by_place, nested_code


class CannotTravel(Exception):  # noqa: N818 - a reason on its way to a message, never shown as an error
    """Why one object cannot travel; raised and caught inside of this room."""


class Sources:
    """The source files of one parcel, in the order in which their code was met."""

    def __init__(self) -> None:
        self.files: dict[str, SourceFile] = {}

    def place(self, code: types.CodeType, names: dict[str, Any]) -> tuple[int, int]:
        """The file's number and the code's number in it.

        :raises CannotTravel: there is no source, or it is not the source of this code any more
        """
        file = self.files.get(code.co_filename)
        if file is None:
            file = SourceFile(code.co_filename, source_text(code.co_filename, names))
            self.files[code.co_filename] = file
        entry = file.entry(code)
        return list(self.files).index(code.co_filename), entry

    def header(self) -> list[Any]:
        """Per file its name, its reduced text, and its travelling code as (name, first line, ordinal)."""
        return [file.described() for file in self.files.values()]


class SourceFile:
    """One source file, and which of its code travels."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.travelling: list[types.CodeType] = []
        try:
            self.known = code_by_place(compile(text, name, "exec", dont_inherit=True))
        except (SyntaxError, ValueError):
            self.known = {}

    def entry(self, code: types.CodeType) -> int:
        if code not in self.known.get((code.co_name, code.co_firstlineno), ()):
            raise CannotTravel(f"the source of {self.name} is not what was imported from it (was it changed since?)")
        if code not in self.travelling:
            self.travelling.append(code)
        return self.travelling.index(code)

    def described(self) -> list[Any]:
        wanted = {(code.co_name, code.co_firstlineno) for code in self.travelling}
        names = {name for code in self.travelling for inner in (code, *nested_code(code)) for name in all_names(inner)}
        for text in reduced(self.text, wanted, names):
            entries = self._entries(text)
            if entries is not None:
                return [self.name, text, entries]
        raise ShipError(f"The source of {self.name} could not be reduced to what travels")

    def _entries(self, text: str) -> list[Any] | None:
        try:
            known = code_by_place(compile(text, self.name, "exec", dont_inherit=True))
        except (SyntaxError, ValueError):
            return None
        entries = []
        for code in self.travelling:
            equals = known.get((code.co_name, code.co_firstlineno), [])
            if code not in equals:
                return None
            entries.append([code.co_name, code.co_firstlineno, equals.index(code)])
        return entries


def all_names(code: types.CodeType) -> tuple[str, ...]:
    """Every name in a code object; compilers compare even local ones with imports at module level."""
    return code.co_names + code.co_varnames + code.co_cellvars + code.co_freevars


def source_text(name: str, names: dict[str, Any]) -> str:
    """The source of a file, from linecache, where code without a file may have put it.

    :param name: the file's name as code objects know it
    :param names: the globals of the code, whose loader may know the source
    :raises CannotTravel: nobody knows it
    """
    linecache.checkcache(name)
    lines = linecache.getlines(name, names)
    own = names.get("__file__")
    if not lines and isinstance(own, str) and own.endswith(name):
        lines = linecache.getlines(own)
    if not lines:
        raise CannotTravel(f"its code has no source ({name}), and code travels as source")
    return "".join(lines)
