"""The ssh key that a user has to log in elsewhere: ssh-keygen(1)."""

from __future__ import annotations

from opsmop.errors import ProviderError
from opsmop.language.machine import Completed, Effect, Machine
from opsmop.language.provider import Change, succeeded
from opsmop.wire.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("ed25519", "ecdsa", "rsa")  # the first is made where none is named
_DIRECTORY_MODE = 0o700


class OwnKey:
    """The key of one user.

    :param name: the user's
    :param wanted: the kind of key; True: of the first kind, and only if there is none of any
    :param home: where the user's home will be
    """

    def __init__(self, machine: Machine, name: str, wanted: bool | str, home: str) -> None:
        self._machine, self._name = machine, name
        self._kinds = KINDS if wanted is True else (str(wanted),)
        self._directory = f"{home.rstrip('/')}/.ssh"
        self._path = f"{self._directory}/id_{self._kinds[0]}"

    def changes(self, seen: str, *, comes: bool) -> Iterator[Change]:
        """Make it if there is none; half of one counts too, so that nothing is overwritten.

        :param seen: the home as it is now, if it is to move
        :param comes: whether a home that is missing is going to be made
        :raises ProviderError: if it cannot be made
        """
        machine = self._machine
        if machine.look("ssh key", self._path, lambda: self._there(f"{seen.rstrip('/')}/.ssh")):
            return
        home = self._directory.rpartition("/")[0] or "/"
        if not comes and machine.status(home, follow=True) is None:
            raise ProviderError(
                f"{home}, the home of {self._name}, does not exist, and an ssh key goes there",
                remedy="Give create_home=True.",
            )
        if machine.which("ssh-keygen") is None:
            raise ProviderError(
                "there is no ssh-keygen on this machine, which makes ssh keys",
                remedy='Package("openssh-client") before this brings it (on some systems, "openssh").',
            )
        yield Change("make ssh key", self._make, after=self._path)

    def _there(self, directory: str) -> bool:
        paths = [f"{directory}/id_{kind}{ending}" for kind in self._kinds for ending in ("", ".pub")]
        return any(self._machine.status(path) is not None for path in paths)

    def _make(self) -> Completed:
        """As the user, whose directory it is: nobody can lead root elsewhere. What it tells is the public key."""
        machine = self._machine
        argv = ["ssh-keygen", "-q", "-t", self._kinds[0], "-N", "", "-f", self._path]
        with machine.acting_as(self._name):
            if machine.status(self._directory, follow=True) is None:
                machine.make_directory(self._directory, mode=_DIRECTORY_MODE)
            ended = machine.run(argv, effects=[Effect("ssh key", self._path, value=True)])
            succeeded(ended, f"making an ssh key for {self._name}")
            if not ended.known:
                return ended
            public = machine.read(f"{self._path}.pub").decode("utf-8", "replace").strip()
        return replace(ended, stdout=public, output=f"{public}\n")
