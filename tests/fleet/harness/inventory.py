"""The inventory of a fleet, as OpsMop reads it (TOML)."""

import json
from collections.abc import Mapping, Sequence

from .host import Host
from .login import Login

Value = str | int | float | bool


def text(hosts: Sequence[Host], login: Login, user: str, host_variables: Mapping[str, Value]) -> str:
    """Return the TOML text: a group per release, a group `fleet` of all, and how to log in as `user`."""
    releases = list(dict.fromkeys(host.release for host in hosts))
    blocks = [_release_block(name, hosts, host_variables) for name in releases]
    fleet = {
        "opsmop_ssh_username": user,
        "opsmop_ssh_key_file": str(login.key),
        "opsmop_ssh_args": " ".join(login.options),
    }
    blocks.append(f"[groups.fleet]\nchildren = {json.dumps(releases)}\n")
    blocks.append("[groups.fleet.vars]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in fleet.items()))
    return "\n".join(blocks)


def _release_block(release: str, hosts: Sequence[Host], host_variables: Mapping[str, Value]) -> str:
    lines = [f"[groups.{release}.hosts]"]
    for host in hosts:
        if host.release == release:
            values = {"opsmop_host": host.address, **host_variables}
            lines.append(f"{host.name} = {{ " + ", ".join(f"{k} = {_value(v)}" for k, v in values.items()) + " }")
    return "\n".join(lines) + "\n"


def _value(value: Value) -> str:
    # JSON's texts, numbers and booleans are TOML's too.
    return json.dumps(value)
