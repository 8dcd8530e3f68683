"""Reading JSON, TOML and YAML of the target: the readers come only when a document of their kind does."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.fields import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class UnknownFact(ProviderError, AttributeError, KeyError):  # noqa: N818 - an AttributeError for hasattr() and templates
    """A user fact that does not exist."""

    __str__ = ProviderError.__str__


class Table(dict):  # type: ignore[type-arg] # keys and values are a document's
    """A table of a document; its entries are attributes too, except those that have a method's name of dict.

    :param entries: the table
    :param place: the document's path, for error texts
    """

    def __init__(self, entries: dict[Any, Any], place: str) -> None:
        super().__init__({key: opened(value, f"{place}: {key}") for key, value in entries.items()})
        object.__setattr__(self, "_place", place)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __missing__(self, name: Any) -> Any:
        place = self.__dict__.get("_place", "")
        raise UnknownFact(f"{place}: there is no {name!r}", remedy=nearest(str(name), map(str, self), "There are"))


def opened(value: Any, place: str) -> Any:
    """`value` with every table in it as a `Table`."""
    if isinstance(value, dict):
        return Table(value, place)
    return [opened(entry, place) for entry in value] if isinstance(value, list) else value


# What the library lets through of a value that is none, such as the date 2021-13-45 or `!!bool perhaps`.
_NO_VALUE = (ValueError, LookupError, AttributeError, OverflowError)


class Broken(Exception):  # noqa: N818 - never leaves this room
    """A document that does not parse.

    :param line: where, counted from 1; 0 if its reader does not say
    """

    def __init__(self, text: str, line: int = 0) -> None:
        self.line = line
        super().__init__(text)


def from_json(text: str) -> Any:
    """The value of a JSON document (RFC 8259).

    :raises Broken: if it does not parse
    """
    import json  # only where a document of this kind is read

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Broken(f"{error.msg} (column {error.colno})", error.lineno) from None


def from_toml(text: str) -> Any:
    """The value of a TOML document (toml.io, 1.0).

    :raises Broken: if it does not parse
    """
    import re  # as above
    from importlib import import_module
    from importlib.util import find_spec

    # Python has the first from 3.11 on; the bundle brings the other.
    reader = import_module("tomllib" if find_spec("tomllib") else "tomli")
    try:
        return reader.loads(text)
    except reader.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise Broken(str(error), int(line.group(1)) if line else text.count("\n") + 1) from None


def from_yaml(text: str) -> Any:
    """The value of a YAML document (yaml.org, 1.1, plain types only); of an empty one, an empty table.

    :raises Broken: if it does not parse
    """
    from importlib import import_module  # as above; the library has no type hints

    yaml = import_module("yaml")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Broken(getattr(error, "problem", None) or str(error), mark.line + 1 if mark else 0) from None
    except _NO_VALUE as error:
        raise Broken(str(error)) from None
    return {} if value is None else value


READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    ".json": ("JSON", from_json),
    ".toml": ("TOML", from_toml),
    ".yaml": ("YAML", from_yaml),
    ".yml": ("YAML", from_yaml),
}


def read(content: bytes, ending: str, path: str, what: str) -> Any:
    """The value of a document.

    :param ending: of its name, which says what it is; of another than those in `READERS`, the text itself does
    :param path: its path, for error texts
    :param what: what it is, for error texts
    :raises ProviderError: naming path and line, if it does not parse
    """
    name, reader = READERS.get(ending, ("", _any))
    try:
        return opened(reader(content.decode()), path)
    except UnicodeDecodeError as error:
        line, problem = content.count(b"\n", 0, error.start) + 1, f"{what} is not UTF-8 text (byte {error.start})"
    except RecursionError:
        line, problem = 0, f"{what} is nested too deeply"
    except Broken as error:
        line, problem = error.line, f"{what} is not {name}: {error}" if name else f"{what} {error}"
    raise ProviderError(problem, place=f"{path}:{line}" if line else path)


def _any(text: str) -> Any:
    """The value of text that is JSON, TOML or YAML; plain words, which YAML takes for a text, are none of them."""
    problems = []
    for reader in (from_json, from_toml, from_yaml):
        try:
            value = reader(text)
        except Broken as error:
            problems.append(error)
            continue
        if isinstance(value, (dict, list)):
            return value
    telling = problems[0] if text.lstrip()[:1] in ("{", "[") else problems[-1]
    raise Broken(f"is none of JSON, TOML and YAML: {telling}", telling.line)
