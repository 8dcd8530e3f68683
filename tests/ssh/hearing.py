"""What the tests over real connections share: real roles, orders for them, and what was heard of them."""

import importlib.util
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from opsmop.events import EvaluationFinished, Event, Printed
from opsmop.language.additions import Additions
from opsmop.language.role import CONTROLLER_SIDE, Role
from opsmop.ship.role import pack
from opsmop.transport.base import Traffic
from opsmop.transport.files import Depot, FileRules, Served
from opsmop.wire.order import Order

POLICIES = Path(__file__).parent / "policies"


def speaking() -> ModuleType:
    """The roles of policies/speaking.py, as a policy file's own module."""
    return roles_of("speaking")


def roles_of(name: str) -> ModuleType:
    """The roles of one of the policies, as a policy file's own module."""
    spec = importlib.util.spec_from_file_location(name, POLICIES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stays(cls: type) -> frozenset[str]:
    return CONTROLLER_SIDE if issubclass(cls, Role) else frozenset()


def order_for(role: Role, host: str = "web1", **details: Any) -> Order:
    parcel = pack((role, (), Additions()), controller_side=stays)
    order = Order(run="run1", host=host, role=role.name, mode="apply", parcel=parcel.payload)
    return replace(order, **details)


@dataclass
class Heard:
    """What a host said, and what came of it."""

    events: list[Event] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)

    @property
    def ending(self) -> EvaluationFinished:
        endings = [event for event in self.events if isinstance(event, EvaluationFinished)]
        assert len(endings) == 1
        return endings[0]

    @property
    def printed(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Printed)]


def serving(folder: Path, told: list[str] | None = None, *, depot: Depot | None = None, **rules: Any) -> Served:
    """The files of `folder`; `told` hears of what was asked for against the rules."""
    told = [] if told is None else told
    return Served(FileRules((folder,), **rules), depot or Depot(), told.append)


nothing_served = Served(FileRules(()), Depot(), lambda text: None)
