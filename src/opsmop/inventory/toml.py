"""An inventory in a TOML file."""

from __future__ import annotations

import sys

from opsmop.errors import InventoryError
from opsmop.inventory.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class TomlInventory(Inventory):
    """The hosts that a TOML file names. Constructing it reads nothing.

    :param path: the file; relative to the policy file, whatever the current directory
    """

    def __init__(self, path: Any) -> None:
        self.path = str(path)
        # Where it was written, should that not be the program that runs.
        self._written_in = str(sys._getframe(1).f_globals.get("__file__") or "")  # noqa: SLF001 - the documented way

    def __repr__(self) -> str:
        return f"TomlInventory({self.path!r})"

    def files(self) -> tuple[str, ...]:
        return (self._found(),)

    def load(self) -> None:
        """Read the file.

        :raises InventoryError: if it cannot be read, or is not TOML
        """
        import tomllib  # a target never reads an inventory, and may have no such library

        place, absolute = self._found(), self.path.startswith(("/", "~"))
        try:
            with open(place, "rb") as stream:  # noqa: PTH123 - the path is text
                document = tomllib.load(stream)
        except OSError as error:
            raise InventoryError(
                f"the inventory cannot be read: {error.strerror}",
                place=place,
                remedy="" if absolute else "TomlInventory's path is relative to the policy file.",
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InventoryError(f"the inventory is not TOML: {error}", place=place) from None
        except RecursionError:
            raise InventoryError("the inventory is nested too deeply to be read", place=place) from None
        self.accumulate(document, place)

    def _found(self) -> str:
        from pathlib import Path  # a target never looks for an inventory

        path = Path(self.path).expanduser()
        program = getattr(sys.modules.get("__main__"), "__file__", None)
        candidates = [Path(name).absolute().parent / path for name in (program, self._written_in) if name]
        return str(next((name for name in candidates if name.exists()), [*candidates, path.absolute()][0]))
