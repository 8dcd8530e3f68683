"""The role by value: bytes from which a target without any of our code rebuilds it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from opsmop.errors import ShipError
from opsmop.ship.explain import Step, findings
from opsmop.ship.packer import Packer, TooLarge, described
from opsmop.ship.survey import Survey
from opsmop.wire.rebuild import HEADER_LENGTH_BYTES
from opsmop.wire.records import dataclass

DEFAULT_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Parcel:
    """A value that is ready to travel.

    :param payload: what ``opsmop.wire.rebuild.unpack`` reads
    :param sources: names of the source files whose code travels
    :param packages: top-level names of installed packages that the code uses: see ``opsmop.ship.packages``
    :param strings: the texts in travelling code, among them the literal paths of files that it names
    """

    payload: bytes
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    strings: frozenset[str]


def nothing_stays(_: type) -> frozenset[str]:
    """What a class keeps on the control machine if nobody says anything about it."""
    return frozenset()


def pack(
    value: Any,
    *,
    controller_side: Callable[[type], frozenset[str]] = nothing_stays,
    limit: int = DEFAULT_LIMIT_BYTES,
) -> Parcel:
    """Pack a role, or anything else, with the code that it needs.

    :param value: the role, or for instance a tuple of the role and other values
    :param controller_side: per class of the policy, the names that only the control machine uses; of a class for which
        it names some, only attributes that travelling code mentions travel
    :param limit: bytes that the payload may have
    :raises ShipError: something that travelling code names cannot travel, or the payload is over the limit
    """
    held: dict[int, str] = {}
    alive: list[Any] = []
    while True:
        survey = Survey(controller_side, held, roots_of(value))
        _written(survey, value, limit)
        if not survey.refused:
            break
        owners = _owners(survey, value)
        new = {id(owner): reason for owner, reason in owners if id(owner) not in held}
        if not new:
            break
        alive += [owner for owner, _ in owners]
        held.update(new)
    return _parcel(survey, value, limit)


def roots_of(value: Any) -> tuple[Any, ...]:
    """The values that are packed together."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _written(survey: Survey, value: Any, limit: int) -> Packer:
    packer = Packer(survey, limit)
    try:
        packer.whole(value)
    except TooLarge:
        raise too_large(survey, value, limit) from None
    except RecursionError:
        raise too_deep(survey, value, limit) from None
    return packer


def _owners(survey: Survey, value: Any) -> list[tuple[Any, str]]:
    found = findings(survey, value)
    if found.named:
        raise refusals(found.named)
    return found.owners


def refusals(named: list[tuple[Step, str]]) -> ShipError:
    """The error for the first of what is refused, which knows the others, each once."""
    errors = {(error.place, error.message): error for error in (refusal(*one) for one in named)}
    first, *others = errors.values()
    if not others:
        return first
    remedy = f"{first.remedy} {len(others)} more cannot travel either: --validate shows all."
    return ShipError(first.message, place=first.place, remedy=remedy, also=tuple(others))


def refusal(step: Step, reason: str) -> ShipError:
    """The error for a value that cannot travel although code that runs on the target names it."""
    return ShipError(
        f"{step.text} ({described(step.thing)}), which cannot travel to a target: {reason}",
        place=step.place,
        remedy="Make it in main(), or keep in its place the plain values that main() needs of it.",
    )


def _parcel(survey: Survey, value: Any, limit: int) -> Parcel:
    packer = _written(survey, value, limit)
    header = json.dumps({"files": survey.sources.header(), "chunks": packer.chunks}).encode()
    payload = len(header).to_bytes(HEADER_LENGTH_BYTES, "big") + header + bytes(packer.stream.content)
    if len(payload) > limit:
        raise too_large(survey, value, limit)
    return Parcel(payload, tuple(survey.sources.files), tuple(sorted(survey.packages)), frozenset(survey.strings))


def too_large(survey: Survey, value: Any, limit: int) -> ShipError:
    """The error for a payload over its limit, which names the largest value."""
    sizes = [(_size(survey, part, limit), text, part) for text, part in _top_values(survey, value)]
    size, text, part = max(sizes, key=lambda entry: entry[0], default=(0, "the role", value))
    amount = f"more than {limit}" if size > limit else str(size)
    return ShipError(
        f"The role is too large for one message ({limit} bytes): {text} ({described(part)}) alone has {amount} bytes",
        remedy="Read it on the target, or send it as a file resource.",
    )


def too_deep(survey: Survey, value: Any, limit: int) -> ShipError:
    """The error for a structure that is nested too deeply, which names it."""
    deep = (entry for entry in _top_values(survey, value) if _is_too_deep(survey, entry[1], limit))
    text, part = next(deep, ("the role", value))
    return ShipError(
        f"{text} ({described(part)}) is nested too deeply to travel",
        remedy="Keep it as a list of plain values; long chains of objects that hold one another do not travel.",
    )


def _top_values(survey: Survey, value: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for root in roots_of(value):
        if isinstance(root, dict):
            found += [(f"variable {name!r}", part) for name, part in root.items()]
        found += [(f"self.{name}", part) for name, part in getattr(root, "__dict__", {}).items()]
    for thing in list(survey.shells.values()):
        owner = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", "")
        for _, content in survey.parts(thing):
            found += [(f"{owner}: {name!r}", part) for name, part in content.items() if name]
    return found


def _size(survey: Survey, part: Any, limit: int) -> int:
    packer = Packer(Survey(survey.staying, survey.held), limit)
    try:
        packer.dump(part)
    except TooLarge:
        return limit + 1
    except (RecursionError, ShipError):
        return 0
    return len(packer.stream.content)


def _is_too_deep(survey: Survey, part: Any, limit: int) -> bool:
    try:
        Packer(Survey(survey.staying, survey.held), limit).dump(part)
    except RecursionError:
        return True
    except (TooLarge, ShipError):
        return False
    return False
