"""Files whose content comes in pieces: whole or not at all, and what was announced."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmop.errors import ProviderError
from opsmop.language.machine import Content
from opsmop.target.machine import RealMachine
from opsmop.target.machine.simulated import SimulatedMachine

PIECES = (b"one ", b"two ", b"three")
WHOLE = b"".join(PIECES)


def content(*, digest: str = "", fails: bool = False) -> Content:
    def pieces() -> Iterator[bytes]:
        yield from PIECES
        if fails:
            raise ProviderError("the controller is gone")

    return Content(len(WHOLE), digest or hashlib.sha256(WHOLE).hexdigest(), pieces)


def test_what_comes_in_pieces_is_put_together(tmp_path: Path) -> None:
    RealMachine().write(str(tmp_path / "file"), content(), mode=0o640, owner=None, group=None)
    assert (tmp_path / "file").read_bytes() == WHOLE
    assert RealMachine().digest(str(tmp_path / "file")) == hashlib.sha256(WHOLE).hexdigest()


@pytest.mark.parametrize("bad", [content(digest="0" * 64), content(fails=True)])
def test_what_breaks_off_or_is_not_what_was_announced_leaves_nothing(tmp_path: Path, bad: Content) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(ProviderError):
        RealMachine().write(str(tmp_path / "file"), bad, mode=0o640, owner=None, group=None)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_check_knows_size_and_digest_of_what_would_come_and_asks_for_it_only_to_read_it(tmp_path: Path) -> None:
    asked: list[int] = []

    def pieces() -> Iterator[bytes]:
        asked.append(1)
        yield from PIECES

    machine = SimulatedMachine(RealMachine())
    given = Content(len(WHOLE), hashlib.sha256(WHOLE).hexdigest(), pieces)
    path = str(tmp_path / "file")
    machine.write(path, given, mode=0o640, owner=None, group=None)
    status = machine.status(path)
    assert status is not None
    assert (status.size, machine.digest(path), asked) == (len(WHOLE), given.digest, [])
    assert (machine.read(path), asked) == (WHOLE, [1])
    assert not (tmp_path / "file").exists()
    (tmp_path / "real").write_bytes(WHOLE)
    assert machine.digest(str(tmp_path / "real")) == given.digest
