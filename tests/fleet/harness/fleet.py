"""A fleet: hosts that boot together and leave nothing behind."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from . import disk, inventory, ownership
from .addresses import take_address
from .base import Base, ensure_bases
from .errors import FleetError
from .host import Host
from .interruption import termination_raises
from .login import Login
from .needs import missing, refuse_too_many
from .network import Cable, lay
from .places import Places
from .releases import release_named

BOOTING_AT_ONCE = 8


class Fleet:
    """Hosts of the named releases, one per name, booted on entry and gone on exit.

    `with Fleet(["bookworm", "bookworm", "trixie"]) as fleet:` has `fleet.hosts` in that order, named `bookworm1`,
    `bookworm2` and `trixie1`, `fleet.key` and `fleet.known_hosts` to log in with, and `fleet.inventory(...)`. Root, and
    the users `ops` (sudo without a password) and `plain` (no sudo), accept the key. Any number of fleets can run at
    once. `progress` is told of what takes minutes. Raises FleetError.

    With `behind`, each host has a network of its own, without a way to the world, and can be met only from the host whose
    number stands there for it, or from this machine for None: `Fleet(["trixie"] * 3, behind=[None, 0, 1])`. The users of a
    host know the keys of those behind it and are let in there.
    """

    def __init__(
        self,
        releases: Sequence[str],
        *,
        behind: Sequence[int | None] = (),
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.releases = [release_named(name).name for name in releases]
        self.hosts: list[Host] = []
        self._behind = behind
        self._progress = progress
        self._cleanup = ExitStack()

    @property
    def key(self) -> Path:
        """The private key that every login of the fleet accepts."""
        return self._login.key

    @property
    def known_hosts(self) -> Path:
        """The hosts' true keys, for ssh's UserKnownHostsFile."""
        return self._login.known_hosts

    def host(self, name: str) -> Host:
        """Return the host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise FleetError(f"no host is named {name!r}; there are {', '.join(host.name for host in self.hosts)}")

    def inventory(self, path: Path, user: str = "ops", **host_variables: inventory.Value) -> Path:
        """Write an inventory of all hosts to `path` and return it: a group per release, and `fleet` of all of them.

        OpsMop logs in as `user`; `host_variables` are set on every host.
        """
        path.write_text(inventory.text(self.hosts, self._login, user, host_variables))
        return path

    def ssh_command(self, host: Host, user: str = "root") -> list[str]:
        """Return the command that logs in to a host by hand."""
        return ["ssh", *self._login.options, "-i", str(self.key), f"{user}@{host.address}"]

    def __enter__(self) -> Self:
        lacks = missing()
        if lacks:
            raise FleetError("this machine cannot boot a fleet; it needs " + "; ".join(lacks))
        with ExitStack() as stack:
            stack.enter_context(termination_raises())
            self._boot(stack)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def _boot(self, stack: ExitStack) -> None:
        places = Places.of_environment()
        bases = ensure_bases(self.releases, places, self._progress)
        for base in bases.values():
            stack.callback(base.lock.close)
        folder = ownership.claim_folder(places)
        self._login = Login(folder)
        cables = self._lay_cables(folder, places, stack)
        addresses = [cable.address for cable in cables] or self._take_addresses(places, stack)
        stack.callback(ownership.remove, folder)  # before the addresses are free again
        stack.callback(self._end_hosts)
        self.hosts = self._make_hosts(folder, bases, addresses, cables)
        refuse_too_many(len(self.hosts) + ownership.running_hosts())
        neighbours = {host.name: host.address for host in self.hosts}
        # Personalised one by one (they share known_hosts), booted together.
        for host in self.hosts:
            disk.mount(host.root.parent, bases[host.release].root)
            disk.personalise(host.root, host.name, host.address, neighbours, self._login)
        for host in self.hosts:
            if host.cable is not None:
                disk.let_on(host.root, self._login, {other.address for other in self.hosts})
            host.boot()
        _all_at_once(Host.await_boot, self.hosts)

    def _take_addresses(self, places: Places, stack: ExitStack) -> list[str]:
        texts = []
        for _ in self.releases:
            address = take_address(places.addresses)
            stack.callback(address.close)
            texts.append(address.text)
        return texts

    def _lay_cables(self, folder: Path, places: Places, stack: ExitStack) -> list[Cable]:
        cables: list[Cable] = []
        for number, before in enumerate(self._behind):
            cable = lay(folder, number, cables[before].namespace if before is not None else "", places.addresses)
            stack.callback(cable.close)
            cables.append(cable)
        return cables

    def _make_hosts(
        self, folder: Path, bases: dict[str, Base], addresses: list[str], cables: Sequence[Cable | None]
    ) -> list[Host]:
        hosts = []
        given = zip(_names(self.releases), self.releases, addresses, cables or [None] * len(addresses), strict=True)
        for name, release, address, cable in given:
            host = Host(
                name=name,
                release=release,
                address=address,
                folder=folder / name,
                base=bases[release].root,
                cgroup=ownership.cgroup_of(folder) / name,
                login=self._login,
                cable=cable,
            )
            hosts.append(host)
        return hosts

    def _end_hosts(self) -> None:
        _all_at_once(Host.kill, [host for host in self.hosts if host.is_running()])


def _names(releases: Iterable[str]) -> list[str]:
    names: list[str] = []
    for release in releases:
        number = 1 + sum(name.startswith(release) for name in names)
        names.append(f"{release}{number}")
    return names


def _all_at_once(act: Callable[[Host], None], hosts: Sequence[Host]) -> None:
    if hosts:
        with ThreadPoolExecutor(max_workers=BOOTING_AT_ONCE) as pool:
            list(pool.map(act, hosts))
