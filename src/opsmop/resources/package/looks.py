"""What dpkg and apt know, asked once per plan, and what planned transactions predict of it."""

from __future__ import annotations

from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.resources.package import dpkg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Callable

_LISTS = "/var/lib/apt/lists"
_JOURNAL = "/var/lib/dpkg/updates"  # files named by numbers are an interrupted dpkg's: apt's own test
# Written after a refresh, as Ubuntu's update-notifier does: when all lists are unchanged, nothing else tells its time.
STAMP = "/var/lib/apt/periodic/update-success-stamp"
UNKNOWN = "newest"  # the version that a plan predicts where only refreshed lists could tell
_ABSENT = "(none)"
# apt keeps what it has worked out of its lists in two files, and logs what its planner was asked; a check leaves even
# those as they are (apt.conf(5)).
_NO_FILES = (
    "-oDir::Cache::pkgcache=",
    "-oDir::Cache::srcpkgcache=",
    "-oDir::Log::Planner=/dev/null",
    "-oDir::Log::Solver=/dev/null",
)

# Predictions. Each is a tuple of one, because an answer that is not empty is no doubt (`AptLooks._known`).
REPAIRED = (Effect("packages", "half done", ((),)), Effect("packages", "interrupted", (False,)))
REFRESHED = (Effect("package lists", "apt", (True,)), Effect("package lists", "to come", (True,)))
UNFORESEEN = (Effect("packages", "foreseen", (False,)),)


def purged(name: str) -> Effect:
    """What removing the configuration of a removed package predicts."""
    return Effect("package configuration", name, (False,))


def on_hold(name: str, wanted: bool) -> Effect:
    """What marking a package predicts."""
    return Effect("hold", name, (wanted,))


class AptLooks:
    """What dpkg and apt know.

    :param machine: of which they know it
    :param environment: of the commands that ask them
    :param options: of apt-cache, when it says what could be
    """

    def __init__(self, machine: Machine, environment: Mapping[str, str], options: Sequence[str] = ()) -> None:
        self._machine, self._environment, self._options = machine, dict(environment), options
        self._answers: dict[str, str] = {}
        self._records: dict[str, dpkg.Record] | None = None

    def _known(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        """What is predicted, else what is found. That something is not there is no doubt even after a transaction was
        planned: apt has foreseen all that it brings.
        """
        return self._machine.look(kind, name, lambda: (real(),))[0]

    def _answer(self, argv: Sequence[str]) -> str:
        key = " ".join(argv)
        if key not in self._answers:
            self._answers[key] = succeeded(self._asked(argv), f"asking {argv[0]}", whole=True).stdout
        return self._answers[key]

    def _asked(self, argv: Sequence[str]) -> Completed:
        completed: Completed = self._known(
            "answer", " ".join(argv), lambda: self._machine.ask(self._tidy(argv), env=self._environment)
        )
        return completed

    def _tidy(self, argv: Sequence[str]) -> list[str]:
        """The command so that in check mode it writes nothing, not even what it could work out again."""
        options = _NO_FILES if self._machine.simulated and argv[0].startswith("apt-") else ()
        return [argv[0], *options, *argv[1:]]

    def native(self) -> str:
        """The architecture of packages that do not name theirs."""
        return self._answer(["dpkg", "--print-architecture"]).strip()

    # What is installed

    def records(self) -> dict[str, dpkg.Record]:
        """All that dpkg knows, by name."""
        if self._records is None:
            text = self._answer(["dpkg-query", "--show", f"--showformat={dpkg.STATUS_FORMAT}"])
            self._records = dpkg.records(text, self.native())
        return self._records

    def record(self, name: str) -> dpkg.Record | None:
        """What dpkg knows of one package."""
        return self.records().get(name)

    def installed(self, name: str) -> str | None:
        """The version that is installed, or that planned transactions will have installed; None if none is."""
        foreseen = self._known("packages", "foreseen", lambda: True)

        def found() -> str | None:
            record = self.record(name)
            if record is not None and record.installed:
                return record.version
            return _ABSENT if foreseen else None  # None is a doubt after an installation whose outcome is not known

        version: str | None = self._machine.look("package", name, found)
        return None if version == _ABSENT else version

    def on_hold(self, name: str) -> bool:
        """Whether the operator has told apt to leave a package as it is."""

        def found() -> bool:
            record = self.record(name)
            return record is not None and record.on_hold

        return bool(self._known("hold", name, found))

    def leftovers(self, name: str) -> bool:
        """Whether configuration of a removed package is left."""

        def found() -> bool:
            record = self.record(name)
            return record is not None and record.leftovers

        return bool(self._known("package configuration", name, found))

    def half_done(self) -> tuple[str, ...]:
        """The packages that are neither installed nor removed."""

        def found() -> tuple[str, ...]:
            return tuple(name for name, record in self.records().items() if record.half_done)

        names: tuple[str, ...] = self._known("packages", "half done", found)
        return names

    def interrupted(self) -> bool:
        """Whether dpkg stopped in the middle of writing down what it did."""

        def found() -> bool:
            return any(name.isdigit() for name in self._machine.listing(_JOURNAL))

        return bool(self._known("packages", "interrupted", found))

    def provided_names(self) -> set[str]:
        """The names that installed packages provide besides their own."""
        return dpkg.provided_names(self._answer(["dpkg-query", "--show", f"--showformat={dpkg.PROVIDES_FORMAT}"]))

    # What could be

    def offer(self, name: str) -> dpkg.Offer:
        """What the lists offer of a package."""
        return dpkg.offers(self._answer(["apt-cache", *self._options, "policy", name])).get(name, dpkg.Offer(None, ()))

    def providing(self, name: str) -> list[str]:
        """The packages that provide a name: what apt-cache(8) calls its reverse provides."""
        completed = self._asked(["apt-cache", "showpkg", name])
        _, _, providers = completed.stdout.partition("Reverse Provides:")
        return sorted({line.split()[0] for line in providers.splitlines() if line.strip()})

    def names_like(self, name: str) -> list[str]:
        """The names that start as this one does."""
        return self._answer(["apt-cache", "pkgnames", name.partition(":")[0][:3]]).split()

    def lists_there(self) -> bool:
        """Whether there are package lists at all."""

        def found() -> bool:
            if self._machine.status(_LISTS) is None:
                return False
            return any("_Packages" in name or name.endswith("Release") for name in self._machine.listing(_LISTS))

        return bool(self._known("package lists", "apt", found))

    def lists_to_come(self) -> bool:
        """Whether a planned refresh will bring lists."""
        return bool(self._known("package lists", "to come", lambda: False))

    def lists_younger_than(self, seconds: int) -> bool:
        """Whether the lists were refreshed during the last `seconds`."""

        def found() -> bool:
            recent = ["find", STAMP, _LISTS, "-maxdepth", "0", "-mmin", f"-{max(seconds, 0) / 60}"]
            return bool(self._machine.ask(recent).stdout.strip())

        return bool(self._known("package lists", "apt", found))

    def simulation(self, argv: Sequence[str]) -> Completed:
        """What apt-get says that it would do."""
        return self._asked(argv)
