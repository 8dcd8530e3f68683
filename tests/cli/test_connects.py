"""How many connections are opening at a time is a setting, and what a run does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]

# In the place of a network: notes that a connection begins, and goes on once so many have begun.
RELAY = """\
import os, select, socket, sys, time
host, port, log, wanted = sys.argv[1:]
with open(log, "a") as file:
    file.write("+")
until = time.monotonic() + 15
while open(log).read().count("+") < int(wanted) and time.monotonic() < until:
    time.sleep(0.02)
server = socket.create_connection((host, int(port)))
ends = {0: server.fileno(), server.fileno(): 1}
while True:
    for source in select.select(list(ends), [], [])[0]:
        data = os.read(source, 65536)
        if not data:
            sys.exit()
        while data:
            data = data[os.write(ends[source], data):]
"""


@pytest.mark.parametrize(("connects", "begun"), [("1", "+-+-+-"), ("16", "+++---"), ("", "+++---")])
def test_so_many_connections_are_opening_at_a_time_as_the_setting_says(
    connects: str, begun: str, opsmop: Opsmop, three_hosts: Path, tmp_path: Path
) -> None:
    log, python = tmp_path / "log", tmp_path / "python"
    (tmp_path / "relay.py").write_text(RELAY)
    python.write_text(f'#!/bin/sh\nprintf - >> {log}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    text = three_hosts.read_text().replace('opsmop_python_path = "', f'opsmop_python_path = "{python}" # ')
    wanted = 1 if connects == "1" else 3
    command = f"ProxyCommand={sys.executable} {tmp_path}/relay.py %h %p {log} {wanted}"
    text = text.replace("opsmop_ssh_args = [", f"opsmop_ssh_args = ['-o', '{command}', ")
    three_hosts.write_text(text)
    more = {"OPSMOP_SSH_CONNECTS": connects} if connects else {}
    done = opsmop("run", "true", "-i", str(three_hosts), **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert log.read_text() == begun
