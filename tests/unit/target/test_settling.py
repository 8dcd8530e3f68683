"""A power cut leaves the old content of a file or the new one, and whole roles once they have said that they ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from opsmop import File, Role
from opsmop.target.machine import RealMachine


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced and what took a name, in order."""
    made: list[str] = []

    def noting(name: str, real: Callable[..., None], shown: Callable[..., str]) -> None:
        def call(*arguments: object) -> None:
            made.append(f"{name} {shown(*arguments)}")
            real(*arguments)

        monkeypatch.setattr(os, name, call)

    noting("fsync", os.fsync, lambda descriptor: str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    noting(
        "rename",
        os.rename,
        lambda _, taken: str(Path(taken).parent.resolve() / Path(taken).name),
    )
    return made


class Writes(Role):
    """Writes three files into each of two directories, and fails after them if it is told to."""

    def main(self) -> None:
        for folder in ("one", "other"):
            for name in ("a", "b", "c"):
                File(f"{self.vars.root}/{folder}/{name}", from_content=name)
        if self.vars.fails:
            raise RuntimeError("too late")


@pytest.mark.parametrize("fails", [False, True])
def test_a_role_syncs_each_file_before_its_name_and_each_directory_once_at_the_end(
    fails: bool, calls: list[str], tmp_path: Path, evaluate: Callable[..., object]
) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    evaluate(Writes(), extra={"root": str(tmp_path), "fails": fails})
    written, settled = calls[:-2], calls[-2:]
    assert settled == [f"fsync {folder}" for folder in folders]
    assert [call.partition(" ")[0] for call in written] == ["fsync", "rename"] * 6
    for synced, named in zip(written[::2], written[1::2], strict=True):
        assert synced.startswith(f"fsync {Path(named.split()[1]).parent}/."), "the content, under its temporary name"


def test_nothing_is_synced_where_nothing_was_written(calls: list[str], evaluate: Callable[..., object]) -> None:
    evaluate(lambda _: None)
    assert calls == []


def test_a_directory_that_is_gone_again_is_no_fault(tmp_path: Path) -> None:
    machine = RealMachine()
    (tmp_path / "gone").mkdir()
    machine.write(str(tmp_path / "gone/file"), b"x", mode=0o600, owner=None, group=None)
    machine.remove_tree(str(tmp_path / "gone"))
    machine.settle()
    assert not (tmp_path / "gone").exists()
