"""As which user, and until when, the machine acts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opsmop.errors import ProviderError
from opsmop.target.machine.commands import Identity
from opsmop.target.machine.loading import load_as_itself, load_as_usual
from opsmop.target.machine.refusals import refusals

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
    _deadline: float | None = None

    @contextmanager
    def acting_as(self, name: str | None) -> Iterator[None]:
        """See `Machine.acting_as`."""
        before = self.as_user
        self._become(name)
        try:
            yield
        finally:
            self._become(before)
            if before is None:
                load_as_usual(self)

    @contextmanager
    def limited(self, deadline: float | None) -> Iterator[None]:
        """See `Machine.limited`."""
        before = self._deadline
        limits = [limit for limit in (before, deadline) if limit is not None]
        self._deadline = min(limits, default=None)
        try:
            yield
        finally:
            self._deadline = before

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
        if self._deadline is None:
            return timeout
        left = max(0.0, self._deadline - time.monotonic())
        return left if timeout is None else min(left, timeout)

    def _identity(self) -> Identity | None:
        """Whose a command's process is to be, if another user acts."""
        return Identity(os.geteuid(), os.getegid()) if self.as_user is not None else None

    def _become(self, name: str | None) -> None:
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


def no_such_user(name: str) -> ProviderError:
    """What says that run_as names nobody."""
    return ProviderError(
        f"there is no user {name!r} on this machine to act as", remedy="Make it before this with User."
    )
