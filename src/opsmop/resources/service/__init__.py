"""Services of the system, and what runs them."""

from __future__ import annotations

from opsmop.resources.service.family import ServiceProvider, ServiceState
from opsmop.resources.service.openrc import OpenRc
from opsmop.resources.service.service import Service
from opsmop.resources.service.systemd import Systemd

# After systemd: a machine may have both.
from opsmop.resources.service.brew import BrewServices  # isort: skip

__all__ = ["BrewServices", "OpenRc", "Service", "ServiceProvider", "ServiceState", "Systemd"]
