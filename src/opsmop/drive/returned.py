"""What `main()` returned on a host, which nobody here trusts: plain JSON that anybody may walk through and write down."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 100  # lists and dicts in each other; far below what ends a walk that calls itself


def plain(text: str) -> Any:
    """The value that `text` spells. Half a pair of surrogates, which can be written nowhere, becomes a question mark.

    :raises ValueError: saying what is wrong, as the end of a sentence
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
        if _depth(value) <= DEEPEST:  # 1e999 is JSON, and in Python no number that is
            return json.loads(json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    raise ValueError(f"is nested more than {DEEPEST} deep")


def _refuse(word: str) -> None:
    """``NaN`` and ``Infinity`` are Python's, and no JSON (RFC 8259, section 6)."""
    raise ValueError(word)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [inner for one in level for inner in _inside(one)]
    return depth


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
