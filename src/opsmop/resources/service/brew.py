"""Services of Homebrew: ``brew services``."""

from __future__ import annotations

import json

from opsmop.errors import ProviderError
from opsmop.language.machine import Machine
from opsmop.language.provider import succeeded
from opsmop.resources.service.family import ServiceProvider, ServiceState
from opsmop.resources.service.service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# brew registers a service to start at login with "start" and only runs it with "run"; it stops and forgets it with
# "stop", and with "kill" only stops it: brew(1), services.
_VERBS = {
    "enable": "start",
    "disable": "stop",
    "start": "run",
    "stop": "kill",
    "restart": "restart",
    "reload": "restart",
}
# Where a registered service's file is: launchd(8), systemd.unit(5).
_REGISTERED = ("/LaunchAgents/", "/LaunchDaemons/", "/systemd/user/")


class BrewServices(ServiceProvider, provides=Service, short="brew"):
    """Through ``brew services``, as the user whose Homebrew it is."""

    needs = "brew"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is a brew."""
        return machine.which("brew") is not None

    def state(self, name: str) -> ServiceState | None:
        """See `ServiceProvider.state`."""
        if self.machine.real_user() == "root":
            raise ProviderError("brew does not run as root", remedy="run_as= names the user whose Homebrew it is.")
        listed = succeeded(self.machine.ask(["brew", "services", "list", "--json"]), "asking brew for its services")
        for entry in json.loads(listed.stdout or "[]"):
            if entry["name"] == name:
                running = entry["status"] in ("started", "running")
                return ServiceState(running, any(place in (entry.get("file") or "") for place in _REGISTERED))
        return None

    def command(self, verb: str, name: str) -> Sequence[str]:
        """See `ServiceProvider.command`."""
        return ["brew", "services", _VERBS[verb], name]

    def consequences(self, verb: str) -> dict[str, bool]:
        """See `ServiceProvider.consequences`: what is registered is started too, and what is not is stopped."""
        return {"running": verb == "enable"}
