"""The only code that touches the operating system of a target: the real machine, and the simulated one of check."""

from __future__ import annotations

from opsmop.target.machine.real import RealMachine
from opsmop.target.machine.simulated import SimulatedMachine

__all__ = ["RealMachine", "SimulatedMachine"]
