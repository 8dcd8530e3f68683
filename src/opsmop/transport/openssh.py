"""The command line of the user's own ssh."""

from __future__ import annotations

import re

from opsmop.errors import ConnectError
from opsmop.transport.base import Route

# A name, an address (also IPv6 with a zone) or user@host; nothing that ssh or a ProxyCommand's shell reads otherwise.
_ADDRESS = re.compile(r"(?!-)[\w.:%@\[\]/+-]+")

# ssh_config(5). For each option ssh takes the first value that it meets, so what the user gave comes before these.
_OPTIONS = (
    "LogLevel=ERROR",
    "ControlMaster=no",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "UpdateHostKeys=no",
    "VisualHostKey=no",
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
)


def ssh_arguments(route: Route, command: str, *, shared: bool = False) -> list[str]:
    """The arguments that run `command` on the host of `route`.

    :param shared: whether other hosts are reached through this connection: none may fill our memory by what it packs
    :raises ConnectError: if the address is none
    """
    if not _ADDRESS.fullmatch(route.target):
        raise ConnectError(
            f"{route.host}: {route.target!r} is no address",
            host=route.host,
            remedy="Set opsmop_host to a name or address.",
        )
    options = [
        *_host_keys(route),
        *_authentication(route),
        *_OPTIONS,
        *(("Compression=no",) if shared else ()),
        f"ConnectTimeout={max(1, round(route.connect_timeout))}",
    ]
    # Of several -F ssh takes the last one, unlike with options.
    configuration = ["-F", route.ssh_config] if route.ssh_config else []
    login = [f"-p{route.port}"] if route.port else []
    login += [f"-l{route.user}"] if route.user else []
    login += [*_identity(route), "-oIdentitiesOnly=yes"] if route.key_file else []
    ours = [*login, *(f"-o{option}" for option in options)]
    return ["ssh", *configuration, *route.ssh_args, "-T", *ours, "--", route.target, command]


def _identity(route: Route) -> list[str]:
    # On a host on the way no shell of ours has read a tilde; -i would complain of it before it is understood.
    return [f'-oIdentityFile="{route.key_file}"'] if route.via is not None else ["-i", route.key_file]


def _authentication(route: Route) -> list[str]:
    if route.ssh_password is None:
        return ["BatchMode=yes"]
    # The agent's keys would use up the tries that the server allows (sshd_config(5), MaxAuthTries).
    key = "publickey," if route.key_file else ""
    methods = f"PreferredAuthentications={key}password,keyboard-interactive"
    return ["BatchMode=no", "NumberOfPasswordPrompts=1", methods]


def _host_keys(route: Route) -> list[str]:
    known = [f'UserKnownHostsFile="{route.known_hosts}"'] if route.known_hosts else []
    if route.check_host_keys == "no":
        known = ["UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null"]
    return [*known, f"StrictHostKeyChecking={route.check_host_keys}"]
