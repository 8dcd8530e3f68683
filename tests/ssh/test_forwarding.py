"""Whatever a user's own configuration of ssh forwards: hosts get nothing of it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from opsmop.transport.base import Route
from opsmop.transport.openssh import ssh_arguments

EVERYTHING = """
Host *
    ForwardAgent yes
    ForwardX11 yes
    ForwardX11Trusted yes
    LocalForward 127.0.0.1:4711 127.0.0.1:22
    RemoteForward 4711 127.0.0.1:22
    DynamicForward 4712
    PermitLocalCommand yes
    LocalCommand touch /tmp/owned
    RemoteCommand true
    UpdateHostKeys yes
    RequestTTY force
"""


def test_nothing_of_this_machine_is_forwarded_to_a_host(route: Route, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(EVERYTHING)
    words = ssh_arguments(replace(route, ssh_config=str(config), ssh_args=()), "true")
    said = subprocess.run([words[0], "-G", *words[1:]], capture_output=True, text=True, check=True).stdout
    known = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    wanted = dict.fromkeys(("forwardagent", "forwardx11", "permitlocalcommand", "updatehostkeys"), ("no", "false"))
    wanted |= {"clearallforwardings": ("yes",), "requesttty": ("no", "false")}
    assert {name: known[name] for name in wanted if known[name] not in wanted[name]} == {}
    assert known.get("remotecommand", "none") == "none"
    assert not {"localforward", "remoteforward", "dynamicforward"} & set(known)
