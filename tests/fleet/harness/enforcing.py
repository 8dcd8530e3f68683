"""A host whose kernel enforces SELinux: a virtual machine, for containers have the kernel of the machine that runs them."""

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from . import commands, ownership
from .boots import Boot
from .errors import FleetError
from .fleet import Fleet
from .host import Host
from .image import RELEASE, Image, ensure_image
from .login import Login
from .places import Places
from .snapshot import Snapshot

NAME = "enforcing1"
# Emulated, never by KVM: where that exists and does not work, a guest dies in the midst of booting, which QEMU's own
# choice between the two does not see.
MACHINE = ["-accel", "tcg,thread=multi", "-cpu", "max", "-machine", "q35", "-smp", "2", "-m", "1024", "-no-reboot"]
KERNEL = "root=/dev/vda rw console=ttyS0 net.ifnames=0 security=selinux selinux=1 enforcing=1 audit=1"
LAUNCH = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"'  # $1 is the cgroup to join


class VirtualMachine(Boot):
    """One boot of an image's overlay: a QEMU process, which reaches nothing and is reached at one address.

    What the system had not yet written when it is halted is lost.
    """

    rebooted = os.EX_OK  # QEMU ends in order when the system reboots (-no-reboot) or halts

    def __init__(self, image: Path, overlay: Path, address: str, console: Path, cgroup: Path) -> None:
        self.console = console
        qemu = ["qemu-system-x86_64", *MACHINE, "-nodefaults", "-display", "none", "-serial", f"file:{console}"]
        qemu += ["-kernel", str(image / "kernel"), "-initrd", str(image / "initrd"), "-append", KERNEL]
        qemu += ["-drive", f"if=virtio,format=qcow2,file={overlay},cache=unsafe"]
        qemu += ["-netdev", f"user,id=net,restrict=on,hostfwd=tcp:{address}:22-:22", "-device", "virtio-rng-pci"]
        qemu += ["-device", "virtio-net-pci,netdev=net,romfile="]
        super().__init__(cgroup, [LAUNCH, "sh", str(cgroup), *qemu], console.with_suffix(".qemu"))

    def console_tail(self, lines: int = 30) -> str:
        """Return the last lines of QEMU's own output and of the console."""
        files = [path for path in (self.console.with_suffix(".qemu"), self.console) if path.exists()]
        return "\n".join(line for path in files for line in path.read_text(errors="replace").splitlines()[-lines:])


class EnforcingHost(Host):
    """A Debian system that enforces SELinux. Its disk cannot be seen from this machine."""

    boot_seconds = 300

    def boot(self) -> None:
        """Start booting, without waiting; the disk is a fresh overlay the first time."""
        if self.is_running():
            raise FleetError(f"{self.name} is running already")
        overlay = self._console.with_name("disk.qcow2")
        if not overlay.exists():
            options = ["-q", "-f", "qcow2", "-F", "raw", "-b", str(self._base / "disk")]
            commands.run("qemu-img", "create", *options, overlay)
        self._container = VirtualMachine(self._base, overlay, self.address, self._console, self._cgroup)

    def snapshot(self, ignore: Sequence[str] = ()) -> Snapshot:
        """Refuse: see the class."""
        raise FleetError(f"the disk of {self.name} is an image: look at it by `run`")


class EnforcingFleet(Fleet):
    """One host, `enforcing1`, whose kernel enforces SELinux; for the rest as a Fleet."""

    def __init__(self, *, progress: Callable[[str], None] = lambda _: None) -> None:
        super().__init__([RELEASE], progress=progress)

    def _boot(self, stack: ExitStack) -> None:
        places = Places.of_environment()
        image = ensure_image(places, self._progress)
        stack.callback(image.lock.close)
        folder = ownership.claim_folder(places)
        address = self._take_addresses(places, stack)[0]
        stack.callback(ownership.remove, folder)  # before the address is free again
        stack.callback(self._end_hosts)
        self._login = _login(folder, image, address)
        (folder / NAME).mkdir()
        cgroup = ownership.cgroup_of(folder) / NAME
        host = EnforcingHost(
            name=NAME,
            release=RELEASE,
            address=address,
            folder=folder / NAME,
            base=image.folder,
            cgroup=cgroup,
            login=self._login,
        )
        self.hosts = [host]
        host.start()


def _login(folder: Path, image: Image, address: str) -> Login:
    login = Login(folder)
    for name in ("key", "key.pub"):  # those that the image lets in
        shutil.copy(image.folder / name, folder / name)
    login.learn(address, (image.folder / "host.pub").read_text())
    return login
