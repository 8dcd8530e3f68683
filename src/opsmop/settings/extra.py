"""The variables of ``--extra-vars``: words, or files."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from opsmop.errors import UsageError
from opsmop.inventory.tree import close
from opsmop.inventory.words import variables_from_words

_KINDS = {list: "a list", str: "a text", type(None): "nothing"}
_WORDS_REMEDY = "Write --extra-vars \"a=1 b='x y'\" or --extra-vars @file.json"


def extra_variables(given: Iterable[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The variables that the options spell, the last one named winning, and the files they came from.

    :param given: each ``name=value`` words, or ``@`` and a file's path relative to the current directory
    :raises UsageError: if words or a file cannot be read, or a file holds no table of variables
    """
    variables: dict[str, Any] = {}
    files = []
    for text in given:
        if text.startswith("@"):
            files.append(text[1:])
            variables.update(_from_file(Path(text[1:]).expanduser()))
        else:
            variables.update(_from_words(text))
    return variables, tuple(files)


def _from_words(text: str) -> dict[str, str]:
    try:
        return variables_from_words(text)
    except ValueError as error:
        raise UsageError(f"--extra-vars: {error}", remedy=_WORDS_REMEDY) from None


def _from_file(path: Path) -> dict[str, Any]:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"--extra-vars: {path.suffix or 'no extension'} is not a kind of file that is known",
            place=str(path),
            remedy=close(path.suffix, _READERS),
        )
    try:
        document = reader(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--extra-vars: the file cannot be read: {error.strerror}", place=str(path)) from None
    except (ValueError, RecursionError) as error:  # what the readers of JSON, TOML and UTF-8 raise
        raise UsageError(f"--extra-vars: the file does not parse: {error}", place=str(path)) from None
    return _named(document, str(path))


def _named(document: Any, place: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise UsageError(
            f"--extra-vars: the file holds {_KINDS.get(type(document), 'one value')}, not variables",
            place=place,
            remedy="A file of variables is a table of names and values, such as port and 8080.",
        )
    for name in document:
        if not isinstance(name, str) or not name.isidentifier():
            raise UsageError(f"--extra-vars: {name!r} cannot be a variable's name", place=place)
    return document


def _from_yaml(text: str) -> Any:
    try:
        yaml: Any = import_module("yaml")  # an optional library, wanted by few
    except ImportError:
        raise UsageError(
            "--extra-vars: reading YAML takes the library PyYAML, which is not installed",
            remedy="pip install PyYAML, or write the variables as TOML or JSON.",
        ) from None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f" (at line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise ValueError(f"{problem or error}{place}") from None
    return {} if document is None else document  # a file of nothing but comments


_READERS: dict[str, Callable[[str], Any]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": _from_yaml,
    ".yml": _from_yaml,
}
