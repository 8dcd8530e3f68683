"""The disk image that an enforcing host stands on: one Debian system with SELinux's policy, labelled, built once."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from . import base, commands
from .apt import Mirror, machine_mirror
from .built import keep_built
from .login import make_key
from .places import FileLock, Places
from .releases import release_named

RELEASE = "bookworm"
PACKAGES = (
    f"{base.PACKAGES},linux-image-cloud-amd64,initramfs-tools,selinux-policy-default,policycoreutils,selinux-utils,"
    "cron,libpam-systemd,udev"
)
SIZE = "3G"  # of the file system; its file is sparse
MASKED = base.MASKED.replace(" tmp.mount", "")
NETWORK = "[Match]\nName=eth0\n\n[Network]\nAddress=10.0.2.15/24\n"  # the guest's address in QEMU's user network
SELINUX = "SELINUX=enforcing\nSELINUXTYPE=default\n"

# Runs in the new system, as root. setfiles(8) looks at /proc/self/fd; a kernel without SELinux keeps labels like any
# other attribute.
FINISH = """
set -e
useradd --create-home --shell /bin/bash --password '*' ops
useradd --create-home --shell /bin/bash --password '*' plain
echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops
chmod 440 /etc/sudoers.d/ops
for name in root ops plain; do
    home=$(getent passwd $name | cut -d: -f6)
    install -d -m 700 -o $name -g $name $home/.ssh
    install -m 600 -o $name -g $name /etc/ssh/fleet.pub $home/.ssh/authorized_keys
done
systemctl enable --quiet systemd-networkd
systemctl mask --quiet $MASKED
apt-get clean
ldconfig
touch /etc/.updated /var/.updated
mount -t proc proc /proc
setfiles -F -e /proc -e /sys -e /dev /etc/selinux/default/contexts/files/file_contexts /
umount /proc
"""


@dataclass(frozen=True)
class Image:
    """A complete image: the folder of its `disk`, `kernel`, `initrd` and keys, and the lock that keeps it."""

    folder: Path
    lock: FileLock = field(repr=False, compare=False)


def ensure_image(places: Places, progress: Callable[[str], None] = lambda _: None) -> Image:
    """Return the image, built if it is missing, which `progress` is told. The caller closes its lock.

    Raises FleetError.
    """
    mirror = machine_mirror()
    folder = places.bases / f"enforcing-{_recipe_digest(mirror)}"
    lock = keep_built(
        folder,
        lambda folder: _build(mirror, folder),
        lambda: progress(f"building the image of an enforcing host in {folder}"),
    )
    return Image(folder, lock)


def _recipe_digest(mirror: Mirror) -> str:
    month = datetime.now(UTC).strftime("%Y-%m")  # a mirror drops old packages
    recipe = [PACKAGES, SIZE, MASKED, NETWORK, SELINUX, FINISH, base.SSHD, base.STOP_SOON]
    recipe += [mirror.debian, mirror.settings, month]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]


def _build(mirror: Mirror, folder: Path) -> None:
    partial = folder.with_suffix(".partial")
    root = partial / "root"
    partial.mkdir(mode=0o700)
    make_key(partial / "key", "fleet")
    base.contained("debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, root, mirror.debian)
    _configure(mirror, partial, root)
    base.contained("chroot", root, "/bin/sh", "-c", FINISH.replace("$MASKED", MASKED))
    for name, pattern in (("kernel", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        shutil.copy(next((root / "boot").glob(pattern)), partial / name)
    shutil.copy(root / "etc/ssh/ssh_host_ed25519_key.pub", partial / "host.pub")
    commands.run("mke2fs", "-q", "-t", "ext4", "-d", root, partial / "disk", SIZE, timeout=base.BUILD_SECONDS)
    shutil.rmtree(root)
    partial.rename(folder)


def _configure(mirror: Mirror, partial: Path, root: Path) -> None:
    written = {
        "etc/apt/sources.list": mirror.sources_for(release_named(RELEASE)),
        "etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
        "etc/hostname": "enforcing1\n",
        "etc/hosts": "127.0.0.1 localhost enforcing1\n",
        "etc/selinux/config": SELINUX,
        "etc/ssh/sshd_config.d/50-fleet.conf": base.SSHD,
        "etc/ssh/fleet.pub": (partial / "key.pub").read_text(),
        "etc/systemd/network/10-fleet.network": NETWORK,
        "etc/systemd/system.conf.d/fleet.conf": base.STOP_SOON,
    }
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
