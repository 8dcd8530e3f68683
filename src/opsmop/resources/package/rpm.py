"""What dnf and yum have in common: they and rpm(8) run as programs, for their libraries are another Python's."""

from __future__ import annotations

import re
import time
from fnmatch import fnmatchcase

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.resources.package.family import GRACE, UNKNOWN, Outcome, PackageProvider
from opsmop.resources.package.rpm_looks import GROUP, Groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Callable

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_INSTALLED = "%{NAME}\\t%{ARCH}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n"
_OFFERED = "%{name}\\t%{arch}\\t%{epoch}:%{version}-%{release}\\n"
_LOCKED = 200  # dnf(8), EXIT CODES
_IS_LOCKED = re.compile(r"lock(ed)? by|Another app is currently holding the yum lock|Failed to obtain .* lock")
_HOLDER = re.compile(r"(?i)\b(?:pid:?|locked by)\s*(\d+)")
FIELDS = 3
_BETWEEN_TRIES = 1.0  # seconds
_REMEDIES = (
    ("superuser privileges", "Packages are root's to change: does the role need sudo()?"),
    ("GPG", "A package is not signed by a key that its repository names, or the key cannot be had."),
    ("Failed to download metadata", "A repository cannot be reached: dnf repolist --verbose says where it should be."),
    (
        "No such command: versionlock",
        'Locks are kept by a plugin: Package("python3-dnf-plugin-versionlock") brings it.',
    ),
    ("conflicting requests", "What it needs cannot be had together with what is installed."),
)


