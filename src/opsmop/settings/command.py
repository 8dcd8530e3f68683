"""The words that started a run, as they may be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

_VALUES = "--extra-vars"  # its values may be passwords; those in files stay there
_HIDDEN = "..."
# What chooses the hosts, the roles and the variables of a run.
CHOOSING = ("--limit-hosts", "--limit-groups", "--tags", "--skip-tags", _VALUES)


def without_values(words: Iterable[str]) -> tuple[str, ...]:
    """`words` with nothing left of the variables that were given among them but their names."""
    return tuple(_without_values(iter(words)))


def choosing(words: Iterable[str]) -> tuple[str, ...]:
    """Those of `words` that a later run needs to be for the same, each as one word; values of variables are left out.

    Files that they name are found from any folder then.
    """
    found, rest = [], iter(without_values(words))
    for word in rest:
        option, equals, value = word.partition("=")
        if option in CHOOSING:
            value = value if equals else next(rest, "")
            parts = [value] if option == _VALUES else value.split(",")
            found.append(f"{option}={','.join(map(_whole_path, parts))}")
    return tuple(found)


def _whole_path(part: str) -> str:
    sign, bare = part[: part.startswith("!")], part.removeprefix("!")
    if not bare.startswith("@") or bare == "@failed":
        return part
    return f"{sign}@{Path(bare[1:]).expanduser().absolute()}"


def hides_values(word: str) -> bool:
    """Whether `word`, one of `choosing`, lacks values."""
    return word.startswith(_VALUES) and word.endswith(_HIDDEN)


def _without_values(words: Iterator[str]) -> Iterator[str]:
    for word in words:
        option, equals, value = word.partition("=")
        if option != _VALUES:
            yield word
        elif equals:
            yield f"{option}={_names(value)}"
        else:
            yield word
            yield from (_names(value) for value in [next(words, "")] if value)


def _names(text: str) -> str:
    if text.startswith("@"):
        return text
    from opsmop.inventory.words import variables_from_words  # few command lines have values

    try:
        return " ".join(f"{name}={_HIDDEN}" for name in variables_from_words(text))
    except ValueError:
        return _HIDDEN
