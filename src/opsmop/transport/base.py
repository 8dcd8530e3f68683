"""How a role gets to a host and its events come back: what every transport promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from opsmop.events import Event
from opsmop.language.secrets import Secret
from opsmop.ship.bundle import Bundle
from opsmop.transport.files.arrivals import Arrivals
from opsmop.transport.files.depot import Depot
from opsmop.transport.files.opened import OpenFile
from opsmop.transport.files.rules import FileRules
from opsmop.transport.files.trees import Found
from opsmop.wire.order import Order
from opsmop.wire.records import dataclass, replace

Receive = Callable[[Event], None]


class Files(Protocol):
    """The files of the controller as one role on one host may have them.

    :ivar rules: which they are
    :ivar depot: what all hosts of the run have in common
    :ivar forbidden: is told of files that were asked for against the rules
    """

    rules: FileRules
    depot: Depot
    forbidden: Callable[[str], None]

    def open(self, name: str) -> OpenFile:
        """The file that the role names `name`.

        :raises FileRefusedError: if no rule serves it; if it does not exist or cannot be read
        """

    def walk(self, name: str, excludes: Sequence[str]) -> Iterator[Found]:
        """What is in the directory that the role names `name`, each directory before what is in that.

        :param excludes: patterns of what is left out
        :raises FileRefusedError: as `open`, also for something in it
        """

    def arrivals(self, host: str, *, writing: bool) -> Arrivals:
        """What the role may leave here.

        :param writing: whether it may leave something at all; only compared otherwise
        """

    def telling(self) -> AbstractContextManager[None]:
        """Tell whoever looks after the run of what is refused by a rule meanwhile."""


@dataclass(frozen=True)
class Route:
    """How to reach a host, as whom. Roles with equal routes share a connection.

    :param host: the host's name in the inventory, which errors and events name
    :param via: the host from which it is reached, where its address, key file and known hosts count; None for this machine
    :param address: what ssh is told to connect to; `host` if empty
    :param port: the ssh port; 0 for what ssh itself takes
    :param user: the login name; what ssh itself takes if empty
    :param key_file: the only private key to offer; what ssh itself takes if empty
    :param ssh_args: the user's own arguments of ssh, which win over ours
    :param ssh_config: the configuration file of ssh; the user's own if empty
    :param known_hosts: the file of known host keys; the user's own if empty
    :param check_host_keys: ``yes``, ``no`` or ``accept-new`` (ssh_config(5), StrictHostKeyChecking)
    :param python: the path of Python on the host; looked for there if empty
    :param become: whom to become after the login; None to stay the login user
    :param become_method: how: ``sudo``, ``su`` or ``doas``
    :param sudo_role: the role of SELinux that sudo is to give; its own choice if empty
    :param sudo_type: the type of SELinux that sudo is to give; the role's own if empty
    :param ssh_password: the login's password, if it has one
    :param sudo_password: the password that becoming takes
    :param local: a separate process on this machine instead of ssh
    :param connect_timeout: seconds until the login must stand, and Python without sudo
    :param sudo_timeout: seconds that sudo may take
    :param silence_timeout: seconds without a word from the host, after which it counts as lost
    :param role_timeout: seconds that one role may take on the host, without connecting; 0 for any time
    """

    host: str
    via: Route | None = None
    address: str = ""
    port: int = 0
    user: str = ""
    key_file: str = ""
    ssh_args: tuple[str, ...] = ()
    ssh_config: str = ""
    known_hosts: str = ""
    check_host_keys: str = "yes"
    python: str = ""
    become: str | None = None
    become_method: str = "sudo"
    sudo_role: str = ""
    sudo_type: str = ""
    ssh_password: Secret | None = None
    sudo_password: Secret | None = None
    local: bool = False
    connect_timeout: float = 30.0
    sudo_timeout: float = 30.0
    silence_timeout: float = 30.0
    role_timeout: float = 0.0

    @property
    def target(self) -> str:
        """What ssh is told to connect to."""
        return self.address or self.host

    @property
    def place(self) -> str:
        """The address and port, for people."""
        return f"{self.target} port {self.port}" if self.port else self.target

    @property
    def login(self) -> Route:
        """The route as far as the login: what is become there, and how long roles may take, is another matter."""
        stays = replace(self, become=None, sudo_password=None, become_method="sudo", sudo_role="", sudo_type="")
        return replace(stays, role_timeout=0.0)

    @property
    def selinux(self) -> tuple[str, ...]:
        """The options by which sudo gives a role and a type of SELinux (sudo(8))."""
        role = ("-r", self.sudo_role) if self.sudo_role else ()
        return (*role, "-t", self.sudo_type) if self.sudo_type else role


@dataclass(frozen=True)
class Traffic:
    """What one evaluation sent and received.

    :param sent: bytes to the host
    :param received: bytes from the host
    :param requests: files the host asked for that had not ridden along, each a round trip
    """

    sent: int = 0
    received: int = 0
    requests: int = 0


class Transport(Protocol):
    """A way of evaluating roles on hosts. `evaluate` is called from many threads at once."""

    def evaluate(self, route: Route, order: Order, packages: Bundle | None, receive: Receive, files: Files) -> Traffic:
        """Evaluate one role on one host; returns when it has ended there.

        :param route: how to reach the host
        :param order: what to evaluate
        :param packages: the packages that the role imports, or None
        :param receive: called with every event of the host, in this thread, as it comes
        :param files: what the role may have of the controller's files
        :raises ConnectError: if the host cannot be reached (`AuthenticationError`, `HostKeyError`)
        :raises SudoError: if the login works and becoming the other user does not
        :raises HostLostError: if the host went away, or silent, before the role ended, or the run was cancelled
        :raises ProtocolError: if it said something that is not the protocol
        """

    def cancel(self) -> None:
        """End what runs, cleanly, and start nothing more. Every wait wakes at once. Callable from any thread."""

    def close(self) -> None:
        """End every connection, at once; nothing is left behind, here or on the hosts. Callable from any thread."""
