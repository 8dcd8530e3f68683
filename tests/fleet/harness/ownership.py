"""Which process a fleet belongs to, and the reaping of fleets whose process is gone.

A fleet's folder is named as its cgroup and as the prefix of its machine names, so that whoever finds it can take all
of it away.
"""

import os
import shutil
import uuid
from pathlib import Path

from .boots import end_processes, remove_cgroup
from .containers import cgroup_root, remove_leftovers
from .disk import unmount_below
from .network import remove_networks
from .places import Places, locked

OWNER = "owner"
PREFIX = "opsmop-fleet-"


def claim_folder(places: Places) -> Path:
    """Reap dead fleets, then make and return the folder of a new one that belongs to this process."""
    with locked(places.root / "lock"):
        for folder in places.fleets.iterdir():
            if not _is_owned(folder):
                remove(folder)
        folder = places.fleets / f"{PREFIX}{uuid.uuid4().hex[:8]}"
        folder.mkdir(mode=0o700)
        (folder / OWNER).write_text(_identity(os.getpid()))
    return folder


def remove(folder: Path) -> None:
    """Take a fleet away: its processes, cgroups, mounts and files. Doing it twice does no harm."""
    cgroup = cgroup_of(folder)
    end_processes(cgroup)
    remove_cgroup(cgroup)
    for root in folder.glob("*/root"):
        remove_leftovers(f"{folder.name}-{root.parent.name}", root)
    unmount_below(folder)
    remove_networks(folder)
    shutil.rmtree(folder, ignore_errors=True)


def cgroup_of(folder: Path) -> Path:
    """Return the cgroup of the fleet in that folder."""
    return cgroup_root() / folder.name


def running_hosts() -> int:
    """Count the running hosts of every fleet on this machine."""
    return len(list(cgroup_root().glob(f"{PREFIX}*/*/payload")))


def _is_owned(folder: Path) -> bool:
    try:
        owner = (folder / OWNER).read_text()
        return _identity(int(owner.split()[0])) == owner
    except (FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        return False


def _identity(process: int) -> str:
    """Return the process's number and what tells it from another that got the number later (proc(5): starttime)."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    status = Path(f"/proc/{process}/stat").read_text()
    started = status.rpartition(")")[2].split()[19]
    return f"{process} {started} {boot}\n"
