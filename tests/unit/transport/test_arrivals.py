"""What a host may leave on the control machine: below its own directory, whatever it calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmop.errors import FileRefusedError
from opsmop.transport.files.arrivals import LARGEST_OF_A_CONTACT, Arrivals
from opsmop.transport.files.rules import ForbiddenError

ANY = {"fetched": ("*", "/*", "/*/*", "/*/*/*", "*/*", "*/*/*")}
STRANGE = ["/../up", "/a/../../up", "/a/..", "/./a", "//a", "/a//b", "/a/", "/", "", "a", "../up", "/a\nb", "/a\x1b[2J"]


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("path", [*STRANGE, "/" + "x" * 1024])
def test_a_path_that_says_another_thing_elsewhere_goes_nowhere(path: str, tmp_path: Path) -> None:
    base = tmp_path / "policy"
    base.mkdir()
    arrivals = Arrivals(ANY, base, "web1", writing=True)
    with pytest.raises(ForbiddenError):
        arrivals.begin("fetched", path, 1, bytes(32))
    with pytest.raises(ForbiddenError), arrivals.kept("fetched", path):
        pass
    assert tree(tmp_path) == ["policy"]


@pytest.mark.parametrize("host", ["..", ".", "a/b", "../up"])
def test_a_host_whose_name_is_no_name_of_a_directory_leaves_nothing(host: str, tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match="cannot be the name of a directory"):
        Arrivals(ANY, tmp_path, host, writing=True).begin("fetched", "/a", 1, bytes(32))
    assert tree(tmp_path) == []


def test_a_host_leaves_no_more_than_its_share_however_many_files_it_is_in(tmp_path: Path) -> None:
    arrivals = Arrivals(ANY, tmp_path, "web1", writing=True)
    arrivals._note(LARGEST_OF_A_CONTACT - 1)
    with pytest.raises(FileRefusedError, match="1 more are taken"):
        arrivals.begin("fetched", "/a", 2, bytes(32))


def test_what_came_of_a_file_that_was_not_what_was_announced_counts_as_well(tmp_path: Path) -> None:
    arrivals = Arrivals(ANY, tmp_path, "web1", writing=True)
    arrival = arrivals.begin("fetched", "/a", 5, bytes(32))
    assert arrival.take(b"hello")
    with pytest.raises(FileRefusedError, match="changed on the host"):
        arrival.finish()
    arrival.close()
    arrivals.begin("fetched", "/b", 5, bytes(32)).close()  # of which nothing comes
    with pytest.raises(FileRefusedError, match=f"{LARGEST_OF_A_CONTACT - 5} more are taken"):
        arrivals.begin("fetched", "/c", LARGEST_OF_A_CONTACT - 4, bytes(32))
