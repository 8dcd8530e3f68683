"""OpsMop: configuration management over SSH, in plain Python.

Everything that a policy needs is a name of this package: ``from opsmop import Cli, File, Policy, Role, Roles``. A name's
own code is imported when the name is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from opsmop.api import HostResult, ResourceResult, RunResult, run
    from opsmop.cli import Cli
    from opsmop.errors import OpsMopError, PolicyError, ProviderError
    from opsmop.facts.chaos import Chaos
    from opsmop.facts.fact import Fact
    from opsmop.facts.filetests import FileTests
    from opsmop.facts.filetests import FileTests as FileTest
    from opsmop.facts.platform import Platform
    from opsmop.facts.user_facts import UserFacts
    from opsmop.inventory import Host, Inventory, TomlInventory
    from opsmop.language.collections import Handlers, Resources
    from opsmop.language.fields import field
    from opsmop.language.lookups import Eval, T
    from opsmop.language.policy import Policy, Roles
    from opsmop.language.provider import Change, Provider
    from opsmop.language.resource import Resource
    from opsmop.language.role import Role
    from opsmop.language.secrets import Secret
    from opsmop.resources.apt_repository import AptRepository
    from opsmop.resources.authorized_key import AuthorizedKey
    from opsmop.resources.block import Block
    from opsmop.resources.cron import Cron
    from opsmop.resources.debug_facts import DebugFacts
    from opsmop.resources.directory import Directory
    from opsmop.resources.download import Download
    from opsmop.resources.echo import Echo
    from opsmop.resources.fetch import Fetch
    from opsmop.resources.file import File
    from opsmop.resources.git import Git
    from opsmop.resources.group import Group
    from opsmop.resources.line import Line
    from opsmop.resources.link import Link
    from opsmop.resources.package import Package
    from opsmop.resources.reboot import Reboot
    from opsmop.resources.replace import Replace
    from opsmop.resources.service import Service
    from opsmop.resources.shell import Command, Shell
    from opsmop.resources.sysctl import Sysctl
    from opsmop.resources.timer import Timer
    from opsmop.resources.unarchive import Unarchive
    from opsmop.resources.user import User
    from opsmop.resources.wait_for import WaitFor
    from opsmop.settings import Settings, UserDefaults

__all__ = [
    "AptRepository",
    "AuthorizedKey",
    "Block",
    "Change",
    "Chaos",
    "Cli",
    "Command",
    "Cron",
    "DebugFacts",
    "Directory",
    "Download",
    "Echo",
    "Eval",
    "Fact",
    "Fetch",
    "File",
    "FileTest",
    "FileTests",
    "Git",
    "Group",
    "Handlers",
    "Host",
    "HostResult",
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
    "ResourceResult",
    "Resources",
    "Role",
    "Roles",
    "RunResult",
    "Secret",
    "Service",
    "Settings",
    "Shell",
    "Sysctl",
    "T",
    "Timer",
    "TomlInventory",
    "Unarchive",
    "User",
    "UserDefaults",
    "UserFacts",
    "WaitFor",
    "field",
    "run",
]

_HOMES = {
    "AptRepository": "opsmop.resources.apt_repository",
    "AuthorizedKey": "opsmop.resources.authorized_key",
    "Block": "opsmop.resources.block",
    "Change": "opsmop.language.provider",
    "Chaos": "opsmop.facts.chaos",
    "Cli": "opsmop.cli",
    "Command": "opsmop.resources.shell",
    "Cron": "opsmop.resources.cron",
    "DebugFacts": "opsmop.resources.debug_facts",
    "Directory": "opsmop.resources.directory",
    "Download": "opsmop.resources.download",
    "Echo": "opsmop.resources.echo",
    "Eval": "opsmop.language.lookups",
    "Fact": "opsmop.facts.fact",
    "Fetch": "opsmop.resources.fetch",
    "File": "opsmop.resources.file",
    "FileTest": "opsmop.facts.filetests:FileTests",
    "FileTests": "opsmop.facts.filetests",
    "Git": "opsmop.resources.git",
    "Group": "opsmop.resources.group",
    "Handlers": "opsmop.language.collections",
    "Host": "opsmop.inventory",
    "HostResult": "opsmop.api",
    "Inventory": "opsmop.inventory",
    "Line": "opsmop.resources.line",
    "Link": "opsmop.resources.link",
    "OpsMopError": "opsmop.errors",
    "Package": "opsmop.resources.package",
    "Platform": "opsmop.facts.platform",
    "Policy": "opsmop.language.policy",
    "PolicyError": "opsmop.errors",
    "Provider": "opsmop.language.provider",
    "ProviderError": "opsmop.errors",
    "Reboot": "opsmop.resources.reboot",
    "Replace": "opsmop.resources.replace",
    "Resource": "opsmop.language.resource",
    "ResourceResult": "opsmop.api",
    "Resources": "opsmop.language.collections",
    "Role": "opsmop.language.role",
    "Roles": "opsmop.language.policy",
    "RunResult": "opsmop.api",
    "Secret": "opsmop.language.secrets",
    "Service": "opsmop.resources.service",
    "Settings": "opsmop.settings",
    "Shell": "opsmop.resources.shell",
    "Sysctl": "opsmop.resources.sysctl",
    "T": "opsmop.language.lookups",
    "Timer": "opsmop.resources.timer",
    "TomlInventory": "opsmop.inventory",
    "Unarchive": "opsmop.resources.unarchive",
    "User": "opsmop.resources.user",
    "UserDefaults": "opsmop.settings",
    "UserFacts": "opsmop.facts.user_facts",
    "WaitFor": "opsmop.resources.wait_for",
    "field": "opsmop.language.fields",
    "run": "opsmop.api",
}
# Their code does not travel to targets, where a library that a role uses may still import them by name.
_OF_THE_CONTROLLER = ("Cli", "HostResult", "ResourceResult", "RunResult", "Settings", "UserDefaults", "run")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'opsmop' has no attribute {name!r}")
    value = _found(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _found(name: str) -> Any:
    from importlib import import_module  # by now something of ours is wanted

    module, _, attribute = _HOMES[name].partition(":")
    try:
        return getattr(import_module(module), attribute or name)
    except ModuleNotFoundError:
        if name in _OF_THE_CONTROLLER:
            return _StaysHome(name)
        raise


class _StaysHome:
    """Stands on a target for a name that only the control machine has."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_arguments: Any, **_named: Any) -> NoReturn:
        self._refuse()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    def _refuse(self) -> NoReturn:
        from opsmop.errors import PolicyError as Refusal  # only on a target, and only then

        raise Refusal(
            f"{self._name} exists on the control machine only",
            remedy="Use it in set_variables() or in another method that the control machine calls.",
        )
