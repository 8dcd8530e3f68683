"""Waiting."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource
from opsmop.language.secrets import MASK
from opsmop.resources.permissions import absolute

_HIGHEST_PORT = 65535
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
# The kernel's numbers of the states in which the other side may still say something: include/net/tcp_states.h.
_TALKING = frozenset(("01", "03", "04", "05", "08", "09"))


class WaitFor(Resource):
    """Waits on the target until a port is open, a file is there or says something, connections are gone, or a lock is
    free; and changes nothing. In check mode it looks once, and takes for granted that what is not so yet will be.
    """

    port: int | None = field(default=None, doc="a TCP port that is to accept connections from the target")
    host: str = field(default="127.0.0.1", doc="the host of that port, as the target reaches it")
    path: str | None = field(default=None, doc="a path at which something is to stand")
    regexp: str | None = field(default=None, doc="a regular expression that the file at `path` is to match somewhere")
    lock: str | None = field(
        default=None, doc="a lock file, such as dpkg's, which is never removed: until no process holds its lock"
    )
    drained: bool = field(default=False, doc="until nobody talks to the target on `port` any more")
    absent: bool = field(
        default=False, doc="until the port is closed, nothing is at `path`, or nothing matches `regexp`"
    )
    timeout: float | None = field(default=300.0, least=0, doc="seconds after which it fails; None waits for good")
    interval: float = field(default=1.0, least=0, doc="seconds between two looks")
    msg: str | None = field(default=None, doc="what the error says besides")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        self.exclusive("port", "path", "lock")
        self.exclusive("drained", "absent")
        if self.port is None and self.path is None and self.lock is None:
            raise FieldError("WaitFor: nothing says what for", place=self.place, remedy="Give port=, path= or lock=.")
        if (self.drained and self.port is None) or (self.regexp and self.path is None):
            raise FieldError(f"{self}: drained= goes with port=, regexp= with path=", place=self.place)
        if isinstance(self.port, int) and not 0 < self.port <= _HIGHEST_PORT:
            raise FieldError(f"{self}: port={self.port} is not between 1 and {_HIGHEST_PORT}", place=self.place)
        for path in (self.path, self.lock):
            if path is not None:
                absolute(self, path)
        if self.regexp is not None:
            self._refuse_no_expression(self.regexp)

    def _refuse_no_expression(self, pattern: str) -> None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise FieldError(
                f"{self}: regexp={pattern!r} is no regular expression: {error}", place=self.place
            ) from error

    @property
    def label(self) -> str:
        """What it waits for, in a few words."""
        if self.lock is not None:
            return f"the lock of {self.lock}"
        what = f"port {self.port} of {self.host}" if self.path is None else str(self.path)
        if self.drained:
            return f"{what} to be drained"
        matching = f" to match {MASK if self.sensitive else repr(self.regexp)}" if self.regexp else ""
        return f"{what}{matching}{' no more' if self.absent else ''}"


class Wait(Provider, provides=WaitFor):
    """Looks again and again."""

    def plan(self) -> Iterator[Change]:
        """Nothing to change, once it is so."""
        wanted, machine = self.resource, self.machine
        deadline = None if wanted.timeout is None else time.monotonic() + wanted.timeout
        while not self._holds():
            if machine.simulated:
                self.unsure = True
                break
            if deadline is not None and time.monotonic() >= deadline:
                raise ProviderError(f"{wanted}: not so after {wanted.timeout:g} s", remedy=wanted.msg or "")
            machine.wait(wanted.interval)
        return iter(())

    def _holds(self) -> bool:
        wanted, machine = self.resource, self.machine
        if wanted.lock is not None:
            return not machine.locked(wanted.lock)
        if wanted.drained:
            return not self._talking()
        if wanted.port is not None:
            return machine.connects(wanted.host, wanted.port) is not wanted.absent
        if wanted.regexp is not None:
            return self._matches() is not wanted.absent
        return (machine.status(wanted.path, follow=True) is not None) is not wanted.absent

    def _matches(self) -> bool:
        wanted, machine = self.resource, self.machine
        status = machine.status(wanted.path, follow=True)
        if status is None or status.kind == "directory":
            return False
        try:
            text = machine.read(wanted.path).decode("utf-8", "replace")
        except ProviderError:  # a log that is rotated goes between two looks
            if machine.status(wanted.path, follow=True) is None:
                return False
            raise
        return re.search(wanted.regexp, text, re.MULTILINE) is not None

    def _talking(self) -> bool:
        """Whether a connection to the port is open. Source: proc(5), ``/proc/net/tcp``."""
        port = f"{self.resource.port:04X}"
        for table in _TABLES:
            if self.machine.status(table) is None:
                continue
            for line in self.machine.read(table).decode("ascii", "replace").splitlines()[1:]:
                words = line.split()
                if words[1].rpartition(":")[2] == port and words[3] in _TALKING:
                    return True
        return False
