"""How a resource's parameters are declared, bound and refused.

A parameter is one line of a resource class: ``mode: int | str | None = field(default=None, doc="permission bits")``.
Its annotation is read as text and never evaluated, so that a target's Python may be older than the author's.
"""

from __future__ import annotations

import sys

from opsmop.errors import FieldError
from opsmop.language.lookups import Late, LateText
from opsmop.language.result import Truth
from opsmop.language.secrets import Secret
from opsmop.wire.lean import cached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Callable


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED: Any = _Required()


class Field:
    """One declared parameter.

    :param default: its value when it is not given; `REQUIRED` if it must be
    :param kw_only: False lets it be given by position
    :param doc: one line for the reference page
    :param choices: the values it may take, if they are few
    :param sensitive: never show its value
    :param least: the smallest number that it may be
    :param template: a text given for it is always a template, as if written `T(...)`
    """

    name = ""
    type_text = "Any"

    def __init__(
        self,
        *,
        default: Any,
        kw_only: bool,
        doc: str,
        choices: tuple[Any, ...],
        least: float | None,
        sensitive: bool,
        template: bool,
    ) -> None:
        self.default = default
        self.kw_only = kw_only
        self.doc = doc
        self.choices = choices
        self.least = least
        self.sensitive = sensitive
        self.template = template

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def typed(self, type_text: str) -> Field:
        """The same field, knowing its annotation's text."""
        self.type_text = type_text
        return self


def field(
    *,
    default: Any = REQUIRED,
    kw_only: bool = True,
    doc: str = "",
    choices: tuple[Any, ...] = (),
    least: float | None = None,
    sensitive: bool = False,
    template: bool = False,
) -> Any:
    """Declare a parameter of a resource type; see `Field` for the parameters.

    :returns: the declaration, typed Any so that the class body's annotation is what a type checker sees
    """
    return Field(
        default=default, kw_only=kw_only, doc=doc, choices=choices, least=least, sensitive=sensitive, template=template
    )


def _annotations(cls: type) -> dict[str, Any]:
    own = cls.__dict__.get("__annotations__")  # noqa: RUF063 - texts alone are wanted, and nothing evaluated
    if own is None and "__annotate_func__" in cls.__dict__:  # Python 3.14 makes them when asked (PEP 649)
        own = cls.__annotations__
    return own or {}


