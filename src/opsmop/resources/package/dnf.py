"""Fedora, RHEL and their kin: dnf(8), yum(8) and rpm(8), as programs: their libraries are another Python's."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Callable

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.resources.package.family import GRACE, UNKNOWN, Outcome, PackageProvider
from opsmop.resources.package.package import Package

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_INSTALLED = "%{NAME}\\t%{ARCH}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"
_OFFERED = "%{name}\\t%{arch}\\t%{epoch}:%{version}-%{release}\\n"
_LOCKED = 200  # dnf(8), EXIT CODES
_IS_LOCKED = re.compile(r"lock(ed)? by|Another app is currently holding the yum lock|Failed to obtain .* lock")
_HOLDER = re.compile(r"(?i)\b(?:pid:?|locked by)\s*(\d+)")
_FIELDS = 3
_BETWEEN_TRIES = 1.0  # seconds
_REMEDIES = (
    ("superuser privileges", "Packages are root's to change: does the role need sudo()?"),
    ("GPG", "A package is not signed by a key that its repository names, or the key cannot be had."),
    ("Failed to download metadata", "A repository cannot be reached: dnf repolist --verbose says where it should be."),
    ("conflicting requests", "What it needs cannot be had together with what is installed."),
)


class RpmPackages(PackageProvider):
    """Through rpm, and a program that knows repositories. Its lists are looked into as they are; they are refreshed where
    a policy says so, and where there are none.
    """

    program = ""
    caches: tuple[str, ...] = ()
    asks_who_provides: tuple[str, ...] = ("repoquery", "--available", "--whatprovides")

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is the program."""
        return machine.which(cls.program) is not None

    def begin(self) -> None:
        """See `PackageProvider.begin`."""
        self._records: dict[str, str] | None = None
        self._offers: dict[str, list[str]] = {}

    def known_as(self, name: str) -> str:
        """See `PackageProvider.known_as`."""
        if name.startswith("@"):
            raise ProviderError(
                f"{name} is a group of packages", remedy=f"Shell('{self.program} -y group install ...')."
            )
        if not _NAME.fullmatch(name):
            raise ProviderError(f"{name!r} is not the name of an rpm package")
        return name

    # Looking

    def held(self, name: str) -> str | None:
        """See `PackageProvider.held`."""
        version: str | None = self.machine.look("package", name, lambda: self._installed().get(name))
        return version

    def _installed(self) -> dict[str, str]:
        """The versions of what is installed, by name and by name and architecture."""
        if self._records is None:
            completed = self._look(["rpm", "--query", "--all", "--queryformat", _INSTALLED])
            self._records = {}
            for name, architecture, version in _lines(succeeded(completed, "asking rpm", whole=True).stdout):
                self._records[name] = self._records[f"{name}.{architecture}"] = version
        return self._records

    def provided(self, name: str) -> bool:
        """See `PackageProvider.provided`."""
        return not self.versions(name) and self._look(["rpm", "--query", "--whatprovides", name]).rc == 0

    def newest(self, name: str) -> str | None:
        """See `PackageProvider.newest`."""
        return next(iter(self._offered(name, "--latest-limit=1")), None)

    def versions(self, name: str) -> Sequence[str]:
        """See `PackageProvider.versions`."""
        return self._offered(name)

    def matches(self, version: str, wanted: str) -> bool:
        """See `PackageProvider.matches`; neither the epoch nor the release has to be said."""
        plain = version.partition(":")[2] if ":" in version else version
        spellings = (version, plain, plain.rpartition("-")[0], version.rpartition("-")[0])
        return any(fnmatchcase(spelling, wanted) for spelling in spellings)

    def _offered(self, name: str, *options: str) -> list[str]:
        key = " ".join((name, *options))
        if key not in self._offers:
            completed = self._query(name, *options)
            self._offers[key] = [version for _, _, version in _lines(completed.stdout)]
        return self._offers[key]

    def _query(self, name: str, *options: str) -> Completed:
        """Ask for what is on offer under a name, in the lists that are there."""
        argv = ["--cacheonly", "repoquery", "--available", *options, "--queryformat", _OFFERED, name]
        return self._look([self.program, "--quiet", *argv])

    def refuse_unknown(self, name: str) -> None:
        """See `PackageProvider.refuse_unknown`."""
        if self._look([self.program, "--quiet", "--cacheonly", *self.asks_who_provides, name]).stdout.strip():
            return
        raise ProviderError(
            f"{self.program} knows no package {name!r}",
            remedy="If it is new, update_cache=True refreshes the package lists first.",
        )

    def lists_missing(self) -> bool:
        """See `PackageProvider.lists_missing`; asked for what is in lists that are not there, dnf says nothing is."""
        return not self._known("there", self._has_lists)

    def lists_to_come(self) -> bool:
        """See `PackageProvider.lists_to_come`."""
        return self._known("to come", lambda: False)

    def lists_stale(self, seconds: int) -> bool:
        """See `PackageProvider.lists_stale`."""
        return not self._known("there", lambda: self._has_lists("-mmin", f"-{max(seconds, 0) / 60}"))

    def _has_lists(self, *conditions: str) -> bool:
        return bool(self.machine.ask(["find", *self.caches, "-name", "repomd.xml", *conditions]).stdout.strip())

    def _known(self, name: str, real: Callable[[], bool]) -> bool:
        """What is predicted of the lists, else what is found; that there are none is no doubt."""
        return bool(self.machine.look("package lists", f"{self.program} {name}", lambda: (real(),))[0])

    def _look(self, argv: Sequence[str]) -> Completed:
        completed: tuple[Completed] = self.machine.look("answer", " ".join(argv), lambda: (self.machine.ask(argv),))
        return completed[0]

    # Doing

    def refresh(self) -> Completed:
        """See `PackageProvider.refresh`."""
        lists = [Effect("package lists", f"{self.program} {name}", (True,)) for name in ("there", "to come")]
        completed = self._act(["makecache", "--refresh"], lists, "refreshing the package lists")
        self.begin()
        return completed

    def install(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.install`. A name with a version is gone to, up or down."""
        weak = self.resource.install_recommends
        options = [] if weak is None else [f"--setopt=install_weak_deps={weak}"]
        versions = {name: self._version_of(name) for name in names}
        effects = [
            Effect("package", name, versions[name] or outcome.arriving.get(name, UNKNOWN), brings="installation")
            for name in names
        ]
        wanted = [f"{name}-{version}" if version else name for name, version in versions.items()]
        return self._act([*options, "install", *wanted], effects, f"installing {', '.join(names)}")

    def _version_of(self, name: str) -> str:
        package = self.resource
        version = package.version or (self.newest(name) if package.latest else "") or ""
        return version.removeprefix("0:")

    def remove(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.remove`."""
        effects = [Effect("package", name, None) for name in (*names, *outcome.leaving)]
        return self._act(["remove", *names], effects, f"removing {', '.join(names)}")

    def _act(self, arguments: Sequence[str], effects: Sequence[Effect], doing: str) -> Completed:
        """Run it; whoever holds its lock is waited for here, where the wait has an end."""
        if self.machine.real_user() != "root":
            raise ProviderError(f"{doing} is for root alone", remedy=_REMEDIES[0][1])
        argv = [self.program, "--assumeyes", "--quiet", *self._lock_options(), *arguments]
        deadline = time.monotonic() + self.resource.lock_timeout
        while True:
            completed = self.machine.run(argv, effects=effects, grace=GRACE)
            if not _is_locked(completed):
                return _explained(completed, doing)
            if time.monotonic() >= deadline:
                raise self._locked(completed, doing)
            time.sleep(_BETWEEN_TRIES)

    def _lock_options(self) -> list[str]:
        return ["--setopt=exit_on_lock=True"]

    def _locked(self, completed: Completed, doing: str) -> CommandFailed:
        number = _HOLDER.search(completed.output)
        return CommandFailed(
            f"{doing} failed: {self._holder(number.group(1)) if number else 'another program'} holds the package manager's "
            f"lock, for longer than {self.resource.lock_timeout} s",
            command=completed.command, rc=completed.rc, output=completed.output, completed=completed,
            remedy="Wait for it to end, or give lock_timeout= more seconds.",
        )  # fmt: skip

    def _holder(self, number: str) -> str:
        try:
            command = self.machine.read(f"/proc/{number}/cmdline").decode("utf-8", "replace")
        except ProviderError:  # it has ended meanwhile
            command = ""
        return f"process {number} ({command.replace(chr(0), ' ').strip() or 'unknown'})"


class Dnf(RpmPackages, provides=Package, short="dnf"):
    """Fedora, and RHEL since 8: dnf(8)."""

    needs = "dnf"
    program = "dnf"
    caches = ("/var/cache/dnf", "/var/cache/libdnf5")


class Yum(RpmPackages, provides=Package, short="yum"):
    """RHEL 7 and its kin, which have no dnf: yum(8) of version 3."""

    needs = "yum"
    program = "yum"
    caches = ("/var/cache/yum",)
    asks_who_provides = ("provides",)

    def _query(self, name: str, *options: str) -> Completed:
        """``yum list`` prints ``name.arch version repository``, oldest first."""
        argv = [self.program, "--quiet", "--cacheonly", "list", "available", "--showduplicates", name]
        completed = self._look(argv)
        found = [line.split() for line in completed.stdout.splitlines()]
        rows = [words for words in found if len(words) == _FIELDS and words[0].rpartition(".")[0] == name][::-1]
        if "--latest-limit=1" in options:
            rows = rows[:1]
        text = "".join(f"{name}\t{row[0].rpartition('.')[2]}\t{row[1]}\n" for row in rows)
        return Completed(completed.command, completed.rc, stdout=text, output=completed.output)

    def refresh(self) -> Completed:
        """See `PackageProvider.refresh`."""
        lists = [Effect("package lists", f"{self.program} {name}", (True,)) for name in ("there", "to come")]
        completed = self._act(["makecache"], lists, "refreshing the package lists")
        self.begin()
        return completed

    def _lock_options(self) -> list[str]:
        return ["--setopt=exit_on_lock=1"]


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, architecture and version of each line; an epoch of 0 is none."""
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) == _FIELDS:
            yield parts[0], parts[1], parts[2].removeprefix("0:").removeprefix("(none):")


def _is_locked(completed: Completed) -> bool:
    return bool(completed.rc) and (completed.rc == _LOCKED or bool(_IS_LOCKED.search(completed.output)))


def _explained(completed: Completed, doing: str) -> Completed:
    try:
        return succeeded(completed, doing)
    except CommandFailed as error:
        error.remedy = next((remedy for sign, remedy in _REMEDIES if sign in completed.output), "")
        raise
