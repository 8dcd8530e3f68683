"""Packages of Python: pip(1), in a virtual environment or for a whole Python."""

from __future__ import annotations

import json
import re

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import Change, succeeded
from opsmop.resources.package.family import GRACE, UNKNOWN, Outcome, PackageProvider
from opsmop.resources.package.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ENVIRONMENT = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"}
# PEP 508 names, with extras.
_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._, -]*\])?")
# PEP 668: who marks a Python so installs into it, and nobody else does.
_MANAGED = (
    "import os, sysconfig; print(os.path.exists(os.path.join(sysconfig.get_path('stdlib'), 'EXTERNALLY-MANAGED')))"
)


class Pip(PackageProvider, provides=Package, short="pip"):
    """Through pip of the environment's own Python, or of ``python3``."""

    needs = 'method="pip"'

    @classmethod
    def suits(cls, machine: Machine) -> bool:  # noqa: ARG003 - the signature is the contract
        """Never by itself: a policy that wants Python's packages says so."""
        return False

    def plan(self) -> Iterator[Change]:
        """Make the environment if there is none, then as any package manager."""
        venv = self.resource.venv
        self._fresh = bool(venv) and self.machine.status(f"{venv}/bin/python", follow=True) is None
        if self._fresh and self.resource.absent:
            return
        if self._fresh:
            yield Change("create environment", self._create, after=venv)
        self._refuse_other_owner()
        yield from super().plan()

    def begin(self) -> None:
        """See `PackageProvider.begin`."""
        self._records: dict[str, str] | None = None
        self._offers: dict[str, tuple[str, ...] | None] = {}

    def known_as(self, name: str) -> str:
        """See `PackageProvider.known_as`: as PEP 503 normalises names."""
        match = _NAME.fullmatch(name)
        if match is None:
            raise ProviderError(f"{name!r} is not the name of a Python package", remedy='A version is version="1.2".')
        return re.sub(r"[-_.]+", "-", match[1]).lower() + (match[2] or "").replace(" ", "")

    def held(self, name: str) -> str | None:
        """See `PackageProvider.held`."""
        plain = name.partition("[")[0]
        version: tuple[str | None] = self.machine.look(
            "python package", f"{self._place} {plain}", lambda: (self._installed().get(plain),)
        )
        return version[0]

    def _installed(self) -> dict[str, str]:
        if self._fresh:
            return {}
        if self._records is None:
            completed = succeeded(self._ask("list", "--format=json"), f"asking pip of {self._place}", whole=True)
            self._records = {self.known_as(entry["name"]): entry["version"] for entry in json.loads(completed.stdout)}
        return self._records

    def newest(self, name: str) -> str | None:
        """See `PackageProvider.newest`; as far as an old pip can tell, the version that is there."""
        offered = self._offered(name)
        return self.held(name) if offered is None else next(iter(offered), None)

    def versions(self, name: str) -> Sequence[str]:
        """See `PackageProvider.versions`. A pip before 21.2 cannot tell: it is left to the installation."""
        offered = self._offered(name)
        return (self.resource.version or UNKNOWN,) if offered is None else offered

    def _offered(self, name: str) -> tuple[str, ...] | None:
        """What the index offers, newest first; None where pip cannot tell, or is not there yet."""
        plain = name.partition("[")[0]
        if plain not in self._offers:
            self._offers[plain] = self._asked_index(plain)
        return self._offers[plain]

    def _asked_index(self, name: str) -> tuple[str, ...] | None:
        if self._fresh:
            return None
        completed: Completed = self.machine.look(
            "index", f"{self._place} {name}", lambda: self._ask("index", "versions", name)
        )
        if completed.rc == 0:
            _, _, versions = completed.stdout.partition("Available versions:")
            return tuple(version.strip() for version in versions.partition("\n")[0].split(","))
        if "No matching distribution" in completed.output:
            return ()
        if "unknown command" in completed.output:
            return None
        raise CommandFailed(
            f"asking the index for {name} failed", command=completed.command, rc=completed.rc, output=completed.output
        )

    def foreseen(self, names: Sequence[str]) -> Outcome:
        """See `PackageProvider.foreseen`.

        :raises ProviderError: if this Python is the system's own
        """
        if not self.resource.venv:
            managed: Completed = self.machine.look(
                "python", "managed", lambda: self.machine.ask(["python3", "-c", _MANAGED])
            )
            if managed.stdout.strip() == "True":
                raise ProviderError(
                    "this machine's Python is its package manager's own (PEP 668): pip may not install into it",
                    remedy='Give venv="/opt/...", or name the system\'s package, such as python3-requests.',
                )
        return super().foreseen(names)

    def _refuse_other_owner(self) -> None:
        """What root puts into a user's environment that user could not change, and could have swapped beforehand."""
        venv, user = self.resource.venv, self.machine.real_user()
        status = self.machine.status(venv, follow=True) if venv else None
        if status is not None and status.owner != user:
            raise ProviderError(
                f"{venv} belongs to {status.owner}, and this runs as {user}",
                remedy=f'run_as="{status.owner}" works on it as its owner.',
            )

    # Doing

    def _create(self) -> Completed:
        venv = self.resource.venv
        completed = self.machine.run(
            ["python3", "-m", "venv", venv], effects=[Effect("environment", venv, True)], env=_ENVIRONMENT
        )
        if completed.known and completed.rc != 0 and "ensurepip is not" in completed.output:
            raise CommandFailed(
                f"making the environment {venv} failed", command=completed.command, rc=completed.rc,
                output=completed.output, completed=completed, remedy='Package("python3-venv") before this brings what it needs.',
            )  # fmt: skip
        self._fresh = self.machine.simulated
        self.begin()
        if self.machine.simulated and self.machine.status(venv) is None:
            self.machine.make_directory(venv, mode=0o755)
        return succeeded(completed, f"making the environment {venv}")

    def install(self, names: Sequence[str], outcome: Outcome) -> Completed:
        """See `PackageProvider.install`."""
        package = self.resource
        wanted = [f"{name}=={package.version}" for name in names] if package.version else list(names)
        options = ["--upgrade"] if package.latest else []
        arriving = {name: outcome.arriving.get(name, UNKNOWN) for name in names}
        return self._act(["install", *options, *wanted], arriving, f"installing {', '.join(names)}")

    def remove(self, names: Sequence[str], outcome: Outcome) -> Completed:  # noqa: ARG002 - nothing else goes
        """See `PackageProvider.remove`."""
        plain = [name.partition("[")[0] for name in names]
        return self._act(["uninstall", "--yes", *plain], dict.fromkeys(plain), f"removing {', '.join(names)}")

    def _act(self, arguments: Sequence[str], versions: dict[str, str] | dict[str, None], doing: str) -> Completed:
        effects = [
            Effect("python package", f"{self._place} {name.partition('[')[0]}", (version,))
            for name, version in versions.items()
        ]
        argv = [self._python, "-m", "pip", "--quiet", *arguments]
        completed = self.machine.run(argv, effects=effects, env=_ENVIRONMENT, grace=GRACE)
        self.begin()
        return succeeded(completed, doing)

    def _ask(self, *arguments: str) -> Completed:
        return self.machine.ask([self._python, "-m", "pip", *arguments], env=_ENVIRONMENT)

    @property
    def _python(self) -> str:
        return f"{self.resource.venv}/bin/python" if self.resource.venv else "python3"

    @property
    def _place(self) -> str:
        return self.resource.venv or "python3"
