"""The hosts and groups that a command line names: patterns, and files of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from opsmop.errors import UsageError

FAILED = "@failed"  # stands for the hosts on which the policy failed last


def limit_patterns(option: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """`words` with the content of FILE in place of ``@FILE``, and an exclamation mark kept before each of its lines.

    :param option: the option, for errors
    :raises UsageError: if a file cannot be read or names nothing
    """
    return tuple(pattern for word in words for pattern in _patterns(option, word))


def _patterns(option: str, word: str) -> Iterator[str]:
    bare = word.removeprefix("!")
    if bare == FAILED and option == "--limit-groups":
        raise UsageError(f"{option} {word!r}: only hosts are remembered", remedy=f"Write --limit-hosts {FAILED}.")
    if not bare.startswith("@") or bare == FAILED:
        yield word
        return
    sign = word[: len(word) - len(bare)]
    yield from (f"{sign}{line}" for line in _lines(option, Path(bare[1:]).expanduser()))


def _lines(option: str, path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"{option}: the file cannot be read: {reason}", place=str(path)) from None
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    if not any(lines):
        raise UsageError(f"{option}: the file names nothing", place=str(path), remedy="Write one pattern on a line.")
    return [line for line in lines if line]
