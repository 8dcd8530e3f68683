"""The machine, as providers and facts see it: the one thing that touches the operating system.

Looks never change anything and work in check mode too. Effects change the machine; in check mode the machine is
simulated, and an effect changes only its model, which later looks answer from.
"""

from __future__ import annotations

from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, Callable, Protocol
else:
    Protocol = object  # what is written down of it is for type checkers


@dataclass(frozen=True)
class Status:
    """What stands at a path.

    :param kind: ``file``, ``directory``, ``link`` or ``other``
    :param mode: permission bits, with setuid, setgid and sticky (``0o7777``)
    :param owner: the owner's name, or its number as text where no account has it
    :param group: likewise
    :param size: bytes
    :param target: where a link points
    :param predicted: whether this is the model's answer and not the machine's
    """

    kind: str
    mode: int
    owner: str
    group: str
    size: int = 0
    target: str = ""
    predicted: bool = False


@dataclass(frozen=True)
class Content:
    """What a file is to contain, held by nobody: it comes in pieces when it is wanted.

    :param size: bytes
    :param digest: its sha256, in hexadecimal
    :param pieces: gives it, piece by piece, from its beginning
    """

    size: int
    digest: str
    pieces: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Completed:
    """A command that has ended.

    :param command: as it would be typed
    :param rc: its exit status; negative: the number of the signal that ended it
    :param stdout: what it printed there, its end if it was long; `stderr` likewise
    :param output: both, as they came
    :param timed_out: whether its time limit ended it
    :param known: False in check mode, where it did not run
    :param limit: the seconds that it was given, if it was
    :param cut: whether `stdout` is not all that it printed there
    """

    command: str
    rc: int | None
    stdout: str = ""
    stderr: str = ""
    output: str = ""
    timed_out: bool = False
    known: bool = True
    limit: float | None = None
    cut: bool = False


@dataclass(frozen=True)
class Account:
    """A user of the machine. `uid` and `gid` are None where only a plan knows of it."""

    name: str
    uid: int | None
    group: str
    home: str
    shell: str
    comment: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class AccountGroup:
    """A group of users. `gid` is None where only a plan knows of it."""

    name: str
    gid: int | None


@dataclass(frozen=True)
class Effect:
    """What a command will have done to the machine, declared by whoever runs it.

    :param kind: ``package``, ``service``, ``account``, ``group``, or a provider's own word
    :param name: of what
    :param value: what a look of that kind will find: for a service, say, its state; None if it will be gone
    :param brings: what else it may bring that nobody can know beforehand: ``anything`` (a command may do whatever it
        likes) or ``installation`` (a package: files under system directories, accounts, services, commands)
    """

    kind: str
    name: str
    value: Any = None
    brings: str = ""


