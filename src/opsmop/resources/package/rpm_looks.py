"""What dnf knows besides packages: groups of them, and versions that are locked."""

from __future__ import annotations

import re

from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import succeeded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Callable

GROUP = "group"  # what stands for the version of one
_LOCKED = "versionlock"
_ID = re.compile(r"^\s+\S.*\(([^()\s]+)\)\s*$")
# dnf-versionlock(8): name-epoch:version-release.architecture in a line, or ! before what is excluded; dnf5-versionlock(8).
_LINES, _TABLE = "/etc/dnf/plugins/versionlock.list", "/etc/dnf/versionlock.toml"
_NAME_OF_LINE = re.compile(r"^([^!#\s].*)-(?:\d+:)?[^-\s]+-[^-\s]+$", re.MULTILINE)
_NAME_OF_TABLE = re.compile(r'^\s*name\s*=\s*"([^"]+)"', re.MULTILINE)


class Groups:
    """The groups of packages that the repositories have, by their ids.

    :param look: asks a command that only looks
    :param narrowed: options that say which repositories are meant
    """

    def __init__(self, look: Callable[[Sequence[str]], Completed], narrowed: Sequence[str]) -> None:
        self._look, self._narrowed = look, narrowed
        self._found: dict[str, bool] | None = None

    def installed(self) -> set[str]:
        """Those that are."""
        return {name for name, there in self._listed().items() if there}

    def known(self) -> set[str]:
        """All that there are."""
        return set(self._listed())

    def _listed(self) -> dict[str, bool]:
        if self._found is None:
            # Only what is verbose tells the ids of hidden ones too.
            argv = ["dnf", "--verbose", *self._narrowed, "--cacheonly", "group", "list", "--hidden"]
            asked = succeeded(self._look(argv), "asking dnf for groups", whole=True)
            self._found, there = {}, False
            for line in asked.stdout.splitlines():
                if line.endswith(":"):
                    there = line.startswith("Installed")
                found = _ID.match(line)
                if found:
                    self._found[found[1]] = there
        return self._found


class Locks:
    """The packages whose version is locked, so that nobody else changes it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._names: set[str] | None = None

    def on_hold(self, name: str) -> bool:
        """Whether this one is."""
        return bool(self._machine.look(_LOCKED, name, lambda: name in self.names()))

    def names(self) -> set[str]:
        """All that are on the machine now."""
        if self._names is None:
            self._names = {
                name
                for path, pattern in ((_LINES, _NAME_OF_LINE), (_TABLE, _NAME_OF_TABLE))
                if self._machine.status(path, follow=True) is not None
                for name in pattern.findall(self._machine.read(path).decode("utf-8", "replace"))
            }
        return self._names


def held_so(name: str, *, held: bool) -> Effect:
    """What locking or releasing a package does."""
    return Effect(_LOCKED, name, held)
