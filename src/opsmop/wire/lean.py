"""What every role needs of Python's library, without what that would bring along.

On a host, `signal` imports enum; `json` imports re, and that enum and functools; `contextlib` and `functools` import
collections. Together with typing that is 12 ms of each host's start, more than all code of ours. Where a Python lacks what
is used here instead, it is the library's own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself is one of them: type checkers take this name for theirs
if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping
    from typing import Any, Callable, TypeVar

    Key = TypeVar("Key")
    Made = TypeVar("Made")

else:
    from _collections_abc import Mapping  # the very class that collections.abc gives on

    try:
        import _signal as signal  # what the module `signal` wraps: the same functions, and plain numbers
    except ImportError:
        import signal

__all__ = ["NOTHING", "Mapping", "as_json", "cached", "command_text", "signal"]
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%_-+=:,./")


def _encoder() -> Callable[[Any], str]:
    try:
        from _json import encode_basestring_ascii, make_encoder  # type: ignore[import-not-found, unused-ignore]

        # As `json.JSONEncoder.iterencode` makes it, of which this is the C half.
        encode = make_encoder(None, _refused, encode_basestring_ascii, None, ":", ",", False, False, True)
        encode({"a": [1.5, None, True]}, 0)
    except (ImportError, TypeError):
        from json import JSONEncoder

        return JSONEncoder(separators=(",", ":")).encode
    return lambda value: "".join(encode(value, 0))


def _refused(value: Any) -> Any:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


as_json = _encoder()
"""A dict or list of plain values as JSON in ASCII, without white space."""


def cached(make: Callable[[Key], Made]) -> Callable[[Key], Made]:
    """`make`, which is asked once for each value: `functools.cache` for one argument."""
    known: dict[Key, Made] = {}

    def found(key: Key) -> Made:
        if key not in known:
            known[key] = make(key)
        return known[key]

    return found


def command_text(words: Any) -> str:
    """The words of a command as they would be typed: `shlex.join`."""
    return " ".join(word if word and _SAFE.issuperset(word) else _quoted(word) for word in words)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\"'\"'") + "'"


class Nothing:
    """A context in which nothing is different."""

    def __enter__(self) -> None:
        """Enter it."""

    def __exit__(self, *_: object) -> None:
        """Leave it."""


NOTHING = Nothing()
