"""What service managers that know less than systemd have in common."""

from __future__ import annotations

import time

from opsmop.errors import CommandFailed, ProviderError
from opsmop.language.machine import Completed, Effect
from opsmop.language.provider import ACT, STATE, Change, Provider, succeeded
from opsmop.wire.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BETWEEN_LOOKS = 0.1  # seconds


@dataclass(frozen=True)
class ServiceState:
    """A service as its manager has it.

    :param running: whether it runs
    :param enabled: whether it starts with the system
    """

    running: bool
    enabled: bool


class ServiceProvider(Provider):
    """Decides what has to be done; a subclass says how its service manager is asked and told."""

    def plan(self) -> Iterator[Change]:
        """Enable or disable it, then start, stop, restart or reload it."""
        service = self.resource
        if service.masked is not None:
            raise ProviderError(f"{self.short} cannot mask a service", remedy="enabled=False keeps it from starting.")
        if service.scope == "user":
            raise ProviderError(f"{self.short} has no services of users", remedy='Leave scope="user" away.')
        self._expected = found = self._found()
        if service.enabled is not None and service.enabled != found.enabled:
            verb = "enable" if service.enabled else "disable"
            yield self._change(verb, becomes={"enabled": service.enabled, **self.consequences(verb)})
        if service.started is False:
            if self._expected.running:
                yield self._change("stop", becomes={"running": False})
        elif service.restarted or service.reloaded:
            verb = "restart" if service.restarted else "reload"
            yield self._change(verb if self._expected.running else "start", ACT, becomes={"running": True})
        elif service.started and not self._expected.running:
            yield self._change("start", becomes={"running": True})

    def _found(self) -> ServiceState:
        name = self.resource.name
        doubts = self.machine.assumptions
        found: ServiceState | None = self.machine.look("service", name, lambda: self.state(name))
        if found is not None:
            return found
        service = self.resource
        wanted = service.started or service.enabled or service.restarted or service.reloaded
        if wanted and self.machine.assumptions == doubts:
            raise ProviderError(f"{self.short} knows no service {name}", remedy="Install what brings it first.")
        return ServiceState(running=False, enabled=False)

    def _change(self, verb: str, kind: str = STATE, *, becomes: dict[str, bool]) -> Change:
        self._expected = after = replace(self._expected, **becomes)
        return Change(verb, lambda: self._make(verb, after), kind)

    def _make(self, verb: str, after: ServiceState) -> Completed:
        name = self.resource.name
        completed = self.machine.run(self.command(verb, name), effects=[Effect("service", name, after)])
        succeeded(completed, f"{verb} of {name}")
        if completed.known and verb in ("start", "restart", "reload"):
            self._watch(verb)
        return completed

    def _watch(self, verb: str) -> None:
        """Believe a start only when it has stayed."""
        name = self.resource.name
        deadline = time.monotonic() + self.resource.watch
        while True:
            state = self.state(name)
            if state is None or not state.running:
                raise CommandFailed(f"{name} does not run after its {verb}")
            if time.monotonic() >= deadline:
                return
            time.sleep(_BETWEEN_LOOKS)

    # What a service manager's class says

    def state(self, name: str) -> ServiceState | None:
        """How the service is; None if there is none."""
        raise NotImplementedError

    def command(self, verb: str, name: str) -> Sequence[str]:
        """What does it: `verb` is ``enable``, ``disable``, ``start``, ``stop``, ``restart`` or ``reload``."""
        raise NotImplementedError

    def consequences(self, verb: str) -> dict[str, bool]:  # noqa: ARG002 - the signature is the contract
        """What else enabling or disabling a service changes of its `ServiceState`."""
        return {}
