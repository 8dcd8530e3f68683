"""An order reads the same on the other side, whichever Pythons the two sides have."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from opsmop.wire.order import Order


def test_paths_travel_by_names_that_every_python_has() -> None:
    values = {"root": Path("/srv/www"), "parts": [PurePosixPath("a/b")]}
    order = Order("run", "web1", "Web", "apply", inventory=(("values that hooks attached", values),))
    sent = order.to_bytes()
    assert b"pathlib" not in sent
    assert Order.from_bytes(sent) == order
