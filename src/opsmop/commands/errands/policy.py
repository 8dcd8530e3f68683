"""What ``opsmop run`` and ``opsmop facts`` push. It is run as a program is, so that its roles travel."""

from __future__ import annotations

import json
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


class Errands(Policy):
    """One of them.

    :param errand: which
    """

    def __init__(self, errand: Errand) -> None:
        super().__init__()
        self._errand = errand

    def set_roles(self) -> Roles:
        return Roles(self._errand)
