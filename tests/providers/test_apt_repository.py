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


def lines_of(options: str) -> dict[str, str]:
    return {"/etc/apt/sources.list": f"deb [{options}] {DEBIAN} bookworm main\n"}


def stanza_of(fields: str) -> dict[str, str]:
    text = f"Types: deb\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main\n{fields}\n"
    return {"/etc/apt/sources.list.d/debian.sources": text}


AMD64 = [
    lines_of("arch=amd64"),
    lines_of("trusted=yes arch=amd64,arm64 x=y"),
    stanza_of("Architectures: amd64\n arm64"),
]
COMMENT = {"/etc/apt/sources.list": f"deb {DEBIAN} bookworm main # was [arch=amd64]\n"}
UNKNOWN = [lines_of("arch+=i386"), lines_of("arch=amd64 arch+=arm64"), lines_of("x-arch=amd64"), COMMENT, stanza_of("")]


@pytest.mark.parametrize("files", AMD64)
def test_other_architectures_of_a_repository_stand_beside_it(files: dict[str, str]) -> None:
    assert planned(files, components="main", architectures="i386") == ["write", "refresh lists"]
    assert planned(files, components="main", architectures=["i386", "riscv64"]) == ["write", "refresh lists"]


@pytest.mark.parametrize("files", AMD64)
@pytest.mark.parametrize("architectures", [[], "amd64", ["i386", "amd64"]])
def test_architectures_that_are_there_already_are_refused(files: dict[str, str], architectures: Any) -> None:
    with pytest.raises(ProviderError, match="bookworm main already"):
        planned(files, components="main", architectures=architectures)


@pytest.mark.parametrize("files", UNKNOWN)
def test_where_a_file_names_no_architectures_they_may_be_any(files: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match="bookworm main already"):
        planned(files, components="main", architectures="i386")


@pytest.mark.parametrize(
    ("line", "given"),
    [
        (f"deb-src [arch=amd64] {DEBIAN} bookworm main\n", {"components": "main", "types": "deb-src"}),
        (f"deb [arch=amd64] {DEBIAN} ./\n", {"suites": "./"}),
    ],
    ids=["sources", "a flat repository"],
)
def test_what_has_no_architecture_is_there_whichever_are_named(line: str, given: dict[str, Any]) -> None:
    with pytest.raises(ProviderError, match="already"):
        planned({"/etc/apt/sources.list": line}, architectures="i386", **given)
