"""The templates and files that a role's code names: are they there, may they be served, do they parse?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opsmop.drive.reading.calls import Call, texts_of
from opsmop.drive.reading.code import Code
from opsmop.errors import OpsMopError, TemplateError
from opsmop.language.braces import taken_as_written
from opsmop.language.fields import declared, nearest
from opsmop.language.lookups import is_late
from opsmop.language.syntax import DELIMITERS, Syntax, syntax_of
from opsmop.target.prepared import has_syntax
from opsmop.target.templates import Reader
from opsmop.transport.files import FileRules
from opsmop.wire.records import dataclass, field


@dataclass
class Sources:
    """What the resources of one role are made from.

    :param reader: reads templates
    :param rules: which files the role may have
    :param known: the names that are defined for templates; None if that cannot be told
    :ivar warned: names that nothing defines, each a warning
    """

    reader: Reader
    rules: FileRules
    known: set[str] | None
    warned: list[OpsMopError] = field(default_factory=list)
    _read: set[tuple[str, Syntax]] = field(default_factory=set)

    def faults(self, call: Call) -> Iterator[OpsMopError]:
        """What is wrong with the files and templates that a resource names."""
        for name in ("from_file", "from_template"):
            path = call.values.get(name)
            if isinstance(path, str):
                yield from self._file(path, call.place, _written(call) if name == "from_template" else None)
        folder, excludes = call.values.get("from_dir"), call.values.get("excludes") or []
        if isinstance(folder, str) and isinstance(excludes, list) and all(isinstance(one, str) for one in excludes):
            yield from self._folder(folder, excludes, call.place)
        self._look_for_braces(call)
        for kind, text in texts_of(call):
            try:
                names = (
                    self.reader.text(text, call.place)[0]
                    if kind == "text"
                    else self.reader.expression(text, call.place)
                )
            except TemplateError as error:
                yield error
            else:
                self._look_up(dict.fromkeys(names, call.place), call.code)

    def _look_for_braces(self, call: Call) -> None:
        """Warn of plain texts that look like templates of a variable which is defined."""
        fields = declared(call.made)
        plain = {name: value for name, value in call.values.items() if name in fields and not fields[name].template}
        for name, variable in taken_as_written(plain, self.known or ()):
            self.warned.append(
                TemplateError(
                    f"{call.made.__name__}({name}=...) takes '{{{{ {variable} }}}}' as it is written",
                    place=call.place,
                    remedy=f"Write {name}=T(...) for a template.",
                )
            )

    def _file(
        self, path: str, place: str, syntax: Syntax | None, *, bound: frozenset[str] = frozenset()
    ) -> Iterator[OpsMopError]:
        """What is wrong with a file, and with the template in it if `syntax` says how that is written."""
        try:
            content = self.rules.read(path) if syntax is not None else self._looked_at(path)
        except OpsMopError as error:
            error.place = error.place or place
            yield error
            return
        if syntax is not None and (path, syntax) not in self._read and has_syntax(content, syntax.marks):
            self._read.add((path, syntax))
            yield from self._template(path, place, content, syntax, bound)

    def _folder(self, path: str, excludes: list[str], place: str) -> Iterator[OpsMopError]:
        try:
            for _ in self.rules.walk(path, excludes):
                continue
        except OpsMopError as error:
            error.place = error.place or place
            yield error

    def _looked_at(self, path: str) -> bytes:
        self.rules.open(path).close()
        return b""

    def _template(
        self, path: str, place: str, content: bytes, syntax: Syntax, bound: frozenset[str]
    ) -> Iterator[OpsMopError]:
        try:
            names, others = self.reader.text(content.decode(), path, in_policy=False, syntax=syntax)
        except UnicodeDecodeError as error:
            yield TemplateError(
                f"the template {path} is not UTF-8 text (byte {error.start})",
                place=place,
                remedy="Use from_file for a file that is no template.",
            )
            return
        except TemplateError as error:
            yield error
            return
        self._look_up({name: f"{path}:{line}" for name, line in names.items() if name not in bound}, None)
        bound |= self.reader.bound(content.decode(), syntax)
        for other, line in sorted(others.items()):
            yield from self._file(other, f"{path}:{line}", syntax, bound=bound)

    def _look_up(self, places: Mapping[str, str], code: Code | None) -> None:
        """Warn of names that nothing defines.

        :param places: where each name is used
        """
        if self.known is None:
            return
        known = self.known | (code.local_names if code is not None else set())
        for name in sorted(places.keys() - known):
            remedy = nearest(name, known, "Defined are") if len(known) else ""
            self.warned.append(TemplateError(f"nothing defines {name!r}", place=places[name], remedy=remedy))


def _written(call: Call) -> Syntax | None:
    """How the template of a resource is written; None if that is worked out elsewhere, or wrong."""
    known = DELIMITERS.keys() & declared(call.made).keys()
    given = {name: call.values[name] for name in known & call.values.keys()}
    if is_late(given) or (call.open_ended and len(given) < len(known)):
        return None
    try:
        return syntax_of(given) or Syntax()
    except ValueError:
        return None
