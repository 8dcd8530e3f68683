"""Variables written as shell-like words: ``a=1 b='x y'``."""

from __future__ import annotations


def variables_from_words(text: str) -> dict[str, str]:
    """The variables that `text` spells, each value a string.

    :param text: words as a POSIX shell would split them, each ``name=value``
    :raises ValueError: if a quote is not closed, or a word has no name or no ``=``
    """
    import shlex  # a host written as an inline table does not need it

    variables = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"the word {word!r} has no '='; write name=value")
        if not name.isidentifier():
            raise ValueError(f"{name!r} cannot be a variable's name; names are letters, digits and underscores")
        variables[name] = value
    return variables
