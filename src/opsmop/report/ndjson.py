"""Every event as one line of JSON, as it comes. ``schema/event.json`` says what they are."""

from __future__ import annotations

from typing import TextIO

from opsmop.events import Event
from opsmop.events.wire import to_wire
from opsmop.report.stream import Pen


class Ndjson:
    """Writes each event to a stream at once."""

    def __init__(self, stream: TextIO) -> None:
        self.pen = Pen(stream)

    def __call__(self, event: Event) -> None:
        """Write `event`."""
        self.pen(f"{to_wire(event).decode()}\n")
