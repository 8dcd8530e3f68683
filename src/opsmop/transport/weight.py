"""How much memory what a host says may come to take here, for reports keep much of it until the run ends."""

from __future__ import annotations

from opsmop.events import Event

_EVENT, _ELEMENT = 300, 400  # bytes that an event takes besides its texts, and each change that it tells of
_LARGE = 16 << 10  # bytes of an event from which it is looked at more closely
_WIDEST = 4  # bytes of a letter, of all letters of a text, if one of them is wide (PEP 393)


def weight_of(payload: bytes, event: Event) -> int:
    """About how many bytes `event` takes, at most.

    :param payload: what it was read from
    """
    elements = len(getattr(event, "changes", ()))
    wide = len(payload) > _LARGE and (not payload.isascii() or b"\\u" in payload)
    return _EVENT + _ELEMENT * elements + len(payload) * (_WIDEST if wide else 1)
