"""Running programs of this machine."""

import os
import subprocess
from pathlib import Path

from .errors import CommandError


def tried(*arguments: str) -> str:
    """Run a program and return its output, whatever its status."""
    return subprocess.run(arguments, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout


def run(*arguments: str | Path, timeout: float = 60) -> str:
    """Run a program to its end and return its output; raise CommandError on a status other than 0.

    `timeout` is in seconds. Names and messages are in the C locale.
    """
    result = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},
    )
    if result.returncode:
        raise CommandError("this machine", result)
    return result.stdout