class RpmPackages(PackageProvider):
    """Through rpm, and a program that knows repositories. Its lists are looked into as they are; they are refreshed where
    a policy says so, and where there are none.
    """

    program = ""
    groups: Groups | None = None  # where they can be asked about
    refreshing: tuple[str, ...] = ("--refresh",)
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
        if name.startswith("@") and self.groups is None:
            raise ProviderError(
                f"{name} is a group of packages", remedy=f"Shell('{self.program} -y group install ...')."
            )
        if not _NAME.fullmatch(name.removeprefix("@")):
            raise ProviderError(f"{name!r} is not the name of an rpm package")
        return name

    # Looking

    def held(self, name: str) -> str | None:
        """See `PackageProvider.held`."""
        version: str | None = self.machine.look("package", name, lambda: self._installed_of(name))
        return version

    def _installed_of(self, name: str) -> str | None:
        if name.startswith("@") and self.groups is not None:
            return GROUP if name[1:] in self.groups.installed() else None
        return self._installed().get(name)

    def _installed(self) -> dict[str, str]:
        """The versions of what is installed, by name and by name and architecture."""
        if self._records is None:
            completed = self._look(["rpm", "--query", "--all", "--queryformat", _INSTALLED])
            self._records = {}
            for name, architecture, version in lines_of(succeeded(completed, "asking rpm", whole=True).stdout):
                self._records[name] = self._records[f"{name}.{architecture}"] = version
        return self._records

    def provided(self, name: str) -> bool:
        """See `PackageProvider.provided`."""
        return (
            not name.startswith("@")
            and not self.versions(name)
            and self._look(["rpm", "--query", "--whatprovides", name]).rc == 0
        )

    def newest(self, name: str) -> str | None:
        """See `PackageProvider.newest`."""
        if name.startswith("@"):
            return next(iter(self.versions(name)), None)
        return next(iter(self._offered(name, "--latest-limit=1")), None)

    def versions(self, name: str) -> Sequence[str]:
        """See `PackageProvider.versions`; a group has none, and is there or not."""
        if name.startswith("@") and self.groups is not None:
            return (GROUP,) if name[1:] in self.groups.known() else ()
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
            self._offers[key] = [version for _, _, version in lines_of(completed.stdout)]
        return self._offers[key]

    def _query(self, name: str, *options: str) -> Completed:
        """Ask for what is on offer under a name, in the lists that are there."""
        argv = ["--cacheonly", "repoquery", "--available", *options, "--queryformat", _OFFERED, name]
        return self._look([self.program, "--quiet", *self._seeing(), *argv])

    def _seeing(self) -> list[str]:
        """Options under which is looked for what is on offer."""
        return self._narrowed()

    def _narrowed(self) -> list[str]:
        """Where is looked, and what is not."""
        given = self.resource
        enabled = [f"--enablerepo={name}" for name in given.repositories or ()]
        return [*enabled, *(f"--exclude={pattern}" for pattern in given.excludes or ())]

    def refuse_unknown(self, name: str) -> None:
        """See `PackageProvider.refuse_unknown`."""
        asking = [self.program, "--quiet", *self._narrowed(), "--cacheonly", *self.asks_who_provides, name]
        if not name.startswith("@") and self._look(asking).stdout.strip():
            return
        raise ProviderError(
            f"{self.program} knows no package {name!r}",
            remedy="If it is new, update_cache=True refreshes the package lists first.",
        )

    def lists_missing(self) -> bool:
        """See `PackageProvider.lists_missing`; asked for what is in lists that are not there, dnf says nothing is."""
        wanted = self.resource.repositories or ()
        return not self._known("there", self._has_lists) or not all(self._has_lists_of(name) for name in wanted)

    def lists_to_come(self) -> bool:
        """See `PackageProvider.lists_to_come`."""
        return self._known("to come", lambda: False)

    def lists_stale(self, seconds: int) -> bool:
        """See `PackageProvider.lists_stale`."""
        return not self._known("there", lambda: self._has_lists("-mmin", f"-{max(seconds, 0) / 60}"))

    def _has_lists(self, *conditions: str) -> bool:
        return bool(self.machine.ask(["find", *self.caches, "-name", "repomd.xml", *conditions]).stdout.strip())

    def _has_lists_of(self, repository: str) -> bool:
        """Whether the lists of one repository are there, which stand below its name (and a digest of its address)."""
        here = ("-path", f"*/{repository}-*", "-o", "-path", f"*/{repository}/*")
        return self._known(f"there of {repository}", lambda: self._has_lists("(", *here, ")"))

    def _known(self, name: str, real: Callable[[], bool]) -> bool:
        """What is predicted of the lists, else what is found; that there are none is no doubt."""
        return bool(self.machine.look("package lists", f"{self.program} {name}", lambda: (real(),))[0])

    def _look(self, argv: Sequence[str]) -> Completed:
        completed: tuple[Completed] = self.machine.look("answer", " ".join(argv), lambda: (self.machine.ask(argv),))
        return completed[0]

    # Doing

    def refresh(self) -> Completed:
        """See `PackageProvider.refresh`."""
        completed = self._act(
            [*self._narrowed(), "makecache", *self.refreshing], self._lists_come(), "refreshing the package lists"
        )
        self.begin()
        return completed

    def _lists_come(self) -> list[Effect]:
        names = ("there", "to come", *(f"there of {name}" for name in self.resource.repositories or ()))
        return [Effect("package lists", f"{self.program} {name}", (True,)) for name in names]

    def install(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.install`. A name with a version is gone to, up or down."""
        weak = self.resource.install_recommends
        options = [] if weak is None else [f"--setopt=install_weak_deps={weak}"]
        options += [] if self.resource.best is None else ["--best" if self.resource.best else "--nobest"]
        versions = {name: self._version_of(name) for name in names}
        effects = [
            Effect("package", name, versions[name] or outcome.arriving.get(name, UNKNOWN), brings="installation")
            for name in names
        ]
        wanted = [f"{name}-{version}" if version else name for name, version in versions.items()]
        return self._act([*self._narrowed(), *options, "install", *wanted], effects, f"installing {', '.join(names)}")

    def _version_of(self, name: str) -> str:
        package = self.resource
        if name.startswith("@"):
            return ""
        version = package.version or (self.newest(name) if package.latest else "") or ""
        return version.removeprefix("0:")

    def remove(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.remove`."""
        effects = [Effect("package", name, None) for name in (*names, *outcome.leaving)]
        return self._act([*self._narrowed(), "remove", *names], effects, f"removing {', '.join(names)}")

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


def lines_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, architecture and version of each line; an epoch of 0 is none."""
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) == FIELDS:
            yield parts[0], parts[1], parts[2].removeprefix("0:").removeprefix("(none):")


def _is_locked(completed: Completed) -> bool:
    return bool(completed.rc) and (completed.rc == _LOCKED or bool(_IS_LOCKED.search(completed.output)))


def _explained(completed: Completed, doing: str) -> Completed:
    try:
        return succeeded(completed, doing)
    except CommandFailed as error:
        error.remedy = next((remedy for sign, remedy in _REMEDIES if sign in completed.output), "")
        raise
