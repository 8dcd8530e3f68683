"""What every role needs of Python's library, without what that would bring along.

On a host, `signal` imports enum; `json` imports re, and that enum and functools; `contextlib`, `functools` and `_pickle`
import collections. Together with typing that is 12 ms of each host's start, more than all code of ours. Where a Python lacks what
is used here instead, it is the library's own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself is one of them: type checkers take this name for theirs
if TYPE_CHECKING:
    import pickle
    import signal
    from collections.abc import Mapping
    from typing import Any, Callable, TypeVar

    Key = TypeVar("Key")
    Made = TypeVar("Made")

else:
    import sys
    from _collections_abc import Mapping  # the very class that collections.abc gives on

    try:
        import _signal as signal  # what the module `signal` wraps: the same functions, and plain numbers
    except ImportError:
        import signal

    def _pickle_alone() -> object:
        """`_pickle`. Of all functools it takes `partial`, which is C as well (CPython, Modules/_pickle.c)."""
        if "functools" in sys.modules:
            import _pickle

            return _pickle
        from _functools import partial

        stand_in = sys.modules["functools"] = type(sys)("functools")
        stand_in.partial = partial
        try:
            import _pickle
        finally:
            del sys.modules["functools"]
        return _pickle

    try:
        pickle = _pickle_alone()  # what the module `pickle` wraps, which would import re besides
    except ImportError:
        import pickle

__all__ = ["NOTHING", "Mapping", "as_json", "cached", "command_text", "from_json", "pickle", "quoted", "signal"]
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


def _scanner() -> Callable[[str], Any]:
    try:
        from _json import make_scanner  # type: ignore[import-not-found, unused-ignore]

        scan: Any = make_scanner(_Scanned)  # type: ignore[arg-type, unused-ignore]
        scan('{"a":[1.5,null,true,"\\u00e9"]}', 0)
    except (ImportError, TypeError, AttributeError):
        from json import loads

        return loads

    def read(text: str) -> Any:
        try:
            value, end = scan(text, 0)
        except (
            StopIteration,
            ValueError,
            SystemError,
        ):  # the last where json.decoder, whose error it is, is not imported
            end = -1
        if end == len(text):
            return value
        from json import loads  # whatever else it is, it is the library's to refuse

        return loads(text)

    return read


class _Scanned:
    """What `json.JSONDecoder` lets its scanner, of which this uses the C half, do by default."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = float
    parse_int = int


from_json = _scanner()
"""The value that a text is in JSON; ValueError if it is none."""


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
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """A word as a shell takes it for itself: `shlex.quote`."""
    return word if word and _SAFE.issuperset(word) else "'" + word.replace("'", "'\"'\"'") + "'"


class Nothing:
    """A context in which nothing is different."""

    def __enter__(self) -> None:
        """Enter it."""

    def __exit__(self, *_: object) -> None:
        """Leave it."""


NOTHING = Nothing()
