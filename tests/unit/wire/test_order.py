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


def test_what_is_large_is_not_copied_for_each_host() -> None:
    parcel, riders = b"p" * 100_000, {"a": b"a" * 100_000, "b": b"", "c": b"a" * 100_000}
    order = Order("run", "web1", "Web", "apply", parcel=parcel, files=riders, extra={"x": 1})
    pieces = order.to_pieces()
    assert [id(piece) for piece in pieces[-4:]] == [id(parcel), *map(id, riders.values())]
    assert sum(map(len, pieces[:-4])) < 1000
    assert Order.from_bytes(order.to_bytes()) == order
