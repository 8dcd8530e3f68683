"""What stands at a path that a resource manages."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Machine, Status

_MOST_LINKS = 40  # as the kernel has it: path_resolution(7)


def followed(machine: Machine, path: str, *, follow: bool) -> tuple[str, Status | None]:
    """The path to manage and what stands there: a link's target if it is to be followed.

    :raises ProviderError: if a link stands there and is not to be followed, or leads nowhere but to itself
    """
    place = path
    for _ in range(_MOST_LINKS):
        status = machine.status(place)
        if status is None or status.kind != "link":
            return place, status
        if not follow:
            raise ProviderError(
                f"{place} is a symbolic link to {status.target}",
                remedy="follow=True manages what it points at; File(..., absent=True) before this removes the link.",
            )
        place = status.target if status.target.startswith("/") else f"{place.rpartition('/')[0]}/{status.target}"
    raise ProviderError(f"{path} is a symbolic link that never ends: it leads back to {place}")
