"""What `main()` returned on the hosts, for the roles that come later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opsmop.errors import PolicyError
from opsmop.inventory.tree import close
from opsmop.language.role import Role


class NoResultError(PolicyError):
    """A result was asked for that there is not, or not yet."""


class Results(Mapping[Any, Any]):
    """The values, by host; the last role that returned one wins.

    :param values: by the host's name
    :param alone: whether this machine stands for all hosts, as in local mode: what it returned is what each did
    """

    __stays_home__ = "results hold what other hosts said. Pick what main() needs in set_variables()"

    def __init__(self, values: Mapping[str, Any], *, alone: bool = False) -> None:
        self._values = dict(values)
        self._alone = alone

    def __getitem__(self, host: Any) -> Any:
        name = getattr(host, "name", host)
        if name in self._values:
            return self._values[name]
        if self._alone and self._values:
            return list(self._values.values())[-1]
        raise NoResultError(f"no earlier role returned a value on {name!r}", remedy=close(str(name), self._values))

    def get(self, host: Any, default: Any = None) -> Any:
        """The value of a host, or `default` if no role returned one there."""
        try:
            return self[host]
        except NoResultError:
            return default

    def __contains__(self, host: object) -> bool:
        return getattr(host, "name", host) in self._values or (self._alone and bool(self._values))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


_NOTHING = object()


@contextmanager
def seeing(role: Role, values: dict[str, Any] | None, *, alone: bool = False) -> Iterator[None]:
    """The role's methods find `values` under ``self.results``; what travels must not.

    :param alone: as `Results` has it
    """
    before = vars(role).get("results", _NOTHING)
    if values is not None:
        vars(role)["results"] = Results(values, alone=alone)
    try:
        yield
    finally:
        vars(role).pop("results", None)
        if before is not _NOTHING:
            vars(role)["results"] = before
