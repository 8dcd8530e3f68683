"""As which user, and until when, the machine acts."""

from __future__ import annotations

import os
import time

from opsmop.errors import ProviderError
from opsmop.target.machine.commands import Identity
from opsmop.target.machine.loading import load_as_itself, load_as_usual
from opsmop.target.machine.refusals import refusals
from opsmop.wire.lean import NOTHING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_SLICE = 0.2  # seconds after which a wait can be interrupted


class Acting:
    """Acts as the evaluating user, or for a while as another one.

    Another user is acted as by the effective user and group, with that user's own groups and no others (seteuid(2),
    initgroups(3)): the kernel itself decides what it may look at and write, and what it makes is its own. Its commands
    run with real and effective user alike, so that they cannot become root again. Only the real user stays root's, for
    the way back; no process of the other user can reach this one (kill(2), ptrace(2)).
    """

    as_user: str | None = None
    _own: tuple[int, int, list[int]] = (0, 0, [])  # effective user, group, and groups of the evaluating user
    _home_of_user = ""
    deadline: float | None = None

    def acting_as(self, name: str | None) -> AbstractContextManager[None]:
        """See `Machine.acting_as`."""
        return NOTHING if name == self.as_user else _ActingAs(self, name)

    def limited(self, deadline: float | None) -> AbstractContextManager[None]:
        """See `Machine.limited`."""
        return NOTHING if deadline is None else _Limited(self, deadline)

    def wait(self, seconds: float) -> None:
        """See `Machine.wait`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE))

    def home(self) -> str:
        """The home directory of the user who acts."""
        return self._home_of_user or os.environ.get("HOME") or os.path.expanduser("~")

    def _within(self, timeout: float | None) -> float | None:
        """How many seconds a command may take that asks for `timeout`."""
        if self.deadline is None:
            return timeout
        left = max(0.0, self.deadline - time.monotonic())
        return left if timeout is None else min(left, timeout)

    def _identity(self) -> Identity | None:
        """Whose a command's process is to be, if another user acts."""
        return Identity(os.geteuid(), os.getegid()) if self.as_user is not None else None

    def become(self, name: str | None) -> None:
        """Act as that user from now on, or as the evaluating one."""
        if name == self.as_user:
            return
        if self.as_user is not None:
            self._come_back()
        if name is not None:
            self._go(name)

    def _go(self, name: str) -> None:
        import pwd  # only where somebody else acts

        try:
            account = pwd.getpwnam(name)
        except KeyError:
            raise no_such_user(name) from None
        if account.pw_uid == os.geteuid():
            return
        if os.geteuid() != 0:
            raise ProviderError(f"only root may act as {name}", remedy="Let the role's sudo() return True.")
        load_as_itself(self)
        self._own = os.geteuid(), os.getegid(), os.getgroups()
        self.as_user, self._home_of_user = name, account.pw_dir
        try:
            with refusals("act as", name):
                os.initgroups(name, account.pw_gid)
                os.setegid(account.pw_gid)
                os.seteuid(account.pw_uid)
        except BaseException:
            self._come_back()
            raise

    def _come_back(self) -> None:
        user, group, groups = self._own
        os.seteuid(user)
        os.setegid(group)
        os.setgroups(groups)
        self.as_user, self._home_of_user = None, ""


class _ActingAs:
    def __init__(self, acting: Acting, name: str | None) -> None:
        self._acting, self._name = acting, name

    def __enter__(self) -> None:
        self._before = self._acting.as_user
        self._acting.become(self._name)

    def __exit__(self, *_: object) -> None:
        self._acting.become(self._before)
        if self._before is None:
            load_as_usual(self._acting)


class _Limited:
    def __init__(self, acting: Acting, deadline: float) -> None:
        self._acting, self._limit = acting, deadline

    def __enter__(self) -> None:
        self._before = self._acting.deadline
        self._acting.deadline = self._limit if self._before is None else min(self._before, self._limit)

    def __exit__(self, *_: object) -> None:
        self._acting.deadline = self._before


def no_such_user(name: str) -> ProviderError:
    """What says that run_as names nobody."""
    return ProviderError(
        f"there is no user {name!r} on this machine to act as", remedy="Make it before this with User."
    )
