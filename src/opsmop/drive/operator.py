"""Who runs a policy."""

from __future__ import annotations

import getpass
import os


def operator() -> str:
    """The user and machine that run the policy, for people: ``ann@laptop``."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name: KeyError until Python 3.12, OSError from 3.13 on
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"
