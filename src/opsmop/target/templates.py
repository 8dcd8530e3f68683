"""Templates: the only place that knows jinja2."""

from __future__ import annotations

from collections.abc import Mapping

import jinja2
import jinja2.meta

from opsmop.errors import FileRefusedError, TemplateError
from opsmop.language.additions import Additions
from opsmop.language.fields import nearest
from opsmop.language.scope import Variables
from opsmop.language.secrets import revealed
from opsmop.language.syntax import Syntax
from opsmop.target.prepared import FILTERS, TESTS, has_syntax, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Callable

_USUAL = Syntax()


class Templates:
    """Renders templates strictly: an undefined variable is an error, never a blank.

    :param source: the text of a template file, by the path that a policy or another template names it with
    :param additions: globals and filters of the policy's own
    :param facts: what templates see besides variables, by name; what is imported sees them too
    """

    def __init__(self, source: Callable[[str], bytes], additions: Additions, facts: Mapping[str, Any]) -> None:
        self._source, self._additions, self._facts = source, additions, facts
        self._environments: dict[tuple[str, Syntax], jinja2.Environment] = {}

    def file(self, path: str, variables: Variables, syntax: Syntax | None = None) -> bytes:
        """The template file at `path`, rendered; byte for byte what it is if it has no Jinja syntax.

        :param syntax: how it, and what it includes, is written, if not in Jinja's usual way
        :raises TemplateError: if it does not parse, is not UTF-8 text or uses a name that nothing defines
        """
        content = self._source(path)
        syntax = syntax or _USUAL
        if not has_syntax(content, syntax.marks):
            return content
        text = self._text(path, content)
        newline = "\r\n" if b"\r\n" in content else "\n"
        environment = self._environment(newline, syntax)
        with _mapped(path, variables):
            code = environment.compile(text, name=path, filename=path)
            template = environment.template_class.from_code(environment, code, environment.make_globals(None))
            return template.render(names(variables, self._facts)).encode()

    def text(self, template: str, variables: Variables, place: str) -> str:
        """The text of a template written in the policy at `place`.

        :raises TemplateError: as `file`
        """
        if not has_syntax(template):
            return template
        with _mapped(place, variables, in_policy=True):
            return self._environment("\n").from_string(template).render(names(variables, self._facts))

    def value(self, expression: str, variables: Variables, place: str) -> Any:
        """What a Jinja expression gives, as a native value.

        :raises TemplateError: as `file`
        """
        with _mapped(place, variables, in_policy=True):
            compiled = self._environment("\n").compile_expression(expression, undefined_to_none=False)
            result = compiled(names(variables, self._facts))
            if isinstance(result, jinja2.Undefined):
                str(result)  # a strict one raises what it is missing
            return result

    def _text(self, path: str, content: bytes) -> str:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise TemplateError(
                f"the template {path} is not UTF-8 text (byte {error.start})",
                remedy="Use from_file for a file that is no template.",
            ) from error

    def _loaded(self, path: str) -> tuple[str, str, Callable[[], bool]]:
        """A template that another one names, as jinja2 wants it."""
        try:
            return self._text(path, self._source(path)), path, lambda: True
        except FileRefusedError as error:
            raise _NotToBeHadError(path, error) from error

    def _environment(self, newline: str, syntax: Syntax = _USUAL) -> jinja2.Environment:
        if (newline, syntax) not in self._environments:
            environment = self._environments[newline, syntax] = _Environment(
                undefined=_Undefined,
                finalize=revealed,
                keep_trailing_newline=True,
                newline_sequence=newline,  # type: ignore[arg-type] # one of the three it takes
                loader=jinja2.FunctionLoader(self._loaded),
                auto_reload=False,
                **syntax.options,
            )
            environment.globals.update({**self._additions.template_globals, **self._facts})
            environment.filters.update(self._additions.template_filters)
        return self._environments[newline, syntax]


class _NotToBeHadError(jinja2.TemplateNotFound):
    """A template that is not there, or not served: one that names several, or would do without, goes on."""

    def __init__(self, path: str, why: FileRefusedError) -> None:
        self.why = why
        super().__init__(path)


