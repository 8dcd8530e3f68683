"""What OpsMop remembers on a machine of what it made there, where nothing else tells: one small file per thing."""

from __future__ import annotations

import json

from opsmop.language.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLACE = ".opsmop/made"  # beneath the home, beside the log


class Mark:
    """What is remembered of one thing.

    :param machine: where it is
    :param kind: of thing, in a word
    :param name: its path
    """

    def __init__(self, machine: Machine, kind: str, name: str) -> None:
        self._machine, self._kind = machine, kind
        import hashlib  # 3 ms that a role without marks saves

        self._name = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def read(self) -> dict[str, Any]:
        """What is remembered; empty if nothing is, or nothing that can be read."""
        if self._machine.status(self._path) is None:
            return {}
        try:
            found = json.loads(self._machine.read(self._path))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, values: dict[str, Any]) -> None:
        """Remember `values`."""
        missing = []
        folder = self._folder
        while self._machine.status(folder, follow=True) is None:
            missing.append(folder)
            folder = folder.rpartition("/")[0] or "/"
        for parent in reversed(missing):
            self._machine.make_directory(parent, mode=0o700)
        self._machine.write(self._path, json.dumps(values).encode(), mode=0o600, owner=None, group=None)

    @property
    def _folder(self) -> str:
        return f"{self._machine.home().rstrip('/')}/{_PLACE}/{self._kind}"

    @property
    def _path(self) -> str:
        return f"{self._folder}/{self._name}.json"
