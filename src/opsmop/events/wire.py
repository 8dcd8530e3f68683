"""Events as JSON, and back from a sender whom nobody trusts."""

from __future__ import annotations

from opsmop.errors import ProtocolError
from opsmop.events import EVENT_TYPES, SCHEMA_VERSION, ChangeReport, Event, Failure
from opsmop.wire.lean import as_json, cached, from_json
from opsmop.wire.records import fields, is_dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_TEXT = 128 * 1024  # characters
MOST_ELEMENTS = 10_000
LARGEST_NUMBER = 1 << 63

_AS_THEY_ARE = (str, int, float, bool)
_NESTED: dict[str, type[Any]] = {"ChangeReport": ChangeReport, "Failure": Failure}
# C0 and C1 control characters, which could rewrite what a terminal shows (ECMA-48); tab and newline stay. What turns the
# direction of text, breaks a line for some readers, or is seen nowhere, so that it can hide something or tell two equal
# looking names apart (Unicode TR 36, section 2; UAX 9); what joins letters or emojis stays.
_MARKS = (0x61C, 0x200B, 0x200E, 0x200F, 0xFEFF)
_UNSEEN = (*_MARKS, *range(0x2028, 0x202F), *range(0x2060, 0x2070), *range(0xFFF9, 0xFFFC))
_TAGS = (0xE0001, *range(0xE0020, 0xE0080))
_CONTROL = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160), *_UNSEEN, *_TAGS), "\ufffd")


def clean(text: str) -> str:
    """`text` with all that is seen nowhere but blanks, tab and newline replaced, and cut to `LONGEST_TEXT`.

    A carriage return before a newline, as terminals and Windows files have it, goes without a trace.
    """
    # Neither a control character nor half a pair: nearly every text, and a hundred times quicker.
    if text.isprintable():
        return text[:LONGEST_TEXT]
    whole = text[:LONGEST_TEXT].encode("utf-8", "replace").decode()  # half a surrogate pair can be written nowhere
    return whole.replace("\r\n", "\n").translate(_CONTROL)


def to_wire(event: Event) -> bytes:
    """`event` as one JSON object: its fields, its type under ``event`` and the schema's version under ``v``."""
    body: dict[str, Any] = {"v": SCHEMA_VERSION, "event": type(event).__name__}
    state = vars(event)
    for name, default in _defaults(type(event)):
        value = state[name]
        if value != default:
            body[name] = value if type(value) in _AS_THEY_ARE else _plain(value)
    return as_json(body).encode()


@cached
def _defaults(cls: type[Event]) -> list[tuple[str, Any]]:
    return [(entry.name, entry.default) for entry in fields(cls)]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    return value


def from_wire(data: bytes) -> Event:
    """The event that `data` spells.

    Unknown keys are left out (a newer sender may say more); a missing one takes its default.

    :raises ProtocolError: if it is not JSON, not a known event, or a value is not of its declared type
    """
    try:
        body = from_json(data.decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"an event that is not JSON ({type(error).__name__})") from None
    if not isinstance(body, dict) or body.get("v") != SCHEMA_VERSION:
        raise ProtocolError("an event of another schema version")
    event_type = EVENT_TYPES.get(str(body.get("event")))
    if event_type is None:
        raise ProtocolError(f"an event of no known type: {clean(str(body.get('event')))[:80]!r}")
    event: Event = _build(event_type, body)
    return event


def _build(cls: type[Any], body: Any) -> Any:
    if not isinstance(body, dict):
        raise ProtocolError(f"a {cls.__name__} that is not an object")
    found: dict[str, Any] = {}
    for name, declared, several, optional in _shape(cls):
        if name in body:
            value = body[name]
            if declared == "str" and type(value) is str and not several:  # most are
                found[name] = clean(value)
            elif value is None and optional:
                found[name] = None
            else:
                found[name] = (_each if several else _single)(cls, name, declared, value)
    return cls(**found)


@cached
def _shape(cls: type[Any]) -> list[tuple[str, str, bool, bool]]:
    """The fields of a class: each name, what it is to be, whether a list of that, and whether it may be missing."""
    shape = []
    for entry in fields(cls):
        declared, optional = str(entry.type), str(entry.type).endswith(" | None")
        declared = declared[: -len(" | None")] if optional else declared
        several = declared.startswith("tuple[")
        shape.append((entry.name, declared[len("tuple[") : -len(", ...]")] if several else declared, several, optional))
    return shape


def _each(cls: type[Any], name: str, declared: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, list) and len(value) <= MOST_ELEMENTS:
        return tuple(_single(cls, name, declared, item) for item in value)
    raise ProtocolError(f"{cls.__name__}.{name} is not a list of {declared}")


def _single(cls: type[Any], name: str, declared: str, value: Any) -> Any:
    if declared == "str" and isinstance(value, str):
        return clean(value)
    if declared in _NESTED:
        return _build(_NESTED[declared], value)
    if declared == "bool" and isinstance(value, bool):
        return value
    if declared == "int" and isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER:
        return value
    if (
        declared == "float"
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
        and abs(value) < LARGEST_NUMBER
    ):
        return float(value)
    raise ProtocolError(f"{cls.__name__}.{name} is not of type {declared}")
