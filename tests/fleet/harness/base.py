"""The bases that hosts stand on: one debootstrapped system per release, built once and never changed."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from . import commands
from .apt import Mirror, machine_mirror
from .built import keep_built
from .places import FileLock, Places
from .releases import Release, release_named

PACKAGES = "systemd,systemd-sysv,dbus,openssh-server,sudo,python3,iproute2,ca-certificates"
BUILD_SECONDS = 1800
AUTHORITIES = Path("/usr/local/share/ca-certificates")

# Units that slow a boot, or write by themselves while a test looks: periodic work, caches of the first boot, consoles.
MASKED = (
    "apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer "
    "systemd-tmpfiles-clean.timer logrotate.timer man-db.timer ldconfig.service systemd-hwdb-update.service "
    "systemd-journal-catalog-update.service systemd-firstboot.service systemd-update-done.service "
    "console-getty.service getty.target systemd-networkd-wait-online.service e2scrub_reap.service "
    # /tmp stays on the overlay, so that a snapshot sees what is left there
    "tmp.mount"
)

# Runs in the new system, as root. /etc/.updated and /var/.updated say that no cache waits for the first boot
# (systemd-update-done.service(8)).
FINISH = """
set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
useradd --create-home --shell /bin/bash --password '*' ops
useradd --create-home --shell /bin/bash --password '*' plain
echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/ops
chmod 440 /etc/sudoers.d/ops
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id
systemctl mask --quiet $MASKED
update-ca-certificates >/dev/null 2>&1
apt-get -qq update
apt-cache gencaches >/dev/null
apt-get clean
ldconfig
touch /etc/.updated /var/.updated
"""

SSHD = """UseDNS no
HostKey /etc/ssh/ssh_host_ed25519_key
MaxStartups 200
MaxSessions 50
"""

STOP_SOON = "[Manager]\nDefaultTimeoutStopSec=10s\n"


@dataclass(frozen=True)
class Base:
    """A complete base: its folder, and the shared lock that keeps it while somebody stands on it."""

    release: Release
    root: Path
    lock: FileLock = field(repr=False, compare=False)


def ensure_bases(
    names: Iterable[str], places: Places, progress: Callable[[str], None] = lambda _: None
) -> dict[str, Base]:
    """Return a base for each named release, building those that are missing, beside each other.

    `progress` is told when a base is being built, which takes minutes. Raises FleetError. The caller closes each
    base's lock when done with it.
    """
    releases = [release_named(name) for name in dict.fromkeys(names)]
    mirror = machine_mirror()
    with ThreadPoolExecutor(max_workers=max(1, len(releases))) as pool:
        bases = list(pool.map(lambda release: _ensure(release, mirror, places, progress), releases))
    return {base.release.name: base for base in bases}


def _ensure(release: Release, mirror: Mirror, places: Places, progress: Callable[[str], None]) -> Base:
    root = places.bases / f"{release.name}-{_recipe_digest(release, mirror)}"
    lock = keep_built(
        root,
        lambda root: _build(release, mirror, root),
        lambda: progress(f"building the base of {release.name} in {root}"),
    )
    return Base(release, root, lock)


def _recipe_digest(release: Release, mirror: Mirror) -> str:
    month = datetime.now(UTC).strftime("%Y-%m")  # a mirror drops old packages, so package lists must not grow old
    recipe = [PACKAGES, MASKED, FINISH, SSHD, STOP_SOON, release.sshd, mirror.debian, mirror.settings, month]
    recipe += [mirror.sources_for(release), *_authorities()]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]


def _authorities() -> list[str]:
    return [path.read_text() for path in sorted(AUTHORITIES.glob("*.crt"))]


def _build(release: Release, mirror: Mirror, root: Path) -> None:
    partial = root.with_suffix(".partial")
    contained("debootstrap", "--variant=minbase", f"--include={PACKAGES}", release.name, partial, mirror.debian)
    _configure(release, mirror, partial)
    contained("chroot", partial, "/bin/sh", "-c", FINISH.replace("$MASKED", MASKED))
    partial.rename(root)


def contained(*arguments: str | Path) -> None:
    """Run a program in its own namespaces: whatever it mounts or starts is gone when it ends, and it ends with us."""
    alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    commands.run(*alone, *arguments, timeout=BUILD_SECONDS)


def _configure(release: Release, mirror: Mirror, root: Path) -> None:
    written = {
        "etc/apt/sources.list": mirror.sources_for(release),
        "etc/apt/apt.conf.d/90fleet": mirror.settings + 'Acquire::Languages "none";\n',
        "etc/ssh/sshd_config.d/50-fleet.conf": SSHD + release.sshd,
        "etc/systemd/system.conf.d/fleet.conf": STOP_SOON,
        "etc/resolv.conf": Path("/etc/resolv.conf").read_text(),
    }
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for certificate in AUTHORITIES.glob("*.crt"):
        shutil.copy(certificate, root / "usr/local/share/ca-certificates")
