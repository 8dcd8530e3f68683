"""What the user's own ssh makes of its configuration for a host, by its own word."""

from __future__ import annotations

import os
import subprocess

from opsmop.errors import ConnectError
from opsmop.transport.base import Route
from opsmop.transport.openssh import ssh_arguments
from opsmop.wire.records import dataclass

_PATIENCE = 5.0  # seconds that ssh may think about its configuration
NONE = "none"  # what unsays a value
_USUAL_PORT = "22"


@dataclass(frozen=True)
class Configured:
    """The values of ssh_config(5) that hold for a connection from this machine; empty where ssh did not say.

    :param address: where it goes
    :param port: the port there
    :param alias: the name by which its host key is known, if not by its address
    :param jump: the first host that it jumps over
    :param command: the command that it is made by instead
    :param known_hosts: the file to which new host keys are added
    """

    address: str = ""
    port: str = ""
    alias: str = ""
    jump: str = ""
    command: str = ""
    known_hosts: str = ""

    @property
    def known_as(self) -> str:
        """The name by which the host's key is known (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""
        return self.alias or (self.address if self.port == _USUAL_PORT else f"[{self.address}]:{self.port}")


def configured(route: Route) -> Configured:
    """Ask ssh (ssh(1), -G)."""
    try:
        asking = ssh_arguments(route, "true")
        told = subprocess.run(  # noqa: S603 - an argument list, never a shell string
            [asking[0], "-G", *asking[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},
            timeout=_PATIENCE,
            check=False,
            start_new_session=True,
        )
    except (ConnectError, OSError, subprocess.TimeoutExpired):
        return Configured()  # what is wrong is told by the connection itself
    said = dict(line.partition(" ")[::2] for line in told.stdout.splitlines())
    meant = {name: value for name, value in said.items() if value != NONE}
    return Configured(
        address=meant.get("hostname", ""),
        port=meant.get("port", ""),
        alias=meant.get("hostkeyalias", ""),
        jump=meant.get("proxyjump", "").split(",")[0],
        command=meant.get("proxycommand", ""),
        known_hosts=meant.get("userknownhostsfile", "").partition(" ")[0].strip('"'),
    )
