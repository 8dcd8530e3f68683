"""What travels to every host of a role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opsmop.language.role import CONTROLLER_SIDE, Role
from opsmop.ship.bundle import Bundle
from opsmop.ship.packages import package_bundle
from opsmop.ship.role import pack

Layers = tuple[tuple[str, dict[str, Any]], ...]


@dataclass(frozen=True)
class Cargo:
    """A role, ready to go.

    :param parcel: the role and its layers; empty in local mode
    :param packages: the packages that it imports, or None
    :param strings: the texts that its code names, some of which may be files
    """

    parcel: bytes = b""
    packages: Bundle | None = None
    strings: frozenset[str] = frozenset()


Pack = Callable[[Role, Layers], Cargo]


def ship(role: Role, layers: Layers) -> Cargo:
    """The cargo of a role that is evaluated elsewhere.

    :raises ShipError: if it needs something that cannot travel
    """
    own = type(role).__mro__

    def stays(cls: type) -> frozenset[str]:
        return CONTROLLER_SIDE if cls in own or issubclass(cls, Role) else frozenset()

    parcel = pack((role, layers), controller_side=stays)
    return Cargo(parcel.payload, package_bundle(parcel.packages), parcel.strings)


class Live:
    """The cargo of a role that is evaluated in this process: nothing is packed."""

    def __init__(self) -> None:
        self._latest: tuple[Role, Layers] | None = None

    def pack(self, role: Role, layers: Layers) -> Cargo:
        """Take the role as it is."""
        self._latest = (role, layers)
        return Cargo()

    def __call__(self) -> tuple[Role, Layers]:
        """The role and its layers, as they were taken last."""
        assert self._latest is not None
        return self._latest
