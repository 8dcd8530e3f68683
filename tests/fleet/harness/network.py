"""Networks of their own for hosts that reach each other only as a tree says: a namespace and one cable per host."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from . import commands
from .errors import CommandError, FleetError
from .places import FileLock

NAMESPACES = Path("/run/netns")  # ip-netns(8)
OUTSIDE = "eth0"


@dataclass(frozen=True)
class Cable:
    """A host's namespace, and the cable from it to the host before it, or to this machine.

    `address` is the host's end. `far` is the name of the other end, which is in the namespace `before`; empty for this
    machine.
    """

    namespace: str
    before: str
    address: str
    far: str
    lock: FileLock = field(repr=False, compare=False)

    @property
    def path(self) -> Path:
        """The namespace, as systemd-nspawn takes it."""
        return NAMESPACES / self.namespace

    @property
    def words(self) -> list[str]:
        """What stands before a command of this machine that is to reach the host."""
        return ["nsenter", f"--net={NAMESPACES / self.before}"] if self.before else []

    def carried(self) -> tuple[int, int]:
        """Return the bytes that went to the host, and those that came from it, since it was laid."""
        inside = ["-n", self.before] if self.before else []
        said = json.loads(commands.run("ip", *inside, "-s", "-j", "link", "show", "dev", self.far))[0]["stats64"]
        return int(said["tx"]["bytes"]), int(said["rx"]["bytes"])

    def cut(self) -> None:
        """Let nothing through any more, in silence."""
        inside = ["-n", self.before] if self.before else []
        commands.run("ip", *inside, "link", "set", self.far, "down")

    def mend(self) -> None:
        """Let everything through again."""
        inside = ["-n", self.before] if self.before else []
        commands.run("ip", *inside, "link", "set", self.far, "up")

    def close(self) -> None:
        """Take the namespace away, and the cable with it."""
        _remove(self.namespace)
        self.lock.close()


def lay(folder: Path, number: int, before: str, places: Path) -> Cable:
    """Make the namespace of host `number` of a fleet's folder, and a cable to the namespace `before`."""
    subnet, lock = _take_subnet(places)
    namespace = f"{folder.name}-{number}"
    far = f"o{folder.name[-8:]}{number}"  # 15 characters at most, of all namespaces different
    commands.run("ip", "netns", "add", namespace)
    commands.run("ip", "link", "add", far, "type", "veth", "peer", "name", OUTSIDE, "netns", namespace)
    inside = ["-n", before] if before else []
    if before:
        commands.run("ip", "link", "set", far, "netns", before)
    commands.run("ip", *inside, "address", "add", f"{subnet}.1/30", "dev", far)
    commands.run("ip", *inside, "link", "set", far, "up")
    commands.run("ip", "-n", namespace, "address", "add", f"{subnet}.2/30", "dev", OUTSIDE)
    for device in ("lo", OUTSIDE):
        commands.run("ip", "-n", namespace, "link", "set", device, "up")
    return Cable(namespace, before, f"{subnet}.2", far, lock)


def remove_networks(folder: Path) -> None:
    """Remove what is left of a fleet's namespaces."""
    for path in NAMESPACES.glob(f"{folder.name}-*"):
        _remove(path.name)


def _take_subnet(places: Path) -> tuple[str, FileLock]:
    for number in range(1, 255):
        text = f"10.99.{number}"
        lock = FileLock(places / text)
        if lock.try_take():
            return text, lock
        lock.close()
    raise FleetError("each of 10.99.1.0/30 to 10.99.254.0/30 is taken")


def _remove(namespace: str) -> None:
    with suppress(CommandError):
        commands.run("ip", "netns", "delete", namespace)