class _Undefined(jinja2.StrictUndefined):
    """What is missing from a value is named with what is close to it there."""

    @property
    def _undefined_message(self) -> str:
        message = super()._undefined_message
        value = self._undefined_obj
        if value is jinja2.utils.missing or self._undefined_hint:
            return message
        known = value if isinstance(value, Mapping) else (name for name in dir(value) if not name.startswith("_"))
        close = nearest(str(self._undefined_name), map(str, known), "It has")
        what = "the table" if isinstance(value, Mapping) else type(value).__name__
        # What a type has is too much to be told if nothing is near.
        return f"{what} has no attribute {self._undefined_name!r}" + (f". {close}" if close.startswith("Did") else "")


class _Environment(jinja2.Environment):
    """What a template takes out of a variable is the text of a secret, never its mask."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return revealed(super().getattr(obj, attribute))

    def getitem(self, obj: Any, argument: Any) -> Any:
        return revealed(super().getitem(obj, argument))


class _mapped:  # noqa: N801 - reads as a word of the `with` statement that it is used in
    """Maps jinja2's errors to `TemplateError`: the one border that they cross."""

    def __init__(self, place: str, variables: Variables, *, in_policy: bool = False) -> None:
        self.place, self.variables, self.in_policy = place, variables, in_policy

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, jinja2.TemplateSyntaxError):
            place = self.place if self.in_policy else f"{error.name or self.place}:{error.lineno}"
            raise TemplateError(f"the template does not parse: {error.message}", place=place) from error
        if isinstance(error, jinja2.UndefinedError):
            raise self._undefined(error, self._line(trace)) from error
        if isinstance(error, _NotToBeHadError):
            raise TemplateError(error.why.message, place=self._line(trace), remedy=error.why.remedy) from error
        if isinstance(error, jinja2.TemplateError):
            raise TemplateError(str(error), place=self._line(trace)) from error
        if (
            error is not None
            and not isinstance(error, TemplateError)
            and isinstance(error, (TypeError, ValueError, ArithmeticError))
        ):
            raise TemplateError(f"{type(error).__name__} in the template: {error}", place=self._line(trace)) from error

    def _undefined(self, error: jinja2.UndefinedError, place: str) -> TemplateError:
        message = str(error)
        parts = message.split("'")
        if message.endswith("is undefined") and len(parts) == 3:  # noqa: PLR2004 - jinja2 quotes the one name
            return self._absent(parts[1], place)
        return TemplateError(message, place=place)

    def _absent(self, name: str, place: str) -> TemplateError:
        if name not in self.variables:
            return self.variables.undefined(name, place)
        return TemplateError(
            f"{name!r} is not defined here: what is imported sees no variables",
            place=place,
            remedy="Give it to the macro, or write {% import ... with context %}.",
        )

    def _line(self, trace: Any) -> str:
        """Where in a template the error came from: jinja2 rewrites the innermost frames to the template's lines."""
        place = self.place
        while trace is not None and not self.in_policy:
            if "__jinja_exception__" in trace.tb_frame.f_globals:
                place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
            trace = trace.tb_next
        return place


class Reader:
    """Reads templates without rendering them: for those who look at a policy before it runs.

    :param additions: globals and filters of the policy's own
    """

    def __init__(self, additions: Additions) -> None:
        self._templates = Templates(lambda _: b"", additions, {})

    def text(
        self, template: str, place: str, *, in_policy: bool = True, syntax: Syntax = _USUAL
    ) -> tuple[dict[str, int], dict[str, int]]:
        """The names that a template takes from outside without asking whether they are defined, and the templates that
        it cannot do without, each with its first line.

        :raises TemplateError: if it does not parse, or uses a filter or a test that does not exist
        """
        environment = self._environment(syntax)
        with _mapped(place, Variables(()), in_policy=in_policy):
            tree = environment.parse(template, filename=None if in_policy else place)
            environment.compile(template, filename=None if in_policy else place)
        undeclared = jinja2.meta.find_undeclared_variables(tree) - set(environment.globals) - _asked_for(tree)
        used = ((node.name, node.lineno) for node in tree.find_all(jinja2.nodes.Name) if node.name in undeclared)
        return _first_lines(used), _first_lines(_needed(tree))

    def bound(self, template: str, syntax: Syntax = _USUAL) -> set[str]:
        """The names that a template, which parses, gives to values: those that it includes see them too."""
        names = self._environment(syntax).parse(template).find_all(jinja2.nodes.Name)
        return {name.name for name in names if name.ctx in ("store", "param")}

    def expression(self, expression: str, place: str) -> dict[str, int]:
        """The names that an expression takes, as `text`."""
        return self.text("{{ (" + expression + ") }}", place)[0]

    def _environment(self, syntax: Syntax) -> jinja2.Environment:
        return self._templates._environment("\n", syntax)  # noqa: SLF001 - the same environment


