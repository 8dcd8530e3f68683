"""Which repositories of apt are there already, as sources.list(5) writes them."""

from __future__ import annotations

from typing import Any

import pytest

from opsmop.errors import ProviderError
from opsmop.language.evaluation import EVALUATION
from opsmop.language.machine import Status
from opsmop.resources.apt_repository import AptRepository, WriteSources

DEBIAN = "https://deb.test/debian"


class Machine:
    """A machine with apt's sources in files."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        there = path in self.files or any(other.startswith(f"{path}/") for other in self.files)
        return Status("file" if path in self.files else "directory", 0o644, "root", "root") if there else None

    def listing(self, path: str) -> list[str]:
        return [other.rpartition("/")[2] for other in self.files if other.rpartition("/")[0] == path]

    def read(self, path: str) -> bytes:
        return self.files[path].encode()

    def real_user(self) -> str:
        return "root"


class Planning:
    """An evaluation that only plans."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.names: list[str] = []

    def evaluate(self, resource: Any) -> None:
        self.names = [change.name for change in WriteSources(resource, self.machine, None).plan()]


def planned(files: dict[str, str], **given: Any) -> list[str]:
    """The names of the changes that a repository takes."""
    planning = Planning(Machine(files))
    token = EVALUATION.set(planning)
    try:
        AptRepository("ours", **{"uris": DEBIAN, "suites": "bookworm", "trusted": True, **given})
    finally:
        EVALUATION.reset(token)
    return planning.names


LIST = {"/etc/apt/sources.list": f"# apt\ndeb [arch=amd64] {DEBIAN}/ bookworm main contrib # more\n"}
STANZA = {
    "/etc/apt/sources.list.d/debian.sources": (
        f"Types: deb\nURIs: {DEBIAN}\nSuites: bookworm bookworm-updates\nComponents: main\n contrib\n\n"
        f"Types: deb-src\nEnabled: no\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main\n"
    )
}


@pytest.mark.parametrize("files", [LIST, STANZA], ids=["a line", "a stanza"])
@pytest.mark.parametrize(
    "given",
    [
        {"components": "non-free"},
        {"components": ["main", "contrib"], "types": "deb-src"},
        {"components": "main", "suites": "trixie"},
        {"components": "main", "uris": "https://other.test/debian"},
    ],
    ids=["another component", "its sources", "another suite", "another address"],
)
def test_another_part_of_a_repository_stands_beside_it(files: dict[str, str], given: dict[str, Any]) -> None:
    assert planned(files, **given) == ["write", "refresh lists"]


@pytest.mark.parametrize("files", [LIST, STANZA], ids=["a line", "a stanza"])
@pytest.mark.parametrize("components", ["main", ["non-free", "contrib"]])
def test_what_is_there_already_is_refused(files: dict[str, str], components: Any) -> None:
    with pytest.raises(ProviderError, match=r"bookworm (main|contrib) already") as caught:
        planned(files, components=components)
    assert next(iter(files)) in caught.value.message


def test_a_flat_repository_that_is_there_already_is_refused() -> None:
    flat = {"/etc/apt/sources.list.d/old.list": "deb file:/srv/debs/ ./\n"}
    with pytest.raises(ProviderError, match=r"old\.list has file:/srv/debs/ \./ already"):
        planned(flat, uris="file:/srv/debs", suites="./")
    assert planned(flat, uris="file:/srv/debs", suites="./", types="deb-src") == ["write", "refresh lists"]
