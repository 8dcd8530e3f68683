"""Containers of systemd-nspawn, and what they leave behind."""

import os
from contextlib import suppress
from pathlib import Path

from .boots import Boot
from .errors import FleetError

NSPAWN = Path("/run/systemd/nspawn")

# $1 is the cgroup to join. The container then sees cgroup2 alone, as systemd 256 and newer demand, also where this
# machine mounts the old hierarchies; the mount is made in a private namespace that ends with the container.
LAUNCH = """
echo $$ > "$1/cgroup.procs" && shift
exec unshare --mount --propagation private sh -ec '
  umount -R -l /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  exec "$@"
' sh "$@"
"""


def cgroup_root() -> Path:
    """Return where cgroup2 is mounted here; raise FleetError when it is not."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        if words[words.index("-") + 1] == "cgroup2":
            return Path(words[4])
    raise FleetError("cgroup2 is not mounted; mount -t cgroup2 cgroup2 /sys/fs/cgroup")


class Container(Boot):
    """One boot of a host's root folder: a systemd-nspawn process and all that it runs."""

    rebooted = 133  # systemd-nspawn(1), --keep-unit

    def __init__(
        self, machine: str, hostname: str, root: Path, console: Path, cgroup: Path, network: Path | None = None
    ) -> None:
        self.machine = machine
        self.root = root
        self.console = console
        nspawn = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=read-only"]
        nspawn += ["--resolv-conf=off", "--timezone=off", "--link-journal=no", f"--directory={root}"]
        nspawn += [f"--machine={machine}", f"--hostname={hostname}"]
        if network is not None:
            nspawn += [f"--network-namespace-path={network}", "--capability=CAP_NET_ADMIN"]
        nspawn += ["systemd.show_status=1", "systemd.journald.forward_to_console=1"]  # words for the booted systemd
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"}
        if network is not None:  # its own settings of the kernel for it may be changed
            environment["SYSTEMD_NSPAWN_API_VFS_WRITABLE"] = "network"
        super().__init__(cgroup, [LAUNCH, "sh", str(cgroup), *nspawn], console, environment)

    def console_tail(self, lines: int = 30) -> str:
        """Return the last lines that the container wrote to its console."""
        return "\n".join(self.console.read_text(errors="replace").splitlines()[-lines:])

    def end(self) -> None:
        """See `Boot.end`."""
        super().end()
        remove_leftovers(self.machine, self.root)


def remove_leftovers(machine: str, root: Path) -> None:
    """Remove the empty folder and the lock file that a killed systemd-nspawn leaves behind; `root` is still mounted."""
    with suppress(FileNotFoundError):
        (NSPAWN / "propagate" / machine).rmdir()
    with suppress(FileNotFoundError):
        status = root.stat()
        (NSPAWN / "locks" / f"inode-{status.st_dev}:{status.st_ino}").unlink()
