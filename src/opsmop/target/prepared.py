"""Templates that the control machine has made Python of already: rendered without jinja2, whose import is a large part of
a small role's time on its host.

Only plain templates come this way: text, variables, conditions, loops (`opsmop.drive.readying` chooses them). The Python
is what jinja2's own compiler writes. Whatever happens here that is not a plain success (a name that nothing defines, an
error of a function that the template calls) ends in `UnfitError`, and jinja2 itself renders the template again and tells.
"""

from __future__ import annotations

from opsmop.language.secrets import revealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Callable

_SYNTAX = ("{{", "{%", "{#")


class UnfitError(Exception):
    """It has to be rendered by jinja2 itself."""


class Absent:
    """The value of a name that nothing defines: it may be asked whether it is defined, and for nothing else."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Whatever jinja2's own is told about it."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise UnfitError

    __getattr__ = __getitem__ = __call__ = __iter__ = __len__ = __bool__ = __str__ = __repr__ = __hash__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __int__ = __float__ = __format__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = __pos__ = (
        _refuse
    )
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _refuse


def _default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    missing = isinstance(value, Absent) or (boolean and not value)
    return instead if missing else value


def _text(value: Any) -> str:
    return str(value)


# Those that everybody uses and that mean for plain values what is written here (Jinja's "List of Builtin Filters").
FILTERS: dict[str, Callable[..., Any]] = {
    "default": _default,
    "d": _default,
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "length": len,
    "count": len,
    "string": _text,
}
TESTS: dict[str, Callable[[Any], bool]] = {
    "defined": lambda value: not isinstance(value, Absent),
    "undefined": lambda value: isinstance(value, Absent),
    "none": lambda value: value is None,
}
GLOBALS: dict[str, Any] = {"range": range, "dict": dict}
_MISSING = object()


class _Environment:
    """What the Python of a template asks its environment for."""

    undefined = Absent
    filters, tests = FILTERS, TESTS
    concat = "".join
    finalize = staticmethod(revealed)

    def getattr(self, value: Any, name: str) -> Any:
        """``value.name``, which may be an item too."""
        try:
            return revealed(getattr(value, name))
        except AttributeError:
            return revealed(value[name])

    def getitem(self, value: Any, name: Any) -> Any:
        """``value[name]``"""
        return revealed(value[name])


class _Scope:
    """What the Python of a template asks its context for."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known
        self.vars: dict[str, Any] = {}
        self.exported_vars: set[str] = set()

    def resolve_or_missing(self, name: str) -> Any:
        """The value of a name, or what stands for none."""
        if name in self.vars:
            return self.vars[name]
        return self._known[name] if name in self._known else GLOBALS.get(name, _MISSING)

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What a function gives; one that wants to know of jinja2 is not for here."""
        if hasattr(function, "jinja_pass_arg") or hasattr(type(function).__call__, "jinja_pass_arg"):
            raise UnfitError
        return function(*arguments, **named)


def has_syntax(template: str | bytes, marks: tuple[str, ...] = _SYNTAX) -> bool:
    """Whether there is anything to render: one of the `marks` with which Jinja's parts begin."""
    found: tuple[Any, ...] = marks if isinstance(template, str) else tuple(mark.encode() for mark in marks)
    return any(mark in template for mark in found)


def names(variables: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a template sees: variables, and facts whose names no variable has."""
    return {**facts, **{name: revealed(value) for name, value in variables.items()}}


class Prepared:
    """The templates of one role that came as Python.

    :param sources: their Python, by the path of the file, or for what stands in the policy itself by its text
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._roots: dict[str, Callable[..., Iterable[str]]] = {}

    def rendered(self, name: str, variables: Mapping[str, Any], facts: Mapping[str, Any]) -> str | None:
        """A template rendered; None if jinja2 has to do it."""
        if name not in self._sources:
            return None
        try:
            return "".join(self._root(name)(_Scope(names(variables, facts))))
        except Exception:  # noqa: BLE001 - jinja2 renders it again, and whatever is wrong is told then
            return None

    def _root(self, name: str) -> Callable[..., Iterable[str]]:
        if name not in self._roots:
            space: dict[str, Any] = {
                "missing": _MISSING, "environment": _Environment(), "Undefined": Absent, "TemplateRuntimeError": UnfitError,
                "internalcode": lambda function: function, "str_join": lambda parts: "".join(map(str, parts)),
            }  # fmt: skip
            exec(compile(self._sources[name], "<template>", "exec", dont_inherit=True), space)  # noqa: S102 - jinja2's way
            self._roots[name] = space["root"]
        return self._roots[name]
