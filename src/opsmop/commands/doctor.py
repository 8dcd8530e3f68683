"""``opsmop doctor HOST``: whether a host can be worked with; what is wrong with it, and how to mend that."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsmop.cli.options import add_connections, add_form
from opsmop.commands.targets import add_inventory, add_login

if TYPE_CHECKING:
    from opsmop.commands.findings import Finding
    from opsmop.inventory import Host, Inventory
    from opsmop.settings import Defaults

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("host", metavar="HOST", help="a host of the inventory, or user@address")
    add_inventory(parser)
    add_login(parser)
    add_connections(parser)
    add_form(parser)


def run(given: argparse.Namespace) -> int:
    """Look, and tell what was found.

    :returns: 1 if something is wrong, else 0
    :raises UsageError: if there is no such host
    """
    from opsmop.cli.settings import defaults_from, typed_passwords  # --help does without
    from opsmop.commands.targets import host_of  # as above

    defaults = defaults_from(given, Path.cwd())
    host, alone = host_of(given, defaults)
    if given.form != "json":
        sys.stdout.write(f"{host.name}\n")  # which may take its time
        sys.stdout.flush()
    examined = _Examined(host, alone, defaults, typed_passwords(given.ask or ()))
    found = examined.findings(must_become=given.sudo or bool(given.sudo_user))
    wrong = any(finding.grade == "wrong" for finding in found)
    if given.form == "json":
        document = {"host": host.name, "wrong": wrong, "findings": [finding._asdict() for finding in found]}
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return int(wrong)
    for finding in found:
        sys.stdout.write(f"  {_MARKS[finding.grade]}  {finding.what:<10}  {finding.said}\n")
        sys.stdout.writelines(f"{'':21}{line.strip()}\n" for line in finding.remedy.splitlines())
    return int(wrong)


class _Examined:
    """One host, looked at in one trip as who logs in, and one as who is become."""

    def __init__(self, host: Host, alone: Inventory, defaults: Defaults, passwords: dict[str, Any]) -> None:
        self._host, self._alone, self._defaults, self._passwords = host, alone, defaults, passwords

    def findings(self, *, must_become: bool) -> list[Finding]:
        """Everything that is to be told.

        :param must_become: whether it is wrong, and not only worth a note, if nobody else can be become
        """
        from opsmop.commands.answered import answered  # --help does without
        from opsmop.commands.findings import HEALTH, Finding, judged, unmet  # as above

        before = time.time()
        met = self._met(sudo=False)
        after = time.time()
        if met.failure is not None:
            return [unmet(met.failure)]
        value = answered(self._host.name, met.value, HEALTH)
        found = [
            Finding("ok", "login", f"as {value['user']} at {self._host.hostname()}"),
            Finding("ok", "Python", f"{value['python']} ({value['executable']})"),
        ]
        if value["uid"] or must_become:
            found.append(self._become("wrong" if must_become else "note"))
        return found + judged(value, before, after)

    def _become(self, grade: str) -> Finding:
        from opsmop.commands.findings import Finding  # as above

        failure = self._met(sudo=True).failure
        if failure is None:
            return Finding("ok", "sudo", f"becomes {self._defaults['sudo_username']}")
        return Finding(grade, "sudo", " ".join(failure.message.split()), failure.remedy)

    def _met(self, *, sudo: bool) -> Any:
        from opsmop.api import run as run_policy  # --help does without all of these
        from opsmop.commands.errands import errands
        from opsmop.settings import Settings

        made = errands()
        policy = made.Errands(made.Health(self._alone, sudo=sudo))
        unrecorded = self._defaults.overridden({"records_keep": ("doctor", 0)})
        settings = Settings(reach="push", typed_passwords=self._passwords, defaults=unrecorded)
        return run_policy(policy, settings, file=made.__file__).hosts[0]
