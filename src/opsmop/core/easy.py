"""``from opsmop.core.easy import *``: the import that existing policies use. The names are those of `opsmop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import opsmop

# For programs that run policies. A policy's own names, such as subprocess's run, are not to be replaced by a star.
_FOR_PROGRAMS = ("HostResult", "ResourceResult", "RunResult", "Settings", "run")

if TYPE_CHECKING:
    from opsmop import *  # noqa: F403 - for type checkers alone; the names come one by one, below

__all__: list[str] = []
__all__ += [name for name in opsmop.__all__ if name not in _FOR_PROGRAMS]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'opsmop.core.easy' has no attribute {name!r}")
    return getattr(opsmop, name)
