"""Frames come out as they went in, however they were cut, and nothing else comes out."""

import pytest

from opsmop.errors import ProtocolError
from opsmop.wire import frames
from opsmop.wire.frames import Decoder, frame

SAID = [
    (frames.EVENT, b"{}"),
    (frames.BEAT, b""),
    (frames.WANT, b"files/x"),
    (frames.EVENT, b"y" * 300),
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 10_000])
def test_frames_survive_being_cut_anywhere(size: int) -> None:
    data = b"".join(frame(*said) for said in SAID)
    decoder, found = Decoder(frames.FROM_AGENT), []
    for start in range(0, len(data), size):
        found += decoder.feed(data[start : start + size])
    assert found == SAID


def test_a_header_announces_what_follows() -> None:
    assert frames.header(frames.ORDER, 3) + b"abc" == frame(frames.ORDER, b"abc")


def test_a_frame_too_long_is_refused_before_its_payload_comes() -> None:
    with pytest.raises(ProtocolError, match="would be 1048577 bytes long"):
        Decoder(frames.FROM_AGENT).feed(frames.header(frames.EVENT, (1 << 20) + 1))


@pytest.mark.parametrize("kind", [0, 2, 97, 255])
def test_a_kind_that_this_side_does_not_say_is_refused(kind: int) -> None:
    with pytest.raises(ProtocolError, match="no known kind"):
        Decoder(frames.FROM_AGENT).feed(frames.header(kind, 0))


def test_the_kinds_of_both_sides_do_not_overlap() -> None:
    assert not set(frames.FROM_CONTROLLER) & set(frames.FROM_AGENT)
    assert set(frames.FROM_ROLE) - {frames.COMMAND, frames.HIDE, frames.PLANS} <= set(frames.FROM_AGENT)


@pytest.mark.parametrize("numbers", [[], [0], [7, 8, 9], [3, 200_000, 5], list(range(5000))])
def test_numbers_come_back_in_order(numbers: list[int]) -> None:
    assert frames.numbers(frames.bits(numbers)) == sorted(numbers)


def test_what_is_offered_and_what_is_left_comes_back_as_it_was() -> None:
    offer = frames.Offer(1 << 40, 0o4755, bytes(range(32)), True)
    assert frames.Offer.from_bytes(offer.to_bytes()) == offer
    leaving = frames.Leaving(5, bytes(32), "to/here", "/a/\udcff")
    assert frames.Leaving.from_bytes(leaving.to_bytes()) == leaving
