"""Looks whose answers no effect that check models can change."""

from __future__ import annotations

from opsmop.target.machine.real import RealMachine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Unaffected:
    """Asks the machine beneath.

    :param real: the machine beneath
    """

    def __init__(self, real: RealMachine) -> None:
        self._real = real

    def mount_points(self, path: str) -> list[str]:
        """See `Machine.mount_points`."""
        return self._real.mount_points(path)

    def home(self) -> str:
        """See `Machine.home`."""
        return self._real.home()

    def program(self, name: str) -> Sequence[str]:
        """See `Machine.program`."""
        return self._real.program(name)

    def uname(self) -> tuple[str, str, str, str, str]:
        """See `Machine.uname`."""
        return self._real.uname()

    def environment(self) -> dict[str, str]:
        """See `Machine.environment`."""
        return self._real.environment()

    def cpus(self) -> int:
        """See `Machine.cpus`."""
        return self._real.cpus()

    def default_address(self, version: int) -> str:
        """See `Machine.default_address`."""
        return self._real.default_address(version)

    def full_name(self) -> str:
        """See `Machine.full_name`."""
        return self._real.full_name()
