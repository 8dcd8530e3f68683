"""Every event as one line of JSON, as it comes. ``schema/event.json`` says what they are."""

from __future__ import annotations

from typing import TextIO

from opsmop.events import Event, ResourceFinished
from opsmop.events.lines import told_status
from opsmop.events.wire import to_wire
from opsmop.report.stream import Pen, no_command_in_json
from opsmop.wire.records import replace


class Ndjson:
    """Writes each event to a stream at once."""

    def __init__(self, stream: TextIO) -> None:
        self.pen = Pen(stream)

    def __call__(self, event: Event) -> None:
        """Write `event`."""
        if isinstance(event, ResourceFinished):  # a host may call its ending anything
            event = replace(event, status=told_status(event))
        self.pen(no_command_in_json(f"{to_wire(event).decode()}\n"))