class Machine(Protocol):
    """What a machine can be asked, and what can be done to it. Paths are absolute."""

    simulated: bool
    assuming: bool  # whether the effects that come now belong to a change that may turn out unnecessary
    assumptions: int  # how many looks so far could be answered only as things are now; 0 on a real machine

    # Looks

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        """What stands at `path`; None if nothing. `follow` looks through a link at its target."""

    def read(self, path: str) -> bytes:
        """The content of the file at `path`.

        :raises ProviderError: if it cannot be read
        """

    def digest(self, path: str) -> str:
        """The sha256 of the file at `path`, in hexadecimal.

        :raises ProviderError: if it cannot be read
        """

    def content(self, path: str) -> Content:
        """The content of the file at `path`, to be read piece by piece.

        :raises ProviderError: if it cannot be read
        """

    def listing(self, path: str) -> list[str]:
        """The names in the directory at `path`, sorted."""

    def label(self, path: str) -> str | None:
        """The SELinux label of what stands at `path`, a link's own; empty if it has none, None on a machine without.

        :raises ProviderError: if it cannot be looked at
        """

    def takes_label(self, label: str) -> bool:
        """Whether SELinux's policy knows that label, as far as can be found out before it is set."""

    def attributes(self, path: str) -> str:
        """The attributes of a file or directory, as letters of chattr(1), sorted; those that can be changed.

        :raises ProviderError: if its file system knows none
        """

    def mount_points(self, path: str) -> list[str]:
        """Where something is mounted, at `path` and beneath; bind mounts too."""

    def account(self, name: str | int) -> Account | None:
        """The account of that name, or of that number."""

    def account_group(self, name: str | int) -> AccountGroup | None:
        """The group of that name, or of that number."""

    def same_file(self, path: str, other: str) -> bool:
        """Whether two paths name one file (hard links of each other); a symbolic link is not followed."""

    def writable(self, path: str) -> bool:
        """Whether what stands at `path` may be written to: by this user, and on a file system that is not read-only."""

    def locked(self, path: str) -> bool:
        """Whether a process holds a lock of the file at `path`; not if nothing stands there."""

    def connects(self, host: str, port: int) -> bool:
        """Whether something on `host` accepts a connection on a TCP port, within a few seconds."""

    def which(self, command: str) -> str | None:
        """Where `command` is found, or None."""

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:
        """What is known of a thing of some `kind`: what planned effects predict of it, else what `real` finds."""

    def ask(
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: A002 - subprocess's word
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """Run a command that only looks; it runs in check mode too. `timeout` in seconds."""

    def real_user(self) -> str:
        """The name of the user as whom this is evaluated."""

    def acting_as(self, name: str | None) -> AbstractContextManager[None]:
        """Look, change and run commands as the user `name`; None: as the evaluating user.

        :raises ProviderError: if there is no such user, or the evaluating user may not do that
        """

    def limited(self, deadline: float | None) -> AbstractContextManager[None]:
        """End commands that still run at `deadline` (of the monotonic clock); None sets no limit."""

    def wait(self, seconds: float) -> None:
        """Let time pass, in check mode too."""

    def home(self) -> str:
        """The home directory of the user who acts."""

    def program(self, name: str) -> Sequence[str]:
        """The beginning of the argument list that runs one of our own programs (`opsmop.target.programs`)."""

    def uname(self) -> tuple[str, str, str, str, str]:
        """The kernel's name, the host's name, release, version and architecture."""

    def environment(self) -> dict[str, str]:
        """The environment variables of the evaluation."""

    def cpus(self) -> int:
        """How many processors may be used."""

    def default_address(self, version: int) -> str:
        """The address from which this machine reaches others, by IP `version` 4 or 6; empty if there is none."""

    def full_name(self) -> str:
        """The host's fully qualified name, as its resolver says it within a few seconds; otherwise its own name."""

    # Effects

    def write(
        self,
        path: str,
        content: bytes | Content,
        *,
        mode: int,
        owner: str | None,
        group: str | None,
        validate: str = "",
        label: str = "",
    ) -> None:
        """Put a file at `path`, atomically and durably. `mode` is complete; an `owner` or `group` of None stays.

        :param validate: a command of the shell, in which ``%s`` stands for the path of a temporary file that holds the
            content: it must succeed before the file takes its name; it runs in check mode too
        :param label: its SELinux label, of which parts that are unsaid stay; empty: the old file's, or the usual one
        :raises CommandFailed: if it does not
        """

    def make_link(self, path: str, target: str) -> None:
        """Put a symbolic link at `path`, in place of a file or link that is there, at once."""

    def make_hard_link(self, path: str, other: str) -> None:
        """Make `path` a further name of the file `other`, in place of a file or link that is there, at once."""

    def touch(self, path: str) -> None:
        """Set the times of what stands at `path` to now."""

    def make_directory(self, path: str, *, mode: int) -> None:
        """Make a directory, whose parent exists, with exactly `mode`."""

    def remove(self, path: str) -> None:
        """Remove a file or link."""

    def remove_directory(self, path: str) -> None:
        """Remove a directory that is empty."""

    def remove_tree(self, path: str) -> None:
        """Remove a directory and all in it; links in it are not followed."""

    def set_mode(self, path: str, mode: int) -> None:
        """Set the permission bits of what stands at `path`, never of a link's target."""

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        """Set owner and group of what stands at `path`, of a link itself; None stays."""

    def set_label(self, path: str, label: str) -> None:
        """Set the SELinux label of what stands at `path`, of a link itself; parts that are unsaid stay.

        :raises ProviderError: if the kernel refuses it
        """

    def set_attributes(self, path: str, letters: str) -> None:
        """Let a file or directory have these attributes (letters of chattr(1)), of those that can be changed, only.

        :raises ProviderError: if its file system does not know one of them
        """

    def run(
        self,
        argv: Sequence[str],
        *,
        effects: Sequence[Effect],
        input: bytes | None = None,  # noqa: A002 - subprocess's word
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
        grace: float = 0.0,
    ) -> Completed:
        """Run a command that changes the machine as `effects` declare; simulated, only the effects happen.

        `timeout` in seconds; the command's whole process group ends with it. What must not be ended in the middle gets
        `grace` more seconds, when its time is up and when the role is cancelled.
        """
