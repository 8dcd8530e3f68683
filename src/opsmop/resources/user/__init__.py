"""Users, and the ways of keeping them."""

from __future__ import annotations

from opsmop.resources.user.family import UserProvider
from opsmop.resources.user.user import User
from opsmop.resources.user.useradd import Useradd

__all__ = ["User", "UserProvider", "Useradd"]
