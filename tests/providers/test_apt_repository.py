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
        given = {"name": "ours", "uris": DEBIAN, "suites": "bookworm", "trusted": True, **given}
        AptRepository(**given)
    finally:
        EVALUATION.reset(token)
    return planning.names


KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LIST = {
    "/etc/apt/sources.list": f"# apt\ndeb [arch=amd64 signed-by={KEYRING}] {DEBIAN}/ bookworm main contrib # more\n"
}
STANZA = {
    "/etc/apt/sources.list.d/debian.sources": (
        f"Types: deb\nURIs: {DEBIAN}\nSuites: bookworm bookworm-updates\nComponents: main\n contrib\n"
        f"# where its key is\nSigned-By: {KEYRING}\n\n"
        f"Types: deb-src\nEnabled: no\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main\n"
    )
}


@pytest.mark.parametrize("files", [LIST, STANZA], ids=["a line", "a stanza"])
@pytest.mark.parametrize(
    "given",
    [
        {"components": "non-free", "trusted": False, "signed_by": KEYRING},
        {"components": ["main", "contrib"], "types": "deb-src", "trusted": False, "signed_by": KEYRING},
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
    flat = {"/etc/apt/sources.list.d/old.list": "deb [trusted=yes] file:/srv/debs/ ./\n"}
    with pytest.raises(ProviderError, match=r"old\.list has file:/srv/debs \./ already"):
        planned(flat, uris="file:/srv/debs", suites="./")
    assert planned(flat, uris="file:/srv/debs", suites="./", types="deb-src") == ["write", "refresh lists"]


def line(options: str) -> dict[str, str]:
    return {"/etc/apt/sources.list.d/b.list": f"deb [{options}] {DEBIAN} bookworm main\n"}


def stanza(fields: str) -> dict[str, str]:
    text = f"types: deb\nURIs: {DEBIAN}\nSuites: bookworm\nComponents: main\n{fields}\n"
    return {"/etc/apt/sources.list.d/b.sources": text}


@pytest.mark.parametrize("files", [line("trusted=yes arch=amd64"), stanza("Architectures: amd64\nTrusted: yes")])
def test_another_architecture_of_what_is_there_is_refused_and_told_where_it_goes(files: dict[str, str]) -> None:
    """apt warns of it at each update: what is for all architectures stands in both."""
    with pytest.raises(ProviderError, match="bookworm main already") as caught:
        planned(files, components="main", architectures="i386")
    assert "architectures=[...] of one AptRepository" in caught.value.remedy


@pytest.mark.parametrize(
    ("files", "given"),
    [
        (line("arch=amd64"), {"trusted": True}),
        (line("trusted=no"), {"trusted": True}),
        (line("trusted=yes"), {"signed_by": KEYRING}),
        (line("signed-by=/other.gpg"), {"signed_by": KEYRING}),
        (line("signed-by=/other.gpg"), {"signed_by": KEYRING, "types": "deb-src"}),
        (line(""), {"name": "a", "signed_by": KEYRING}),
        (stanza("Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n ."), {"signed_by": KEYRING}),
        (stanza("Trusted: no"), {"trusted": True}),
    ],
)
def test_one_release_that_is_signed_by_others_elsewhere_is_refused_since_apt_reads_no_sources_then(
    files: dict[str, str], given: dict[str, Any]
) -> None:
    with pytest.raises(ProviderError, match="apt reads no sources at all") as caught:
        planned(files, components="contrib", **{"trusted": False, **given})
    assert next(iter(files)) in caught.value.message


@pytest.mark.parametrize(
    ("files", "given"),
    [
        (line(f"signed-by={KEYRING}"), {"signed_by": KEYRING}),
        (line(f"signed-by={KEYRING}"), {"signed_by": KEYRING, "architectures": "i386"}),
        (line("trusted=yes"), {"trusted": True}),
        (line(""), {"name": "c", "signed_by": KEYRING}),
        (line("signed-by=/other.gpg"), {"trusted": True, "suites": "trixie"}),
        (stanza("Enabled: no\nSigned-By: /other.gpg"), {"signed_by": KEYRING}),
    ],
)
def test_one_release_may_be_in_two_files_that_agree_on_its_signature(
    files: dict[str, str], given: dict[str, Any]
) -> None:
    assert planned(files, components="contrib", **{"trusted": False, **given}) == ["write", "refresh lists"]


def test_the_key_that_is_there_is_the_remedy() -> None:
    with pytest.raises(ProviderError) as caught:
        planned(line(f"signed-by={KEYRING}"), components="contrib")
    assert caught.value.remedy.startswith(f'signed_by="{KEYRING}"')
