"""Every error that OpsMop raises.

    OpsMopError
    ├─ UsageError                       the command line or a setting is wrong
    ├─ PolicyError                      the policy is wrong
    │  ├─ FieldError                    a resource's parameter
    │  ├─ TemplateError                 a template, or a name that it uses
    │  └─ ShipError                     something that cannot travel to a target
    ├─ InventoryError                   the inventory is wrong
    ├─ TransportError                   a host could not be worked with
    │  ├─ ConnectError                  it could not be reached
    │  │  ├─ AuthenticationError
    │  │  ├─ ViaError                   a host on the way to it
    │  │  └─ HostKeyError
    │  ├─ SudoError                     the login works, becoming another user does not
    │  ├─ HostBusyError                 another run is at work on it
    │  ├─ HostLostError                 it went away, or silent, in the middle
    │  ├─ RoleTimeoutError              it took longer for a role than the run allows
    │  └─ ProtocolError                 it said something that is not the protocol
    ├─ ProviderError                    a resource failed; policy code may catch this
    │  ├─ CommandFailed
    │  ├─ NoProviderError
    │  ├─ FileRefusedError
    │  └─ NotConvergedError
    └─ HostsFailed                      raised once, at the end of a run

A message names the thing, the place and the remedy.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class OpsMopError(Exception):
    """The root of the tree.

    :param message: what is wrong, naming the thing
    :param place: where: ``file:line`` of the policy, or a file's path
    :param remedy: what to do about it
    """

    def __init__(self, message: str, *, place: str = "", remedy: str = "") -> None:
        self.message = message
        self.place = place
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        placed = f"{self.place}: {self.message}" if self.place else self.message
        return f"{placed}\n  {self.remedy}" if self.remedy else placed


class UsageError(OpsMopError):
    """The command line or a setting is wrong; nothing ran."""


class PolicyError(OpsMopError):
    """The policy is wrong."""


class FieldError(PolicyError):
    """A resource was given a parameter that it does not have, or a value that the parameter cannot take."""


class TemplateError(PolicyError):
    """A template does not parse, or uses a name that nothing defines."""


class ShipError(PolicyError):
    """Something that the role needs on its targets cannot travel there.

    :param also: what else of the role cannot
    """

    def __init__(self, message: str, *, place: str = "", remedy: str = "", also: tuple[ShipError, ...] = ()) -> None:
        self.also = also
        super().__init__(message, place=place, remedy=remedy)


class InventoryError(OpsMopError):
    """The inventory cannot be read or says something impossible."""


class TransportError(OpsMopError):
    """A host could not be worked with.

    :param host: its name in the inventory
    :ivar spent: bytes sent to it, bytes received, and files that it asked for, in the conversation that ended like this
    :ivar password_refused: whether it refused a password, which must not be told again
    """

    def __init__(self, message: str, *, host: str = "", place: str = "", remedy: str = "") -> None:
        self.host = host
        self.spent = (0, 0, 0)
        self.password_refused = False
        super().__init__(message, place=place, remedy=remedy)


class ConnectError(TransportError):
    """The host could not be reached."""


class AuthenticationError(ConnectError):
    """The host refused the login."""


class ViaError(ConnectError):
    """A host on the way cannot be worked with."""


class HostKeyError(ConnectError):
    """The host's key is unknown or not the one that is known."""


class SudoError(TransportError):
    """The login works, becoming the other user does not."""


class HostBusyError(TransportError):
    """Another run is at work on the host."""


class HostLostError(TransportError):
    """The host went away, or silent, before the role ended."""


class RoleTimeoutError(TransportError):
    """A role took longer on the host than the run allows, and was ended there."""


class ProtocolError(TransportError):
    """The host said something that is not the protocol."""


class ProviderError(OpsMopError):
    """A resource failed. Policy code may catch this.

    :param resource: the resource that failed, once it is known
    """

    def __init__(self, message: str, *, resource: Any = None, place: str = "", remedy: str = "") -> None:
        self.resource = resource
        super().__init__(message, place=place, remedy=remedy)


class CommandFailed(ProviderError):  # noqa: N818 - the field's word for it
    """A command ended with a status that means failure, or was ended because of its time limit.

    :param command: the command as it would be typed
    :param rc: its exit status; None if a signal or the time limit ended it
    :param output: what it printed, stdout and stderr as they came
    :param completed: the whole outcome (`opsmop.language.machine.Completed`)
    """

    def __init__(
        self,
        message: str,
        *,
        command: str = "",
        rc: int | None = None,
        output: str = "",
        completed: Any = None,
        resource: Any = None,
        remedy: str = "",
    ) -> None:
        self.completed = completed
        self.command = command
        self.rc = rc
        self.output = output
        super().__init__(message, resource=resource, remedy=remedy)


class NoProviderError(ProviderError):
    """No way of making this type of resource suits the host."""


class FileRefusedError(ProviderError):
    """A file of the controller that the role's rules do not serve, or that does not exist."""


class NotConvergedError(ProviderError):
    """A change was made without an error, and looking again shows that it is still needed."""


class HostsFailed(OpsMopError):  # noqa: N818 - the plural says it
    """Some hosts failed.

    :param hosts: their names
    """

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts
        super().__init__(f"{len(hosts)} host(s) failed: {', '.join(hosts)}")
