"""Real hosts for tests: Debian systems with systemd and sshd, each a container on its own overlay.

`Fleet(["bookworm", "bullseye"])` boots hosts and takes them away again; `snapshot` and `difference` prove what
changed on one; `missing()` says what this machine lacks to boot any.
"""

from .enforcing import EnforcingFleet
from .errors import CommandError, FleetError
from .fleet import Fleet
from .host import Host
from .needs import missing
from .releases import RELEASES
from .snapshot import Entry, Snapshot, difference

__all__ = [
    "RELEASES",
    "CommandError",
    "EnforcingFleet",
    "Entry",
    "Fleet",
    "FleetError",
    "Host",
    "Snapshot",
    "difference",
    "missing",
]
