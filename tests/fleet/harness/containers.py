"""Containers of systemd-nspawn: start, halt, end, and the cgroup that knows their processes."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from .errors import FleetError

HALT_SECONDS = 30
REBOOTED = 133  # systemd-nspawn(1), --keep-unit
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


class Container:
    """One boot of a host's root folder: a systemd-nspawn process and all that it runs."""

    def __init__(
        self, machine: str, hostname: str, root: Path, console: Path, cgroup: Path, network: Path | None = None
    ) -> None:
        self.machine = machine
        self.root = root
        self.cgroup = cgroup
        self.console = console
        cgroup.mkdir(parents=True, exist_ok=True)
        nspawn = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=read-only"]
        nspawn += ["--resolv-conf=off", "--timezone=off", "--link-journal=no", f"--directory={root}"]
        nspawn += [f"--machine={machine}", f"--hostname={hostname}"]
        if network is not None:
            nspawn += [f"--network-namespace-path={network}", "--capability=CAP_NET_ADMIN"]
        nspawn += ["systemd.show_status=1", "systemd.journald.forward_to_console=1"]  # words for the booted systemd
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_NSPAWN_TMPFS_TMP": "0"}
        if network is not None:  # its own settings of the kernel for it may be changed
            environment["SYSTEMD_NSPAWN_API_VFS_WRITABLE"] = "network"
        with console.open("ab") as output:
            self._process = subprocess.Popen(
                ["sh", "-c", LAUNCH, "sh", str(cgroup), *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                # a Ctrl-C in the terminal is the fleet's to answer
                start_new_session=True,
            )

    def wants_reboot(self) -> bool:
        """Say whether the system has rebooted: systemd-nspawn then ends with a status of its own."""
        return self._process.poll() == REBOOTED

    def is_running(self) -> bool:
        return self._process.poll() is None

    def console_tail(self, lines: int = 30) -> str:
        """Return the last lines that the container wrote to its console."""
        return "\n".join(self.console.read_text(errors="replace").splitlines()[-lines:])

    def halt(self) -> None:
        """Shut the system down in order; after HALT_SECONDS end it."""
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(HALT_SECONDS)
        self.end()

    def end(self) -> None:
        """Take the power away: every process of the container is gone when this returns."""
        end_processes(self.cgroup)
        if self.is_running():  # not yet in the cgroup
            self._process.kill()
        self._process.wait()
        end_processes(self.cgroup)
        remove_cgroup(self.cgroup)
        remove_leftovers(self.machine, self.root)


def end_processes(cgroup: Path, seconds: float = 20) -> None:
    """Kill each process of a cgroup of ours by its number, until none is left; raise FleetError after `seconds`.

    A killed systemd-nspawn leaves its container running, so the cgroup is what knows all of them.
    """
    deadline = time.monotonic() + seconds
    while numbers := _processes(cgroup):
        if time.monotonic() > deadline:
            raise FleetError(f"processes {numbers} of {cgroup} do not end, though killed")
        for number in numbers:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.02)


def remove_cgroup(cgroup: Path) -> None:
    """Remove a cgroup without processes, and those in it."""
    for folder, _, _ in os.walk(cgroup, topdown=False):
        with suppress(FileNotFoundError):
            Path(folder).rmdir()


def remove_leftovers(machine: str, root: Path) -> None:
    """Remove the empty folder and the lock file that a killed systemd-nspawn leaves behind; `root` is still mounted."""
    with suppress(FileNotFoundError):
        (NSPAWN / "propagate" / machine).rmdir()
    with suppress(FileNotFoundError):
        status = root.stat()
        (NSPAWN / "locks" / f"inode-{status.st_dev}:{status.st_ino}").unlink()


def _processes(cgroup: Path) -> list[int]:
    numbers: list[int] = []
    for path in cgroup.rglob("cgroup.procs"):
        with suppress(FileNotFoundError, OSError):  # a cgroup that was removed while it was read
            numbers += [int(line) for line in path.read_text().split()]
    return sorted(set(numbers) - {0})  # 0 stands for a process of another namespace: never ours
