"""What every package manager has in common: whether to install, to change the version, or to remove."""

from __future__ import annotations

from fnmatch import fnmatchcase

from opsmop.errors import ProviderError
from opsmop.language.machine import Completed
from opsmop.language.provider import ACT, NOT_NEEDED, Change, Provider
from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# Seconds that a transaction gets to end by itself when its role is cancelled, timed out or has lost its controller:
# what a package manager has begun and not ended is a broken system.
GRACE = 600.0
UNKNOWN = "newest"  # the version that a plan predicts where only the package manager's transaction can tell
MOST_NAMED = 3  # of the packages that a transaction brings along or takes away, how many a report names


@dataclass(frozen=True)
class Outcome:
    """What a transaction will have done.

    :param arriving: the version of each package that it installs, upgrades or downgrades, by name
    :param leaving: the names of those that it removes
    :param complete: whether that is all, and not a guess before the lists are refreshed or dpkg is repaired
    """

    arriving: dict[str, str]
    leaving: tuple[str, ...] = ()
    complete: bool = True


class PackageProvider(Provider):
    """Decides what has to be done; a subclass says how its package manager does it.

    Names are as the subclass's `known_as` spells them. Versions are texts. `also` names the parameters that this package
    manager takes, and others do not.
    """

    also: tuple[str, ...] = ()

    def plan(self) -> Iterator[Change]:
        """Repair, refresh the lists, then install, upgrade or remove in one transaction: as far as needed."""
        self._refuse_foreign()
        self.begin()
        package = self.resource
        names = [self.known_as(name) for name in package.names()]
        held = {name: self.held(name) for name in names}
        if package.absent:
            yield from self._absent(names, held)
            return
        wanting = [name for name in names if self._wanting(name, held[name])]
        self._refuse_kept_back([name for name in wanting if held[name]], held)
        refresh = self.lists_missing() or (package.update_cache and self.lists_stale(package.cache_valid_time))
        if package.latest and refresh:
            yield from self._newest_after_refresh(names, wanting, held)
        elif wanting:
            yield from self._present(wanting, held, refresh=refresh)

    def _refuse_foreign(self) -> None:
        for name in ("held", "release", "repositories", "excludes", "best"):
            if getattr(self.resource, name) is not None and name not in self.also:
                raise ProviderError(f"{self.resource}: {self.short} has no {name}=", remedy="Leave it away here.")

    def _wanting(self, name: str, held: str | None) -> bool:
        package = self.resource
        if package.version is not None:
            return held is None or not self.matches(held, package.version)
        if package.latest:
            newest = self.newest(name)
            return newest != held if newest is not None else not (held or self.provided(name))
        return held is None and not self.provided(name)

    def _refuse_kept_back(self, names: Iterable[str], held: dict[str, str | None]) -> None:
        for name in names:
            hint = self.kept_back(name)
            if hint:
                wanted = "it is to go" if self.resource.absent else "another version is wanted"
                raise ProviderError(f"{name} is held at {held[name]}, and {wanted}", remedy=hint)

    def _present(self, wanting: list[str], held: dict[str, str | None], *, refresh: bool) -> Iterator[Change]:
        repairs = list(self.repairs())
        yield from repairs
        if refresh:
            yield Change("refresh lists", self.refresh, ACT)
        unread = refresh or self.lists_to_come()
        if not unread:
            self._refuse_all_unavailable(wanting)
        outcome = self._guessed(wanting) if unread or repairs else self.foreseen(wanting)

        def install() -> Completed:
            if refresh and not self.machine.simulated:
                self._refuse_all_unavailable(wanting)
            return self.install(wanting, outcome)

        yield Change(
            "upgrade" if all(held[name] for name in wanting) else "install",
            install,
            before=", ".join(f"{name} {held[name]}" for name in wanting if held[name]),
            after=_described(wanting, outcome),
            assumed=unread and not all(self.versions(name) for name in wanting),
        )

    def _newest_after_refresh(
        self, names: list[str], wanting: list[str], held: dict[str, str | None]
    ) -> Iterator[Change]:
        """Only refreshed lists can tell what the newest version is: whether one comes is known when they are there."""
        yield from self.repairs()
        outcome = self._guessed(names)

        def upgrade() -> Completed | None:
            self.refresh()
            if self.machine.simulated:
                return self.install(names, outcome)
            self._refuse_all_unavailable(names)
            rest = [name for name in names if self._wanting(name, held[name])]
            if not rest:
                return NOT_NEEDED
            self._refuse_kept_back([name for name in rest if held[name]], held)
            return self.install(rest, outcome)

        yield Change(
            "upgrade" if all(held.values()) else "install",
            upgrade,
            before=", ".join(f"{name} {held[name]}" for name in names if held[name]),
            after=f"{_described(wanting or names, outcome)}, or what refreshed lists offer",
            assumed=not any(held[name] is None for name in names),
        )

    def _guessed(self, names: Iterable[str]) -> Outcome:
        """What will probably come, as far as the lists of now can tell."""
        wanted = self.resource.version
        return Outcome({name: wanted or self.newest(name) or "newest" for name in names}, complete=False)

    def _refuse_all_unavailable(self, names: Iterable[str]) -> None:
        for name in names:
            self._refuse_unavailable(name)

    def _refuse_unavailable(self, name: str) -> None:
        package = self.resource
        offered = self.versions(name)
        if not offered:
            self.refuse_unknown(name)
        if package.version is not None and not any(self.matches(version, package.version) for version in offered):
            raise ProviderError(
                f"{self.short} offers no version {package.version} of {name}",
                remedy=f"It offers {', '.join(offered)}; update_cache=True refreshes the package lists first.",
            )

    def _absent(self, names: list[str], held: dict[str, str | None]) -> Iterator[Change]:
        purge = self.resource.purge
        leaving = [name for name in names if held[name] or self.half_done([name]) or (purge and self.leftovers(name))]
        if not leaving:
            return
        self._refuse_kept_back(leaving, held)
        yield from self.repairs(interrupted_only=True)
        outcome = self.foreseen(leaving)
        others = [name for name in outcome.leaving if name not in leaving]
        yield Change(
            "purge" if purge else "remove",
            lambda: self.remove(leaving, outcome),
            before=", ".join(f"{name} {held[name] or ''}".rstrip() for name in leaving),
            after=f"removes {_few(others)} too" if others else "",
        )

    # What a package manager's class says

    def begin(self) -> None:
        """Forget what was looked up; the machine may have changed since."""
        raise NotImplementedError

    def known_as(self, name: str) -> str:
        """The name by which the package manager knows the package that a policy calls `name`."""
        return name

    def held(self, name: str) -> str | None:
        """The version that is installed; None if none is."""
        raise NotImplementedError

    def newest(self, name: str) -> str | None:
        """The version that the package manager would install; None if it has none."""
        raise NotImplementedError

    def versions(self, name: str) -> Sequence[str]:
        """Every version that can be had, newest first."""
        raise NotImplementedError

    def refuse_unknown(self, name: str) -> None:
        """Refuse a name that no package has, unless exactly one package provides it.

        :raises ProviderError: with what is close to it, or with those of which the policy has to choose one
        """
        raise ProviderError(f"{self.short} knows no package {name!r}")

    def install(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """Install these in one transaction, at the version that the resource wants."""
        raise NotImplementedError

    def remove(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """Remove these in one transaction."""
        raise NotImplementedError

    # What some package managers have, and others have not

    def matches(self, version: str, wanted: str) -> bool:
        """Whether a version is the one that a policy wants, in which ``*`` stands for anything."""
        return fnmatchcase(version, wanted)

    def leftovers(self, name: str) -> bool:  # noqa: ARG002 - the signature is the contract, here and below
        """Whether configuration of the removed package is still there."""
        return False

    def half_done(self, names: Sequence[str]) -> bool:  # noqa: ARG002
        """Whether one of these is neither installed nor removed."""
        return False

    def provided(self, name: str) -> bool:  # noqa: ARG002
        """Whether an installed package provides this name, which no package that can be had has itself."""
        return False

    def kept_back(self, name: str) -> str:  # noqa: ARG002
        """How to release a package that the operator has told the package manager to keep; empty if it is free."""
        return ""

    def lists_missing(self) -> bool:
        """Whether the package manager has no lists of packages at all."""
        return False

    def lists_to_come(self) -> bool:
        """Whether a planned refresh will bring lists that nobody has read yet."""
        return False

    def lists_stale(self, seconds: int) -> bool:  # noqa: ARG002
        """Whether the lists were last refreshed more than `seconds` ago."""
        return False

    def refresh(self) -> Completed:
        """Refresh the lists."""
        raise NotImplementedError

    def repairs(self, *, interrupted_only: bool = False) -> Iterator[Change]:  # noqa: ARG002
        """What has to be repaired before any transaction; with `interrupted_only`, before one that removes."""
        return iter(())

    def foreseen(self, names: Sequence[str]) -> Outcome:
        """What the transaction for these names would do, as the package manager itself works it out.

        :raises ProviderError: if it cannot be done
        """
        return Outcome({}) if self.resource.absent else self._guessed(names)


def _described(names: Sequence[str], outcome: Outcome) -> str:
    """What a transaction brings: what was asked for in full, the rest in short."""
    wanted = ", ".join(f"{name} {outcome.arriving[name]}" if name in outcome.arriving else name for name in names)
    others = [name for name in outcome.arriving if name not in names]
    parts = [wanted]
    if others:
        parts.append(f"with {_few(others)}")
    if outcome.leaving:
        parts.append(f"removes {_few(outcome.leaving)}")
    return ", ".join(parts)


def _few(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
