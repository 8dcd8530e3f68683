"""What travels to every host of a role."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from opsmop.errors import ShipError
from opsmop.language.additions import Additions
from opsmop.language.policy import Policy
from opsmop.language.role import CONTROLLER_SIDE, Role
from opsmop.ship.bundle import Bundle
from opsmop.ship.packages import package_bundle
from opsmop.ship.role import pack
from opsmop.wire.records import dataclass

# What of a policy object stays on the control machine, where a function that it adds for templates holds it.
POLICY_SIDE = CONTROLLER_SIDE | {"set_roles", "fact_context", "template_globals", "template_filters"}

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


Pack = Callable[[Role, Layers, Additions], Cargo]


def ship(role: Role, layers: Layers, additions: Additions) -> Cargo:
    """The cargo of a role that is evaluated elsewhere.

    :raises ShipError: if it needs something that cannot travel
    """
    own = type(role).__mro__

    def stays(cls: type) -> frozenset[str]:
        if issubclass(cls, Policy):
            return POLICY_SIDE
        return CONTROLLER_SIDE if cls in own or issubclass(cls, Role) else frozenset()

    try:
        parcel = pack((role, layers, additions), controller_side=stays)
    except ShipError as error:
        for one in (error, *error.also):
            one.message = _in_the_policys_words(one.message, layers)
        raise
    return Cargo(parcel.payload, package_bundle(parcel.packages), parcel.strings)


def _in_the_policys_words(message: str, layers: Layers) -> str:
    """A message about a part of what `ship` packs, with the name that the policy has for that part."""
    role, variable = re.match(r"self\[0\]", message), re.match(r"self\[1\]\[(\d+)\]\[1\]\['(\w+)'\]", message)
    if role:
        return f"self{message[role.end() :]}"
    if variable:
        label = layers[int(variable[1])][0]
        return f"{label} gives the variable {variable[2]}{message[variable.end() :]}"
    return re.sub(
        r"^self\[2\] \(.*?\)", "fact_context(), template_globals() or template_filters() gives something", message
    )


class Live:
    """The cargo of a role that is evaluated in this process: nothing is packed."""

    def __init__(self) -> None:
        self._latest: tuple[Role, Layers, Additions] | None = None

    def pack(self, role: Role, layers: Layers, additions: Additions) -> Cargo:
        """Take the role as it is."""
        self._latest = (role, layers, additions)
        return Cargo()

    def __call__(self) -> tuple[Role, Layers, Additions]:
        """What was taken last."""
        assert self._latest is not None
        return self._latest
