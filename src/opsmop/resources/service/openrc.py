"""OpenRC: rc-service(8) and rc-update(8)."""

from __future__ import annotations

from opsmop.language.machine import Machine
from opsmop.resources.service.family import ServiceProvider, ServiceState
from opsmop.resources.service.service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_RUNLEVEL = "default"
_CHANGES = {"enable": "add", "disable": "delete"}


class OpenRc(ServiceProvider, provides=Service, short="openrc"):
    """Through rc-service, and rc-update for the default runlevel."""

    needs = "OpenRC"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is an rc-service."""
        return machine.which("rc-service") is not None

    def state(self, name: str) -> ServiceState | None:
        """See `ServiceProvider.state`."""
        if self.machine.ask(["rc-service", "--exists", name]).rc != 0:
            return None
        running = self.machine.ask(["rc-service", "--quiet", name, "status"]).rc == 0
        shown = self.machine.ask(["rc-update", "show", _RUNLEVEL]).stdout
        # A line is "     nginx | default"; rc-update(8).
        return ServiceState(running, any(line.partition("|")[0].strip() == name for line in shown.splitlines()))

    def command(self, verb: str, name: str) -> Sequence[str]:
        """See `ServiceProvider.command`."""
        if verb in _CHANGES:
            return ["rc-update", "--quiet", _CHANGES[verb], name, _RUNLEVEL]
        return ["rc-service", "--quiet", name, verb]
