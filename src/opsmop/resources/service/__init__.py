"""Services of the system, and what runs them."""

from __future__ import annotations

from opsmop.resources.service.service import Service
from opsmop.resources.service.systemd import Systemd

__all__ = ["Service", "Systemd"]
