"""The defaults, as policies ask for them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from opsmop.settings.defaults import Defaults


class UserDefaults:
    """The defaults, for policies: ``UserDefaults.ssh_username()``. None stands for what nobody set."""

    @staticmethod
    def ssh_username() -> str | None:
        """The login's name."""
        return _set("ssh_username")

    @staticmethod
    def ssh_password() -> str | None:
        """The login's password."""
        return _set("ssh_password")

    @staticmethod
    def ssh_port() -> Any:
        """The port of sshd."""
        return _defaults()["ssh_port"] or None

    @staticmethod
    def ssh_key_file() -> str | None:
        """The private key's file."""
        return _set("ssh_key_file")

    @staticmethod
    def ssh_check_host_keys() -> str:
        """``yes``, ``no`` or ``accept-new``."""
        return str(_defaults()["ssh_check_host_keys"])

    @staticmethod
    def sudo_username() -> str:
        """Whom to become."""
        return str(_defaults()["sudo_username"])

    @staticmethod
    def sudo_password() -> str | None:
        """The password that becoming takes."""
        return _set("sudo_password")

    @staticmethod
    def python_path() -> str:
        """The path of Python 3 on a host."""
        return str(_defaults()["python_path"] or "/usr/bin/python3")


def _set(name: str) -> str | None:
    return str(_defaults()[name] or "") or None


def _defaults() -> Defaults:
    """Those that hold for the program that runs: a project's file stands beside it, or above."""
    from opsmop.settings.sources import usual  # the name UserDefaults is imported by every policy

    program = getattr(sys.modules.get("__main__"), "__file__", None)
    return usual(Path(program).absolute().parent if program else Path.cwd())
