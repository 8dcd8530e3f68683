"""macOS and Linux with Homebrew: brew(1)."""

from __future__ import annotations

import json

from opsmop.errors import ProviderError
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.resources.package.family import GRACE, UNKNOWN, Outcome, PackageProvider
from opsmop.resources.package.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ENVIRONMENT = {"HOMEBREW_NO_AUTO_UPDATE": "1", "HOMEBREW_NO_ENV_HINTS": "1", "HOMEBREW_NO_ANALYTICS": "1",
                "NONINTERACTIVE": "1"}  # fmt: skip


class Brew(PackageProvider, provides=Package, short="brew"):
    """Through brew, as the user whose Homebrew it is: it refuses root."""

    needs = "brew"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is a brew."""
        return machine.which("brew") is not None

    def begin(self) -> None:
        """See `PackageProvider.begin`."""
        self._records: dict[str, str] | None = None
        if self.machine.real_user() == "root":
            raise ProviderError("brew does not run as root", remedy="run_as= names the user whose Homebrew it is.")
        if self.resource.version is not None:
            raise ProviderError(
                "brew installs no version of one's choice", remedy='A formula of its own may exist: "postgresql@16".'
            )

    def held(self, name: str) -> str | None:
        """See `PackageProvider.held`."""
        version: tuple[str | None] = self.machine.look("package", name, lambda: (self._installed().get(name),))
        return version[0]

    def _installed(self) -> dict[str, str]:
        """The newest installed version of each formula and cask."""
        if self._records is None:
            listed = succeeded(self._ask("list", "--versions"), "asking brew what is installed", whole=True).stdout
            rows = [line.split() for line in listed.splitlines() if line.strip()]
            self._records = {row[0]: row[-1] for row in rows if len(row) > 1}
        return self._records

    def newest(self, name: str) -> str | None:
        """See `PackageProvider.newest`."""
        completed = self._ask("info", "--json=v2", name)
        if completed.rc != 0:
            return None
        said = json.loads(completed.stdout)
        for formula in said.get("formulae", []):
            revision = f"_{formula['revision']}" if formula.get("revision") else ""
            return f"{formula['versions']['stable']}{revision}"
        return next((str(cask["version"]) for cask in said.get("casks", [])), None)

    def versions(self, name: str) -> Sequence[str]:
        """See `PackageProvider.versions`: it has one."""
        newest = self.newest(name)
        return [newest] if newest is not None else []

    def lists_stale(self, seconds: int) -> bool:  # noqa: ARG002 - brew says nothing of their age
        """See `PackageProvider.lists_stale`: whoever asks for fresh ones gets them."""
        return not self.machine.look("package lists", "brew", lambda: False)

    def refresh(self) -> Completed:
        """See `PackageProvider.refresh`."""
        return self._act(["update"], [Effect("package lists", "brew", value=True)], "refreshing the package lists")

    def install(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.install`; what is there is upgraded, and one command does either."""
        effects = [
            Effect("package", name, (outcome.arriving.get(name, UNKNOWN),), brings="installation") for name in names
        ]
        verb = "upgrade" if all(self.held(name) for name in names) else "install"
        return self._act([verb, *names], effects, f"installing {', '.join(names)}")

    def remove(self, names: Sequence[str], outcome: Outcome) -> Completed:  # noqa: ARG002 - nothing else goes
        """See `PackageProvider.remove`."""
        zap = ["--zap"] if self.resource.purge else []
        effects = [Effect("package", name, (None,)) for name in names]
        return self._act(["uninstall", *zap, *names], effects, f"removing {', '.join(names)}")

    def _act(self, arguments: Sequence[str], effects: Sequence[Effect], doing: str) -> Completed:
        completed = self.machine.run(["brew", *arguments], effects=effects, env=_ENVIRONMENT, grace=GRACE)
        self._records = None
        return succeeded(completed, doing)

    def _ask(self, *arguments: str) -> Completed:
        return self.machine.ask(["brew", *arguments], env=_ENVIRONMENT)
