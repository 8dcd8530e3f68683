"""The machine itself."""

from __future__ import annotations

import os
import stat

from opsmop.errors import ProviderError
from opsmop.language.machine import Account, AccountGroup, Completed, Content, Effect, Status
from opsmop.language.provider import succeeded
from opsmop.target.machine import commands, contents, files, mounts
from opsmop.target.machine.acting import Acting
from opsmop.target.machine.linking import Linking
from opsmop.target.machine.names import Names
from opsmop.target.machine.refusals import REMEDIES, refusals
from opsmop.target.machine.surroundings import Surroundings
from opsmop.wire.lean import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Callable

_RESOLVER_SECONDS = 5.0


class RealMachine(Acting, Linking, Surroundings):
    """The machine that this runs on.

    :param command_started: is told the process group of each command that starts, and 0 when it has ended; and for
        how many seconds it is not to be ended
    """

    simulated = False
    assumptions = 0
    assuming = False

    def __init__(self, command_started: commands.Started = lambda *_: None) -> None:
        self._command_started = command_started
        self._names = Names()
        self._named: set[str] = set()  # directories in which files have taken names since `settle`
        self.say: Callable[[str], None] | None = None  # takes what a long command prints while it runs
        self.warn: Callable[[str], None] | None = None  # takes what somebody should know of what was done

    # Looks

    def status(self, path: str, *, follow: bool = False) -> Status | None:
        """See `Machine.status`."""
        try:
            found = os.stat(path) if follow else os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ProviderError(
                f"cannot look at {path}: {error.strerror}", remedy=REMEDIES.get(error.errno or 0, "")
            ) from error
        return Status(
            kind=_kind(found.st_mode),
            mode=stat.S_IMODE(found.st_mode),
            owner=self._owner_name(found.st_uid),
            group=self._group_name(found.st_gid),
            size=found.st_size,
            target=os.readlink(path) if stat.S_ISLNK(found.st_mode) else "",
        )

    def read(self, path: str) -> bytes:
        """See `Machine.read`."""
        with refusals("read", path), open(path, "rb") as file:
            return file.read()

    def digest(self, path: str) -> str:
        """See `Machine.digest`."""
        with refusals("read", path):
            return contents.file_digest(path)

    def content(self, path: str) -> Content:
        """See `Machine.content`."""
        with refusals("read", path):
            return contents.file_content(path)

    def listing(self, path: str) -> list[str]:
        """See `Machine.listing`."""
        with refusals("list", path):
            return sorted(os.listdir(path))

    def mount_points(self, path: str) -> list[str]:
        """See `Machine.mount_points`."""
        with refusals("look for mounts at", path):
            return mounts.points(path)

    def account(self, name: str | int) -> Account | None:
        """See `Machine.account`. Source: passwd(5), group(5), by way of the name service."""
        import grp  # with pwd; a role that names no owner pays for neither
        import pwd

        try:
            entry = pwd.getpwuid(int(name)) if str(name).isdigit() else pwd.getpwnam(str(name))
        except KeyError:
            return None
        groups = tuple(sorted(group.gr_name for group in grp.getgrall() if entry.pw_name in group.gr_mem))
        return Account(
            entry.pw_name,
            entry.pw_uid,
            self._group_name(entry.pw_gid),
            entry.pw_dir,
            entry.pw_shell,
            entry.pw_gecos,
            groups,
        )

    def account_group(self, name: str | int) -> AccountGroup | None:
        """See `Machine.account_group`."""
        import grp  # as above

        try:
            entry = grp.getgrgid(int(name)) if str(name).isdigit() else grp.getgrnam(str(name))
        except KeyError:
            return None
        return AccountGroup(entry.gr_name, entry.gr_gid)

    def which(self, command: str) -> str | None:
        """See `Machine.which`."""
        for directory in commands.search_path().split(":"):
            path = os.path.join(directory, command)
            if os.path.isfile(path) and os.access(path, os.X_OK, effective_ids=os.access in os.supports_effective_ids):
                return path
        return None

    def look(self, kind: str, name: str, real: Callable[[], Any]) -> Any:  # noqa: ARG002 - Machine's signature
        """See `Machine.look`."""
        return real()

    def ask(
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: A002 - subprocess's word
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        """See `Machine.ask`."""
        return self._run(argv, input=input, cwd=cwd, env=env, timeout=timeout)

    def real_user(self) -> str:
        """See `Machine.real_user`."""
        return self._owner_name(os.geteuid())

    def program(self, name: str) -> Sequence[str]:
        """See `Machine.program`."""
        import sys  # only where a program runs

        from opsmop.target import programs  # likewise

        with self.acting_as(None):  # it is the evaluating user's, who may be the only one to read it
            return sys.executable, "-I", "-S", "-c", programs.source(name)

    def full_name(self) -> str:
        """See `Machine.full_name`."""
        import sys  # only for this look

        # A resolver may hang for minutes; a process can be ended, a call of the C library cannot.
        program = "import socket; print(socket.getfqdn())"
        found = self.ask([sys.executable, "-I", "-S", "-c", program], timeout=_RESOLVER_SECONDS)
        return found.stdout.strip() or self.uname()[1]

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
        """See `Machine.write`."""
        uid, gid = self._numbers(owner, group)
        directory = os.path.dirname(path)
        with refusals("write", path) as held:
            in_place = files.replace(
                held, content, mode=mode, uid=uid, gid=gid, label=label,
                prove=lambda at: self.prove(validate, os.path.join(directory, os.path.basename(at))),
            )  # fmt: skip
        self._named.add(directory)
        if in_place and self.warn is not None:
            self.warn(
                f"something is mounted at {path}, so that it was written in place: others may have read a part of it"
            )

    def settle(self) -> None:
        """See that all that was written outlives a power cut, names too. Called before a role says that it has ended."""
        named, self._named = self._named, set()
        for directory in sorted(named):
            with refusals("sync", directory):
                files.sync_directory(directory)

    def prove(self, validate: str, path: str) -> None:
        """Let the command `validate`, in which ``%s`` stands for the path, say whether a content will do.

        :raises CommandFailed: if it will not
        """
        if validate:
            completed = self.ask(["/bin/sh", "-c", validate.replace("%s", quoted(path))], cwd="/")
            succeeded(completed, f"the check validate={validate!r} of the new content")

    def make_directory(self, path: str, *, mode: int) -> None:
        """See `Machine.make_directory`."""
        with refusals("make the directory", path) as held:
            os.mkdir(held, 0o700)
            files.set_mode(held, mode)

    def remove(self, path: str) -> None:
        """See `Machine.remove`."""
        with refusals("remove", path) as held:
            os.unlink(held)

    def remove_tree(self, path: str) -> None:
        """See `Machine.remove_tree`."""
        with refusals("remove", path) as held:
            files.remove_tree(held)

    def set_mode(self, path: str, mode: int) -> None:
        """See `Machine.set_mode`."""
        with refusals("set the mode of", path) as held:
            files.set_mode(held, mode)

    def set_owner(self, path: str, owner: str | None, group: str | None) -> None:
        """See `Machine.set_owner`. A change of owner drops setuid (chown(2)), so the mode is set again."""
        uid, gid = self._numbers(owner, group)
        with refusals("set the owner of", path) as held:
            before = os.lstat(held)
            os.chown(held, uid, gid, follow_symlinks=False)
            if before.st_mode & 0o6000 and not stat.S_ISLNK(before.st_mode):
                files.set_mode(held, stat.S_IMODE(before.st_mode))

    def run(
        self,
        argv: Sequence[str],
        *,
        effects: Sequence[Effect],  # noqa: ARG002 - they happen by themselves here
        input: bytes | None = None,  # noqa: A002 - subprocess's word
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
        grace: float = 0.0,
    ) -> Completed:
        """See `Machine.run`."""
        return self._run(argv, input=input, cwd=cwd, env=env, timeout=timeout, grace=grace, say=self.say)

    def _run(self, argv: Sequence[str], *, env: dict[str, str] | None, **options: Any) -> Completed:
        environment = {**commands.plain_environment(self.home(), self.real_user()), **(env or {})}
        options["timeout"] = self._within(options["timeout"])
        return commands.run(argv, env=environment, started=self._command_started, identity=self._identity(), **options)

    # Names and numbers

    def _owner_name(self, uid: int) -> str:
        return self._names.user(uid)

    def _group_name(self, gid: int) -> str:
        return self._names.group(gid)

    def _numbers(self, owner: str | None, group: str | None) -> tuple[int, int]:
        """The numbers of an owner and a group; -1 for one that stays."""
        entry = self.account_group(group) if group is not None else None
        return (
            _number(owner, _user_number(owner) if owner is not None else None, "user"),
            _number(group, entry.gid if entry else None, "group"),
        )


def _user_number(name: str) -> int | None:
    import pwd  # as above

    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _number(name: str | None, found: int | None, kind: str) -> int:
    if name is None:
        return -1
    if found is not None:
        return found
    if name.isdigit():
        return int(name)
    raise ProviderError(f"there is no {kind} {name!r} on this machine")


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"
