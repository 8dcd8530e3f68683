"""Many hosts' names as one short text: ``web[01-02,05-24].example.com``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_NUMBER = re.compile(r"[0-9]+")
_PIECES = re.compile(r"([0-9]+)")
_AMBIGUOUS = frozenset("[],")  # in a name of its own, they would read like a fold
_OWN, _ANY = "\0", "\1"  # instead of a host's own name, and of a number: no text of an event has them
_LONGEST_NUMBER = 9  # digits; what is longer is no number that anyone counts with


class _Pattern(NamedTuple):
    """What names that differ in one number have in common; `width` is 0 if the number is not padded."""

    before: str
    after: str
    width: int


def folded(names: Iterable[str]) -> str:
    """`names`, each once, those that differ only in one number folded into one; in the order of their first."""
    wanted = list(dict.fromkeys(names))
    numbers_of: dict[_Pattern | str, list[int]] = {}
    for name, pattern in zip(wanted, _patterns(wanted), strict=True):
        numbers = numbers_of.setdefault(pattern or name, [])
        if pattern is not None:
            numbers.append(int(name[len(pattern.before) : len(name) - len(pattern.after)]))
    return ",".join(_text(pattern, numbers) for pattern, numbers in numbers_of.items())


def counted(names: Sequence[str]) -> str:
    """As `folded`, with how many there are if that is more than one."""
    return f"{folded(names)} ({len(names)})" if len(names) > 1 else "".join(names)


def without_name(text: str, host: str) -> str:
    """`text` of `host` with something else for its name, which alone would make equal texts of many hosts differ."""
    return re.sub(rf"(?<![\w.-]){re.escape(host)}(?![\w-])", _OWN, text)


def with_name(text: str, hosts: Sequence[str]) -> str:
    """What `without_name` gave, for people: of one host with its name, of many with HOST."""
    return text.replace(_OWN, "HOST" if len(hosts) > 1 else "".join(hosts))


def blurred(text: str) -> str:
    """`text` without its numbers: equal for texts that differ in addresses, ports and the like alone."""
    return _NUMBER.sub(_ANY, text)


def merged(texts: Sequence[str]) -> str:
    """What texts that are equal but for their numbers have in common, with a star for each number that differs."""
    columns = zip(*(_PIECES.split(text) for text in texts), strict=True)
    return "".join(column[0] if len(set(column)) == 1 else "*" for column in columns)


def _patterns(names: list[str]) -> list[_Pattern | None]:
    """For each name the pattern that most of the others share, the last of its numbers if that decides nothing."""
    candidates = [_candidates(name) for name in names]
    padded = {pattern for patterns in candidates for pattern, _ in patterns if pattern.width}
    # 10 is padded where there is an 09, and is not beside a 9.
    choices = [[_in_company(pattern, length, padded) for pattern, length in patterns] for patterns in candidates]
    shared = Counter(pattern for patterns in choices for pattern in patterns)
    return [max(reversed(patterns), key=lambda one: shared[one], default=None) for patterns in choices]


def _candidates(name: str) -> list[tuple[_Pattern, int]]:
    """A pattern for each number in `name`, and how many digits that has."""
    if _AMBIGUOUS & set(name):
        return []
    found = [match for match in _NUMBER.finditer(name) if len(match.group()) <= _LONGEST_NUMBER]
    return [
        (_Pattern(name[: match.start()], name[match.end() :], _width(match.group())), len(match.group()))
        for match in found
    ]


def _width(digits: str) -> int:
    return len(digits) if digits.startswith("0") and len(digits) > 1 else 0


def _in_company(pattern: _Pattern, length: int, padded: set[_Pattern]) -> _Pattern:
    alike = pattern._replace(width=length)
    return alike if alike in padded else pattern


def _text(pattern: _Pattern | str, numbers: list[int]) -> str:
    if isinstance(pattern, str):
        return pattern
    spans = _spans(sorted(numbers))
    texts = [_span_text(first, last, pattern.width) for first, last in spans]
    inner = ",".join(texts)
    return (
        f"{pattern.before}[{inner}]{pattern.after}" if len(numbers) > 1 else f"{pattern.before}{inner}{pattern.after}"
    )


def _spans(numbers: list[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _span_text(first: int, last: int, width: int) -> str:
    texts = [f"{number:0{width}d}" for number in dict.fromkeys((first, last))]
    return "-".join(texts)
