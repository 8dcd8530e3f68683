"""Fedora, and RHEL since 8: dnf(8)."""

from __future__ import annotations

from opsmop.language.machine import Completed
from opsmop.language.provider import Change
from opsmop.resources.package.package import Package
from opsmop.resources.package.rpm import RpmPackages
from opsmop.resources.package.rpm_looks import Groups, Locks, held_so

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_UNLOCKED = "--disableplugin=versionlock"


class Dnf(RpmPackages, provides=Package, short="dnf"):
    """Fedora, and RHEL since 8: dnf(8)."""

    needs = "dnf"
    program = "dnf"
    also = ("held", "repositories", "excludes", "best")
    caches = ("/var/cache/dnf", "/var/cache/libdnf5")

    def plan(self) -> Iterator[Change]:
        """See `PackageProvider.plan`; and who else may change it."""
        changes = list(super().plan())
        yield from changes
        wanted = self.resource.held
        if wanted is None:
            return
        names = [self.known_as(name) for name in self.resource.names()]
        # A lock is that of a version: one that is changed here is locked anew.
        other = [name for name in names if (wanted and changes) or self._locks.on_hold(name) is not wanted]
        if other:
            yield Change("hold" if wanted else "release", lambda: self._mark(other), after=", ".join(other))

    def _mark(self, names: Sequence[str]) -> Completed:
        wanted = self.resource.held
        effects = [held_so(name, held=wanted) for name in names]
        locked = [name for name in names if name in Locks(self.machine).names()]
        completed = Completed("", 0)
        if locked:
            completed = self._act(["versionlock", "delete", *locked], effects, f"releasing {', '.join(locked)}")
        if wanted:
            completed = self._act(["versionlock", "add", *names], effects, f"holding {', '.join(names)}")
        return completed

    def _narrowed(self) -> list[str]:
        """See `RpmPackages._narrowed`; what is locked is looked at all the same, and changed where its lock is ours to say."""
        return [*super()._narrowed(), *([_UNLOCKED] if self._locks.names() and self.resource.held is not None else [])]

    def begin(self) -> None:
        """See `PackageProvider.begin`."""
        super().begin()
        self._locks = Locks(self.machine)
        self.groups = Groups(self._look, self._narrowed())

    def _seeing(self) -> list[str]:
        """See `RpmPackages._seeing`; a locked one is asked about as if it were not."""
        return [*self._narrowed(), *([_UNLOCKED] if self._locks.names() and self.resource.held is None else [])]

    def kept_back(self, name: str) -> str:
        """See `PackageProvider.kept_back`."""
        free = self.resource.held is not None or not self._locks.on_hold(name)
        return "" if free else f"dnf versionlock delete {name} releases it, as held=False does where it is to be there."