def _text(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    return (
        annotation.__name__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else repr(annotation)
    )


def declared(cls: type) -> dict[str, Field]:
    """The parameters of `cls` by name: those given by position first, then its own, then those every type has."""
    return _shape(cls).fields


class _Shape:
    """What is the same for all resources of a type.

    :param fields: its parameters
    """

    def __init__(self, fields: dict[str, Field]) -> None:
        self.fields = fields
        self.positional = [name for name, entry in fields.items() if not entry.kw_only]
        self.needed = [name for name, entry in fields.items() if entry.default is REQUIRED]
        self.defaults = {name: entry.default for name, entry in fields.items()}


@cached
def _shape(cls: type) -> _Shape:
    found: dict[str, Field] = {}
    for base in cls.__mro__:
        annotations = _annotations(base)
        for name, value in vars(base).items():
            if isinstance(value, Field) and name not in found:
                found[name] = value.typed(_text(annotations.get(name, "Any")))
    return _Shape(dict(sorted(found.items(), key=lambda entry: entry[1].kw_only)))


def bind(cls: type, args: tuple[Any, ...], given: dict[str, Any], place: str) -> dict[str, Any]:
    """The values of the parameters of `cls`, defaults filled in.

    :param args: values given by position
    :param given: values given by name
    :param place: ``file:line`` for error texts
    :raises FieldError: for a wrong name, a wrong type, a value that is not a choice, one missing or one too many
    """
    said = _said(cls, args, given, place)
    shape = _shape(cls)
    for name in shape.needed:
        if name not in said:
            raise FieldError(f"{cls.__name__} needs {name!r}", place=place, remedy=shape.fields[name].doc)
    return {**shape.defaults, **said}


def given_names(cls: type, args: tuple[Any, ...], given: dict[str, Any]) -> tuple[str, ...]:
    """The names of the parameters of `cls` that are not left to their defaults, where `bind` refuses nothing."""
    return (*_shape(cls).positional[: len(args)], *given)


def _said(cls: type, args: tuple[Any, ...], given: dict[str, Any], place: str) -> dict[str, Any]:
    shape = _shape(cls)
    fields, positional = shape.fields, shape.positional
    if len(args) > len(positional):
        raise FieldError(
            f"{cls.__name__} takes {len(positional)} value(s) by position ({', '.join(positional)}), not {len(args)}",
            place=place,
            remedy=_by_name(fields, args[len(positional) :]),
        )
    values = dict(zip(positional, args))
    for name, value in given.items():
        if name not in fields:
            remedy = getattr(cls, "elsewhere", {}).get(name) or nearest(name, fields, "Its parameters")
            raise FieldError(f"{cls.__name__} has no parameter {name!r}", place=place, remedy=remedy)
        if name in values:
            raise FieldError(f"{cls.__name__} was given {name!r} twice", place=place)
        values[name] = value
    for name, value in values.items():
        if not isinstance(value, Late):
            fit = accepted(cls, fields[name], value, place)
            values[name] = LateText(fit) if fields[name].template and isinstance(fit, str) else fit
    return values


def accepted(cls: type, entry: Field, value: Any, place: str) -> Any:
    """`value` as the parameter takes it: a path becomes its text, and a result's `changed` what it says.

    :raises FieldError: if it is of another type, not one of the choices, or too small a number
    """
    if _is_path(value):
        value = str(value)
    if isinstance(value, Truth):
        value = bool(value)
    plain: Any = value.reveal() if isinstance(value, Secret) else value
    if plain is not None or entry.default is not None:
        if not fits(plain, entry.type_text):
            raise FieldError(
                f"{cls.__name__}({entry.name}=...) takes {entry.type_text}, not {type(plain).__name__}"
                + ("" if entry.sensitive or isinstance(value, Secret) else f" {shortened(plain)}"),
                place=place,
                remedy=getattr(cls, "elsewhere", {}).get(entry.name) or _of_its_type(entry, value),
            )
        if entry.choices and plain not in entry.choices:
            raise FieldError(
                f"{cls.__name__}({entry.name}=...) takes one of {', '.join(map(repr, entry.choices))}, not {shortened(plain)}",
                place=place,
            )
        if entry.least is not None and plain is not None and plain < entry.least:
            raise FieldError(
                f"{cls.__name__}({entry.name}=...) takes nothing less than {entry.least}, not {plain}", place=place
            )
    return value


_MEANT = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def _of_its_type(entry: Field, value: Any) -> str:
    """A remedy for a value of a wrong type: what was probably meant, or what is to be given."""
    options = [option.partition("[")[0] for option in _outermost(entry.type_text, "|")]
    known = not entry.sensitive and isinstance(value, (str, int, float))
    if known and "bool" in options and str(value).lower() in _MEANT:
        return f"Write {entry.name}={_MEANT[str(value).lower()]}."
    if known and "list" in options and fits([value], entry.type_text):
        return f"Write {entry.name}=[{shortened(value)}]."
    if known and "str" in options:
        return f"Write {entry.name}={shortened(str(value))}."
    if known and "int" in options and str(value).isdecimal():
        return f"Write {entry.name}={value}."
    return f"{entry.name}: {entry.doc}." if entry.doc else ""


def _by_name(fields: dict[str, Field], more: tuple[Any, ...]) -> str:
    """A remedy for values too many by position: the parameter that one may have been meant for."""
    following = next((entry for entry in fields.values() if entry.kw_only and not entry.sensitive), None)
    told = isinstance(more[0], (str, int)) and len(more) == 1
    if following is not None and told and fits(more[0], following.type_text):
        return f"Give the others by name: {following.name}={shortened(more[0])}?"
    return "Give the others by name."


def shortened(value: Any) -> str:
    """`repr(value)`, at most 80 characters of it."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - a line's worth


def nearest(name: str, known: Iterable[str], label: str) -> str:
    """A remedy for a name that nothing knows: the nearest right ones, or all of them."""
    import difflib  # only for an error's text

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return "Did you mean " + " or ".join(repr(match) for match in close) + "?"
    return f"{label}: {', '.join(names)}." if names else ""


def _outermost(text: str, separator: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for index, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if letter == separator and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def fits(value: Any, type_text: str) -> bool:
    """Whether `value` is what an annotation says, read as text; an annotation nobody can read accepts everything."""
    return any(_fits_one(value, head, inner) for head, inner in _options(type_text))


@cached
def _options(type_text: str) -> list[tuple[str, str]]:
    """What an annotation allows: each name, without its module, and what stands in its brackets."""
    parts = (option.partition("[") for option in _outermost(type_text, "|"))
    return [(head.rpartition(".")[2], inner) for head, _, inner in parts]


_PLAIN: dict[str, Callable[[Any], bool]] = {
    "None": lambda value: value is None,
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "bytes": lambda value: isinstance(value, bytes),
    "Secret": lambda value: isinstance(value, (str, Secret)),
    "Callable": callable,
    "type": lambda value: isinstance(value, type),
}
_CONTAINERS: dict[str, tuple[type, ...]] = {"list": (list, tuple), "tuple": (tuple,), "dict": (dict,), "set": (set,)}


def _fits_one(value: Any, head: str, inner: str) -> bool:
    if head in _PLAIN:
        return _PLAIN[head](value)
    if head not in _CONTAINERS:
        return True
    if not isinstance(value, _CONTAINERS[head]):
        return False
    return _fits_inside(value, head, inner)


def _fits_inside(value: Any, head: str, inner: str) -> bool:
    arguments = _outermost(inner[:-1], ",") if inner else []
    if head == "dict":
        return len(arguments) != 2 or all(  # noqa: PLR2004 - a key and a value
            _late_or_fits(key, arguments[0]) and _late_or_fits(entry, arguments[1]) for key, entry in value.items()
        )
    return not arguments or all(_late_or_fits(entry, arguments[0]) for entry in value)


def _is_path(value: Any) -> bool:
    paths = sys.modules.get("pathlib")  # 4 ms to import; without it there are no paths
    return paths is not None and isinstance(value, paths.PurePath)


def _late_or_fits(value: Any, type_text: str) -> bool:
    return isinstance(value, (Late, Secret)) or _is_path(value) or fits(value, type_text)
