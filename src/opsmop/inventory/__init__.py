"""The hosts that there are."""

from __future__ import annotations

from opsmop.inventory.host import Group, Host
from opsmop.inventory.inventory import Inventory
from opsmop.inventory.toml import TomlInventory

__all__ = ["Group", "Host", "Inventory", "TomlInventory"]
