"""Who holds the locks of dpkg and apt."""

from __future__ import annotations

import re

from opsmop.errors import ProviderError
from opsmop.language.machine import Completed, Machine

LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
# What apt-get and dpkg of Debian 11 to 13 say; the last word of apt's line tells a missing right from a taken lock.
_TAKEN = re.compile(
    r"Could not get lock|Unable to lock|Unable to acquire the dpkg frontend lock"
    r"|(frontend|status database|dpkg database) lock (is|was) locked"
)
_NOT_ROOT = "are you root"
_HOLDER = re.compile(r"^\d+: (?:POSIX|OFDLCK|FLOCK)\s+\S+\s+WRITE\s+(\d+)\s", re.MULTILINE)


def taken(completed: Completed) -> bool:
    """Whether a command failed because another program holds a lock."""
    return bool(completed.rc) and bool(_TAKEN.search(completed.output)) and _NOT_ROOT not in completed.output


def holder(machine: Machine) -> str:
    """Who holds one of the locks, as ``process 812 (unattended-upgrade --verbose)``; empty if nobody can be seen.

    Source: proc(5), ``/proc/locks``: who holds any lock for writing; ``/proc/PID/fd``: whether it is one of these.
    """
    for number in dict.fromkeys(_HOLDER.findall(_text(machine, "/proc/locks"))):
        if any(path in LOCKS for path in _opened(machine, number)):
            command = _text(machine, f"/proc/{number}/cmdline").replace("\0", " ").strip()
            return f"process {number} ({command or 'unknown'})"
    return ""


def _opened(machine: Machine, number: str) -> list[str]:
    directory = f"/proc/{number}/fd"
    try:
        found = [machine.status(f"{directory}/{name}") for name in machine.listing(directory)]
    except (ProviderError, OSError):  # it has ended meanwhile, or is another user's
        return []
    return [status.target for status in found if status is not None]


def _text(machine: Machine, path: str) -> str:
    try:
        return machine.read(path).decode("utf-8", "replace")
    except ProviderError:  # as above
        return ""
