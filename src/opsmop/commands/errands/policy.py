"""What ``opsmop run`` and ``opsmop facts`` push. It is run as a program is, so that its roles travel."""

from __future__ import annotations

import getpass
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from opsmop.facts import told
from opsmop.inventory import Inventory
from opsmop.language.evaluation import current
from opsmop.language.policy import Policy, Roles
from opsmop.language.role import Role
from opsmop.resources.shell import Shell


class Errand(Role):
    """Something to do on some hosts.

    :param hosts: which
    :param sudo: whether to become another user for it
    """

    def __init__(self, hosts: Inventory, *, sudo: bool = False) -> None:
        super().__init__()
        self._hosts, self._sudo = hosts, sudo

    def inventory(self) -> Inventory:
        return self._hosts

    def sudo(self) -> bool:
        return self._sudo


class Command(Errand):
    """Run one command.

    :param command: of the shell
    :param timeout: seconds after which it is ended; any time if None
    """

    def __init__(self, hosts: Inventory, command: str, *, timeout: float | None = None, sudo: bool = False) -> None:
        super().__init__(hosts, sudo=sudo)
        self._command, self._timeout = command, timeout

    def main(self) -> None:
        Shell(self._command, timeout=self._timeout)


class Facts(Errand):
    """Tell what is true of the host: name, value, and why there is none instead."""

    def main(self) -> Any:
        evaluation = current()
        known = list(told(evaluation.facts if evaluation else {}))
        return json.loads(json.dumps(known, default=str))


class Health(Errand):
    """Tell what ``opsmop doctor`` judges."""

    def main(self) -> Any:
        home = str(Path.home())
        return {
            "time": time.time(),
            "user": getpass.getuser(),
            "uid": os.geteuid(),
            "python": platform.python_version(),
            "executable": sys.executable,
            "home": home,
            "home_writable": os.access(home, os.W_OK),
            "reboot": Path("/run/reboot-required").exists(),
            "disks": disks_of(["/", "/var", "/tmp", home]),  # noqa: S108 - it is looked at only
        }


def disks_of(paths: list[str]) -> dict[str, dict[str, int]]:
    """What is free below each of `paths`, those of one file system once: statvfs(3)."""
    found, seen = {}, set()
    for path in paths:
        if Path(path).is_dir() and (device := Path(path).stat().st_dev) not in seen:
            seen.add(device)
            said = os.statvfs(path)
            found[path] = {
                "free": said.f_bavail * said.f_frsize,
                "size": said.f_blocks * said.f_frsize,
                "nodes": said.f_files,
                "nodes_free": said.f_favail,
            }
    return found


class Errands(Policy):
    """One of them.

    :param errand: which
    """

    def __init__(self, errand: Errand) -> None:
        super().__init__()
        self._errand = errand

    def set_roles(self) -> Roles:
        return Roles(self._errand)
