"""What a machine must have to boot a fleet."""

import os
import shutil
from pathlib import Path

from .errors import FleetError

INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_PER_HOST = 7  # counted on running hosts; systemd, dbus and logind hold them, and do not start without

PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "mke2fs": "e2fsprogs",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
}


def missing() -> list[str]:
    """Return what this machine lacks, each with its remedy; nothing when a fleet can boot.

    Linux, root, a mounted cgroup2, the overlay file system and the programs of a few Debian packages are needed.
    """
    lacks = []
    if not Path("/proc/self/mountinfo").exists():
        return ["Linux (hosts are Linux containers)"]
    if os.geteuid() != 0:
        lacks.append("root (mounts, containers): run the fleet's tests as root")
    packages = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if packages:
        lacks.append(f"Debian packages: apt-get install {' '.join(packages)}")
    if " cgroup2 " not in Path("/proc/self/mountinfo").read_text():
        lacks.append("a mounted cgroup2: mount -t cgroup2 cgroup2 /sys/fs/cgroup")
    return lacks


def refuse_too_many(hosts: int) -> None:
    """Raise FleetError when so many hosts, of all fleets together, would not find what they need in the kernel."""
    limit = int(INOTIFY_LIMIT.read_text())
    if hosts * INOTIFY_PER_HOST > limit:
        raise FleetError(
            f"{hosts} hosts need {hosts * INOTIFY_PER_HOST} inotify instances and this machine allows {limit}: "
            "boot fewer, or sysctl fs.inotify.max_user_instances=1024"
        )
