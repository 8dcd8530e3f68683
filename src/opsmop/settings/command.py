"""The words that started a run, as they may be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_VALUES = "--extra-vars"  # its values may be passwords; those in files stay there
_HIDDEN = "..."


def without_values(words: Iterable[str]) -> tuple[str, ...]:
    """`words` with nothing left of the variables that were given among them but their names."""
    return tuple(_without_values(iter(words)))


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
