"""What is sent to a process comes whole and in order, and in few writes."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from opsmop.transport.pipes import Pipes

LIMIT = 30.0
SUMMING = """
import hashlib, os
left, found = int(os.read(0, 10)), hashlib.sha256()
while left:
    piece = os.read(0, left) or os._exit(1)
    found.update(piece)
    left -= len(piece)
print(found.hexdigest(), flush=True)
"""


@contextmanager
def summing() -> Iterator[Pipes]:
    pipes = Pipes([sys.executable, "-u", "-c", SUMMING])
    try:
        yield pipes
    finally:
        pipes.bury(LIMIT)


def answered(pipes: Pipes) -> str:
    said, late = b"", time.monotonic() + LIMIT
    while not said.endswith(b"\n"):
        said += pipes.read(late)
        assert time.monotonic() < late
        assert not pipes.ended
    return said.decode().strip()


PIECES = {
    "many small ones": [bytes([number % 256]) * (number % 50) for number in range(3000)],
    "some that no pipe holds": [b"a" * 10, b"b" * 3_000_000, b"", b"c" * 70_000, b"", b"d"],
    "nothing": [b"", b"", b"e"],
}


@pytest.mark.parametrize("pieces", PIECES.values(), ids=PIECES)
def test_pieces_of_all_sizes_come_whole_and_in_order(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    with summing() as pipes:
        pipes.send(b"%010d" % len(whole), *pieces)
        assert answered(pipes) == hashlib.sha256(whole).hexdigest()
        assert (pipes.backlog, pipes.sent) == (0, 10 + len(whole))


def test_many_small_pieces_take_few_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    writes, writev = [], os.writev
    monkeypatch.setattr(os, "writev", lambda file, pieces: writes.append(len(pieces)) or writev(file, pieces))
    with summing() as pipes:
        pipes.send(b"%010d" % 2000, *[b"ab"] * 1000)
        answered(pipes)
    assert len(writes) < 10
