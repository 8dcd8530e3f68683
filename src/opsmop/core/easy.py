"""The import that existing policies use: ``from opsmop.core.easy import *``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import opsmop

if TYPE_CHECKING:
    from opsmop import (
        Change,
        Cli,
        Directory,
        Echo,
        Eval,
        File,
        FileTest,
        FileTests,
        Host,
        Inventory,
        OpsMopError,
        Platform,
        Policy,
        PolicyError,
        Provider,
        ProviderError,
        Resource,
        Role,
        Roles,
        Secret,
        Shell,
        T,
        TomlInventory,
        UserDefaults,
        field,
    )

__all__ = [
    "Change",
    "Cli",
    "Directory",
    "Echo",
    "Eval",
    "File",
    "FileTest",
    "FileTests",
    "Host",
    "Inventory",
    "OpsMopError",
    "Platform",
    "Policy",
    "PolicyError",
    "Provider",
    "ProviderError",
    "Resource",
    "Role",
    "Roles",
    "Secret",
    "Shell",
    "T",
    "TomlInventory",
    "UserDefaults",
    "field",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'opsmop.core.easy' has no attribute {name!r}")
    return getattr(opsmop, name)
