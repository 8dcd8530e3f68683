"""``from opsmop.core.easy import *``: the import that existing policies use. The names are those of `opsmop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import opsmop

if TYPE_CHECKING:
    from opsmop import (
        AptRepository,
        Block,
        Change,
        Chaos,
        Cli,
        Command,
        DebugFacts,
        Directory,
        Download,
        Echo,
        Eval,
        Fact,
        File,
        FileTest,
        FileTests,
        Git,
        Group,
        Handlers,
        Host,
        Inventory,
        Line,
        Link,
        OpsMopError,
        Package,
        Platform,
        Policy,
        PolicyError,
        Provider,
        ProviderError,
        Reboot,
        Replace,
        Resource,
        Resources,
        Role,
        Roles,
        Secret,
        Service,
        Shell,
        T,
        TomlInventory,
        Unarchive,
        User,
        UserDefaults,
        UserFacts,
        WaitFor,
        field,
    )

# Not those for programs that run policies: a policy's own names, such as subprocess's run, are not to be replaced by a
# star. They are written out for type checkers.
__all__ = [
    "AptRepository",
    "Block",
    "Change",
    "Chaos",
    "Cli",
    "Command",
    "DebugFacts",
    "Directory",
    "Download",
    "Echo",
    "Eval",
    "Fact",
    "File",
    "FileTest",
    "FileTests",
    "Git",
    "Group",
    "Handlers",
    "Host",
    "Inventory",
    "Line",
    "Link",
    "OpsMopError",
    "Package",
    "Platform",
    "Policy",
    "PolicyError",
    "Provider",
    "ProviderError",
    "Reboot",
    "Replace",
    "Resource",
    "Resources",
    "Role",
    "Roles",
    "Secret",
    "Service",
    "Shell",
    "T",
    "TomlInventory",
    "Unarchive",
    "User",
    "UserDefaults",
    "UserFacts",
    "WaitFor",
    "field",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'opsmop.core.easy' has no attribute {name!r}")
    return getattr(opsmop, name)
