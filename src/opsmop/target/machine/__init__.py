"""The only code that touches the operating system of a target: the real machine, and the simulated one of check, which
only check imports (`opsmop.target.machine.simulated`).
"""

from __future__ import annotations

from opsmop.target.machine.real import RealMachine

__all__ = ["RealMachine"]
