"""``from opsmop.core.easy import *``: the import that existing policies use. The names are those of `opsmop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import opsmop

if TYPE_CHECKING:
    from opsmop import *  # noqa: F403 - for type checkers alone; the names come one by one, below

__all__: list[str] = []
__all__ += opsmop.__all__


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'opsmop.core.easy' has no attribute {name!r}")
    return getattr(opsmop, name)
