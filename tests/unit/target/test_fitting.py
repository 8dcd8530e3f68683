"""What a role says always fits the wire, however much it is."""

from __future__ import annotations

import pytest

from opsmop.events import ChangeReport, ResourceFinished
from opsmop.events.wire import from_wire
from opsmop.target.role_process import fitting
from opsmop.wire import frames


@pytest.mark.parametrize("many", [1, 10_001, 100_000])
@pytest.mark.parametrize("long", [0, 10_000])
def test_an_event_of_any_length_and_number_of_changes_can_be_taken(many: int, long: int) -> None:
    said = fitting(
        ResourceFinished(id=1, changes=(ChangeReport(name="mode", diff="x" * long),) * many, output="y" * long)
    )
    assert len(said) <= frames.FROM_ROLE[frames.EVENT]
    heard = from_wire(said)
    assert isinstance(heard, ResourceFinished)
    assert heard.changes[0].name == "mode"
