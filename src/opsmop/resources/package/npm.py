"""Packages of Node.js: npm(1), for a project or for all users."""

from __future__ import annotations

import json
import re

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import succeeded
from opsmop.resources.package.family import GRACE, UNKNOWN, Outcome, PackageProvider
from opsmop.resources.package.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_QUIET = ("--no-fund", "--no-audit", "--no-update-notifier", "--no-progress", "--logs-max=0", "--loglevel=error")
# What the registry takes: lower-case, with a scope if need be (npm's documentation of package.json, "name").
_NAME = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")


class Npm(PackageProvider, provides=Package, short="npm"):
    """Through npm; a project's .npmrc counts."""

    needs = 'method="npm"'

    @classmethod
    def suits(cls, machine: Machine) -> bool:  # noqa: ARG003 - the signature is the contract
        """Never by itself: a policy that wants packages of Node.js says so."""
        return False

    def begin(self) -> None:
        """See `PackageProvider.begin`."""
        self._records: dict[str, str] | None = None
        self._said: dict[str, dict[str, Any]] = {}
        self._refuse_nowhere()

    def _refuse_nowhere(self) -> None:
        directory = self.resource.directory
        if self.machine.which("npm") is None:
            raise ProviderError("there is no npm on this machine", remedy='Package("npm") before this brings it.')
        if directory is not None and self.machine.status(directory, follow=True) is None:
            raise ProviderError(f"{directory} does not exist", remedy="Manage it with Directory first.")

    def known_as(self, name: str) -> str:
        """See `PackageProvider.known_as`."""
        if not _NAME.fullmatch(name):
            raise ProviderError(f"{name!r} is not the name of a package of npm", remedy='A version is version="1.2.3".')
        return name

    def held(self, name: str) -> str | None:
        """See `PackageProvider.held`."""
        version: tuple[str | None] = self.machine.look(
            "node package", f"{self._place} {name}", lambda: (self._installed().get(name),)
        )
        return version[0]

    def _installed(self) -> dict[str, str]:
        """What is there; npm's exit status tells of problems among them that are not asked about."""
        if self._records is None and not self._is_there():
            self._records = {}
        if self._records is None:
            completed = self._ask("ls", "--json", "--depth=0")
            try:
                found = json.loads(completed.stdout or "{}").get("dependencies", {})
            except ValueError:
                succeeded(completed, "asking npm what is installed", whole=True)
                found = {}
            self._records = {name: entry["version"] for name, entry in found.items() if "version" in entry}
        return self._records

    def newest(self, name: str) -> str | None:
        """See `PackageProvider.newest`: what the registry calls the latest."""
        version = self._registry(name).get("dist-tags", {}).get("latest")
        return str(version) if version else None

    def versions(self, name: str) -> Sequence[str]:
        """See `PackageProvider.versions`."""
        found = self._registry(name).get("versions", [])
        return [found] if isinstance(found, str) else list(reversed(found))

    def _registry(self, name: str) -> dict[str, Any]:
        """What the registry says of a package; empty if it has none."""
        if name not in self._said:
            completed: Completed = self.machine.look(
                "registry", f"{self._place} {name}", lambda: self._ask("view", name, "dist-tags", "versions", "--json")
            )
            if completed.rc != 0 and "E404" not in completed.output:
                raise CommandFailed(
                    f"asking the registry for {name} failed", command=completed.command, rc=completed.rc,
                    output=completed.output,
                )  # fmt: skip
            self._said[name] = json.loads(completed.stdout) if completed.rc == 0 and completed.stdout.strip() else {}
        return self._said[name]

    def install(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.install`. A pattern of versions is npm's own: ``1.2.*``."""
        package = self.resource
        versions = {name: package.version or (self.newest(name) if package.latest else None) for name in names}
        wanted = [f"{name}@{version}" if version else name for name, version in versions.items()]
        arriving = {name: outcome.arriving.get(name, UNKNOWN) for name in names}
        return self._act(["install", *wanted], arriving, f"installing {', '.join(names)}")

    def remove(self, names: Sequence[str], outcome: Outcome) -> Completed:  # noqa: ARG002 - npm tells no more
        """See `PackageProvider.remove`."""
        return self._act(["uninstall", *names], dict.fromkeys(names), f"removing {', '.join(names)}")

    def _is_there(self) -> bool:
        """Whether the project is on the machine already, and not only planned."""
        folder = self._folder
        found: Completed = self.machine.look("folder", folder, lambda: self.machine.ask(["test", "-d", folder]))
        return found.rc == 0

    def _act(self, arguments: Sequence[str], versions: dict[str, str] | dict[str, None], doing: str) -> Completed:
        effects = [Effect("node package", f"{self._place} {name}", (version,)) for name, version in versions.items()]
        completed = self.machine.run(self._npm(*arguments), effects=effects, cwd=self._folder, grace=GRACE)
        self.begin()
        return succeeded(completed, doing)

    def _ask(self, *arguments: str) -> Completed:
        there = self._is_there()
        argv = self._npm(*arguments) if there else ["npm", *_QUIET, *arguments]
        return self.machine.ask(argv, cwd=self._folder if there else "/")

    def _npm(self, *arguments: str) -> list[str]:
        where = [f"--prefix={self.resource.directory}"] if self.resource.directory else ["--global"]
        return ["npm", *_QUIET, *where, *arguments]

    @property
    def _folder(self) -> str:
        return self.resource.directory or "/"

    @property
    def _place(self) -> str:
        return self.resource.directory or "all users"
