"""The names that numbers of users and groups have."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

_Mark = tuple[int, int, int]
_USERS, _GROUPS = "/etc/passwd", "/etc/group"


class Names:
    """Names by number, asked of the name service once for each.

    Whoever changes the accounts of a machine changes these files (passwd(5), group(5)): then all are asked for anew.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[int, str]] = {_USERS: {}, _GROUPS: {}}
        self._marks: dict[str, _Mark | None] = {}

    def user(self, number: int) -> str:
        """The name of a user; the number where there is none."""
        return self._name(_USERS, number, _user_name)

    def group(self, number: int) -> str:
        """The name of a group; the number where there is none."""
        return self._name(_GROUPS, number, _group_name)

    def _name(self, file: str, number: int, ask: Callable[[int], str]) -> str:
        mark = _mark(file)
        if mark is None or self._marks.get(file) != mark:
            self._known[file].clear()
            self._marks[file] = mark
        known = self._known[file]
        if number not in known:
            try:
                known[number] = ask(number)
            except KeyError:
                return str(number)
        return known[number]


def _mark(file: str) -> _Mark | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _user_name(number: int) -> str:
    import pwd  # 1 ms that a role without files saves

    return pwd.getpwuid(number).pw_name


def _group_name(number: int) -> str:
    import grp  # as above

    return grp.getgrgid(number).gr_name
