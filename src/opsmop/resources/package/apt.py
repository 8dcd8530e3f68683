"""Debian, Ubuntu and their kin: apt-get(8) and dpkg(1)."""

from __future__ import annotations

import re

from opsmop.errors import ProviderError
from opsmop.language.fields import nearest
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import Change
from opsmop.resources.package import dpkg, looks, running
from opsmop.resources.package.family import Outcome, PackageProvider
from opsmop.resources.package.looks import AptLooks
from opsmop.resources.package.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Debian Policy, 5.6.1; apt would take anything else for a pattern, and a "-" at the end for a removal.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]+)?")


class Apt(PackageProvider, provides=Package, short="apt"):
    """Through apt-get and dpkg, never prompting, waiting for their locks."""

    needs = "apt-get"
    also = ("held", "release")

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is an apt-get."""
        return machine.which("apt-get") is not None

    def plan(self) -> Iterator[Change]:
        """See `PackageProvider.plan`; and who else may change it."""
        changes = list(super().plan())
        yield from changes
        wanted = self.resource.held
        if wanted is None:
            return
        # What is installed here is marked anew: apt forgets the mark of what it changes.
        names = [self.known_as(name) for name in self.resource.names()]
        other = [name for name in names if (wanted and changes) or self._looks.on_hold(name) is not wanted]
        if other:
            yield Change("hold" if wanted else "release", lambda: self._mark(other), after=", ".join(other))

    def _mark(self, names: Sequence[str]) -> Completed:
        wanted = self.resource.held
        effects = [looks.on_hold(name, wanted) for name in names]
        argv = ["apt-mark", "hold" if wanted else "unhold", *names]
        return self._act(argv, effects, f"marking {', '.join(names)}")

    def begin(self) -> None:
        """See `PackageProvider.begin`."""
        self._looks = AptLooks(self.machine, running.ENVIRONMENT, self._release())
        self._files: dict[str, tuple[str, str]] = {}  # path and version of each package that is named by its file

    # What is there

    def known_as(self, name: str) -> str:
        """See `PackageProvider.known_as`. The architecture is named only where it is a foreign one."""
        if name.startswith("/"):
            return self._of_file(name)
        if not _NAME.fullmatch(name):
            raise ProviderError(
                f"{name!r} is not the name of a Debian package",
                remedy="Names are lower-case letters, digits, + - and ., with an :architecture if need be.",
            )
        plain, _, architecture = name.partition(":")
        return plain if architecture in ("", "any", "all", self._looks.native()) else name

    def _of_file(self, path: str) -> str:
        """The name of the package that a file on the machine is."""
        asked = self.machine.ask(["dpkg-deb", "--showformat=${Package} ${Version}", "--show", path])
        if asked.rc != 0:
            raise ProviderError(f"{path} is no package of Debian on this machine: {asked.output.strip()}")
        name, _, version = asked.stdout.strip().partition(" ")
        self._files[name] = (path, version)
        return name

    def _wanting(self, name: str, held: str | None) -> bool:
        """See `PackageProvider.plan`: of a file, at least the version that it is."""
        if name not in self._files or held is None:
            return super()._wanting(name, held)
        return self.machine.ask(["dpkg", "--compare-versions", held, "lt", self._files[name][1]]).rc == 0

    def held(self, name: str) -> str | None:
        """See `PackageProvider.held`."""
        return self._looks.installed(name)

    def leftovers(self, name: str) -> bool:
        """See `PackageProvider.leftovers`."""
        return self._looks.leftovers(name)

    def half_done(self, names: Sequence[str]) -> bool:
        """See `PackageProvider.half_done`."""
        return not set(names).isdisjoint(self._looks.half_done())

    def provided(self, name: str) -> bool:
        """See `PackageProvider.provided`."""
        return self._looks.offer(name).candidate is None and name in self._looks.provided_names()

    def kept_back(self, name: str) -> str:
        """See `PackageProvider.kept_back`."""
        free = self.resource.held is not None or not self._looks.on_hold(name)
        return "" if free else f"apt-mark unhold {name} releases it, as held=False does where it is to be there."

    # What could be there

    def newest(self, name: str) -> str | None:
        """See `PackageProvider.newest`."""
        if name in self._files:
            return self._files[name][1]
        return self._looks.offer(name).candidate

    def versions(self, name: str) -> Sequence[str]:
        """See `PackageProvider.versions`."""
        if name in self._files:
            return (self._files[name][1],)
        offer = self._looks.offer(name)
        return offer.versions if offer.candidate is not None else ()

    def refuse_unknown(self, name: str) -> None:
        """See `PackageProvider.refuse_unknown`."""
        providing = self._looks.providing(name)
        if len(providing) == 1:
            return
        if providing:
            raise ProviderError(
                f"no package is named {name!r}: it is a virtual one, and several provide it",
                remedy=f"Name one of them: {', '.join(providing)}.",
            )
        hint = nearest(name, self._looks.names_like(name), "")
        close = f"{hint} " if hint.startswith("Did") else ""
        raise ProviderError(
            f"apt knows no package {name!r}",
            remedy=f"{close}If it is new, update_cache=True refreshes the package lists first.",
        )

    def lists_missing(self) -> bool:
        """See `PackageProvider.lists_missing`."""
        return not self._looks.lists_there()

    def lists_to_come(self) -> bool:
        """See `PackageProvider.lists_to_come`."""
        return self._looks.lists_to_come()

    def lists_stale(self, seconds: int) -> bool:
        """See `PackageProvider.lists_stale`."""
        return not self._looks.lists_younger_than(seconds)

    def foreseen(self, names: Sequence[str]) -> Outcome:
        """See `PackageProvider.foreseen`: apt-get itself works it out, as it would do it."""
        argv = self._removal(names) if self.resource.absent else self._installation(names)
        completed = self._looks.simulation([*argv[:1], "--simulate", *argv[1:]])
        running.explained(completed, f"working out what apt would do for {', '.join(names)}")
        return Outcome(*dpkg.foreseen(completed.stdout))

    # What is done

    def repairs(self, *, interrupted_only: bool = False) -> Iterator[Change]:
        """See `PackageProvider.repairs`."""
        broken, interrupted = self._looks.half_done(), self._looks.interrupted()
        if not interrupted and (interrupted_only or not broken):
            return
        yield Change("repair dpkg", self._repair, before=f"interrupted: {', '.join(broken) or 'its journal is there'}")

    def _repair(self) -> Completed:
        self._act(
            ["dpkg", *running.KEEP_CONFIGURATION, "--configure", "--pending"],
            [*looks.REPAIRED, Effect("packages", "repair", brings="installation")],
            "finishing what an interrupted dpkg has left",
        )
        return self._act(
            [*self._apt_get(), "--fix-broken", "install"], looks.REPAIRED, "mending what does not fit together"
        )

    def refresh(self) -> Completed:
        """See `PackageProvider.refresh`."""
        completed = running.refresh(self.machine, lock_timeout=self.resource.lock_timeout)
        files = self._files
        self.begin()
        self._files = files
        return completed

    def install(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.install`."""
        arriving = {**dict.fromkeys(names, looks.UNKNOWN), **outcome.arriving}
        effects = [Effect("package", name, version, brings="installation") for name, version in arriving.items()]
        effects += [Effect("package", name, None) for name in outcome.leaving]
        effects += [] if outcome.complete else looks.UNFORESEEN
        return self._act(self._installation(names), effects, f"installing {', '.join(names)}")

    def _installation(self, names: Sequence[str]) -> list[str]:
        version = self.resource.version
        known = [self._files[name][0] if name in self._files else name for name in names]
        wanted = [f"{name}={version}" for name in known] if version else known
        recommends = self.resource.install_recommends
        options = [] if recommends is None else [f"-oAPT::Install-Recommends={'true' if recommends else 'false'}"]
        options += ["--allow-downgrades"] if version else []
        options += ["--allow-change-held-packages"] if self.resource.held is not None else []
        return [*self._apt_get(), *self._release(), *options, "install", *wanted]

    def _release(self) -> list[str]:
        release = self.resource.release
        return [f"-oAPT::Default-Release={release}"] if release else []

    def remove(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.remove`."""
        effects = [Effect("package", name, None) for name in dict.fromkeys((*names, *outcome.leaving))]
        effects += [looks.purged(name) for name in names if self.resource.purge]
        return self._act(self._removal(names), effects, f"removing {', '.join(names)}")

    def _removal(self, names: Sequence[str]) -> list[str]:
        alone = ["--auto-remove"] if self.resource.autoremove else []
        return [*self._apt_get(), *alone, "purge" if self.resource.purge else "remove", *names]

    def _apt_get(self) -> list[str]:
        return running.apt_get(self.resource.lock_timeout)

    def _act(self, argv: Sequence[str], effects: Sequence[Effect], doing: str) -> Completed:
        return running.run(self.machine, argv, effects, doing, lock_timeout=self.resource.lock_timeout)
