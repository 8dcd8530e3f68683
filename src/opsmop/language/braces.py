"""Texts that look like templates and are taken as they are written."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from typing import Any

_LONGEST_NAME = 80  # characters after the braces in which a name is looked for


def taken_as_written(values: Mapping[str, Any], known: Container[str]) -> Iterator[tuple[str, str]]:
    """The parameters that hold ``{{ name`` of a name that is known, and are no templates; each with that name.

    :param values: a resource's parameters by name
    :param known: the names that a template would find
    """
    for field, value in values.items():
        name = next((name for text in _texts(value) for name in _in_braces(text) if name in known), "")
        if name:
            yield field, name


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _texts(entry)


def _in_braces(text: str) -> Iterator[str]:
    """The names that stand first within double braces."""
    at = text.find("{{")
    while at >= 0:
        inside = text[at + 2 : at + 2 + _LONGEST_NAME].lstrip()
        length = next((count for count, letter in enumerate(inside) if not (letter.isalnum() or letter == "_")), 0)
        if inside[:length].isidentifier():
            yield inside[:length]
        at = text.find("{{", at + 2)
