"""What root believes. The machine is a table here; on real hosts: tests/fleet/test_facts.py."""

from __future__ import annotations

from typing import Any

import pytest

from opsmop.errors import ProviderError
from opsmop.facts.safety import refuse_unsafe, resolved
from opsmop.language.machine import Status

DIRECTORIES = {
    path: Status("directory", 0o755, "root", "root")
    for path in ("/", "/etc", "/etc/opsmop", "/etc/opsmop/facts.d", "/var")
}
GOOD = {**DIRECTORIES, "/etc/opsmop/facts.d/app": Status("file", 0o755, "root", "root")}
FILE = "/etc/opsmop/facts.d/app"


class Table:
    """A machine of which only this is known."""

    def __init__(self, known: dict[str, Status], user: str = "root") -> None:
        self.known, self.user = known, user

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        return self.known.get(path)

    def real_user(self) -> str:
        return self.user


def machine(user: str = "root", **changed: Status) -> Any:
    return Table({**GOOD, **changed}, user)


@pytest.mark.parametrize(
    ("path", "status", "remedy"),
    [
        (FILE, Status("file", 0o757, "root", "root"), f"chmod go-w {FILE}"),
        (FILE, Status("file", 0o775, "root", "staff"), f"chmod go-w {FILE}"),
        (FILE, Status("file", 0o644, "eve", "root"), f"chown root {FILE}"),
        ("/etc/opsmop/facts.d", Status("directory", 0o1777, "root", "root"), "chmod go-w /etc/opsmop/facts.d"),
        ("/etc/opsmop/facts.d", Status("directory", 0o755, "eve", "root"), "chown root /etc/opsmop/facts.d"),
        ("/etc/opsmop", Status("directory", 0o777, "root", "root"), "chmod go-w /etc/opsmop"),
    ],
)
def test_root_refuses_what_others_could_have_written(path: str, status: Status, remedy: str) -> None:
    with pytest.raises(ProviderError) as refused:
        refuse_unsafe(machine(**{path: status}), FILE)
    assert path in refused.value.message
    assert refused.value.remedy.endswith(remedy)
    refuse_unsafe(machine(user="eve", **{path: status}), FILE)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (FILE, Status("file", 0o775, "root", "root")),
        ("/etc", Status("directory", 0o1777, "root", "root")),
    ],
)
def test_root_believes_what_only_root_can_have_written(path: str, status: Status) -> None:
    refuse_unsafe(machine(**{path: status}), FILE)


def test_links_are_followed_and_circles_refused() -> None:
    link = Status("link", 0o777, "root", "root", target="../../opsmop/facts.d/app")
    known = machine(**{"/etc/opsmop/facts.d/linked": link})
    assert resolved(known, "/etc/opsmop/facts.d/linked") == FILE
    known.known["/var/a"] = Status("link", 0o777, "root", "root", target="a")
    with pytest.raises(ProviderError, match="circle"):
        resolved(known, "/var/a")