def _first_lines(found: Iterable[tuple[str, int]]) -> dict[str, int]:
    lines: dict[str, int] = {}
    for name, line in found:
        lines[name] = min(line, lines.get(name, line))
    return lines


def _needed(tree: jinja2.nodes.Template) -> Iterator[tuple[str, int]]:
    """The templates that `tree` names one by one, and fails without."""
    kinds: Any = (jinja2.nodes.Extends, jinja2.nodes.Include, jinja2.nodes.Import, jinja2.nodes.FromImport)
    for node in tree.find_all(kinds):
        named = node.template
        optional = isinstance(node, jinja2.nodes.Include) and node.ignore_missing
        if not optional and isinstance(named, jinja2.nodes.Const) and isinstance(named.value, str):
            yield named.value, node.lineno


def _asked_for(tree: jinja2.nodes.Template) -> set[str]:
    """Names that may be undefined: those that ``is defined`` or ``default()`` is asked of."""
    asked = [test.node for test in tree.find_all(jinja2.nodes.Test) if test.name in ("defined", "undefined")]
    asked += [one.node for one in tree.find_all(jinja2.nodes.Filter) if one.name in ("default", "d") and one.node]
    return {node.name for node in asked if isinstance(node, jinja2.nodes.Name)}


# What a template may consist of to be run without jinja2. Their Python asks for nothing but what `prepared` gives.
_PLAIN = frozenset((
    "Template", "Output", "TemplateData", "Name", "Const", "Getattr", "Getitem", "Call", "Keyword", "For", "If",
    "CondExpr", "Assign", "Compare", "Operand", "And", "Or", "Not", "Add", "Sub", "Mul", "Div", "FloorDiv", "Mod",
    "Pow", "Neg", "Pos", "Concat", "Tuple", "List", "Dict", "Pair", "Slice", "Filter", "Test",
))  # fmt: skip
_OF_JINJA = frozenset(
    ("loop", "self", "super", "caller", "varargs", "kwargs", "lipsum", "cycler", "joiner", "namespace")
)


def plain_python(content: bytes, own: frozenset[str]) -> str | None:
    """The Python of a template for `opsmop.target.prepared`; None if it is not plain enough for that.

    :param own: the names of filters and globals of the policy's own, which no plain template uses
    :raises TemplateError: if it does not parse
    :raises ValueError: if it is not UTF-8 text
    """
    text = content.decode()
    environment = Templates(lambda _: b"", Additions(), {})._environment("\r\n" if "\r\n" in text else "\n")  # noqa: SLF001 - the same
    with _mapped("", Variables(())):
        tree = environment.parse(text)
        if not _is_plain(tree, own):
            return None
        python: str = environment.compile(text, raw=True)
    first, _, rest = python.partition("\n")
    return rest if first.startswith("from jinja2.runtime import ") else None


def _is_plain(tree: jinja2.nodes.Template, own: frozenset[str]) -> bool:
    waiting: list[jinja2.nodes.Node] = [tree]
    while waiting:
        node = waiting.pop()
        known = {"Filter": FILTERS, "Test": TESTS}.get(type(node).__name__)
        if type(node).__name__ not in _PLAIN or (
            known is not None and getattr(node, "name", "") not in known.keys() - own
        ):
            return False
        if isinstance(node, jinja2.nodes.Name) and node.name in _OF_JINJA | own:
            return False
        if isinstance(node, jinja2.nodes.For) and (node.recursive or node.test is not None):
            return False
        waiting.extend(node.iter_child_nodes())
    return True
