"""Roles that run for one host on another."""

from __future__ import annotations

from typing import Any

from opsmop.drive.access import LOOPBACK
from opsmop.drive.asking import ask, ask_if_defined
from opsmop.errors import PolicyError
from opsmop.inventory import Host, Inventory
from opsmop.inventory.tree import Tree, close
from opsmop.language.role import Role


def delegate_of(role: Role, host: Host) -> Host | None:
    """The host on which `role` runs for `host`; None if that is `host` itself.

    :raises PolicyError: if ``get_delegate_host()`` raises, or names nothing that can be reached
    """
    said = ask_if_defined(role, "get_delegate_host", host)
    if said is None or isinstance(said, Host):
        return said
    found = _named(role, said) if isinstance(said, str) else None
    if found is not None:
        return found
    raise PolicyError(
        f"{role.name}.get_delegate_host() returned {said!r} for {host.name}, which is no host of the inventory",
        remedy=_remedy(role, said),
    )


def _named(role: Role, name: str) -> Host | None:
    # How all hosts of the inventory are reached says nothing of this machine, which is none of them.
    return _whole(role).host(name) or (Host(name, Tree(())) if name in LOOPBACK else None)


def _remedy(role: Role, said: Any) -> str:
    known = {host.name for host in _whole(role).hosts()}
    return close(said, known) if isinstance(said, str) else "Return a host, its name, or None for the host itself."


def _whole(role: Role) -> Inventory:
    inventory: Inventory = ask(role, "inventory")
    return inventory.whole
