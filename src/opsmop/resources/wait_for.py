"""Waiting."""

from __future__ import annotations

import re
import time

from opsmop.errors import CommandFailed, FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.provider import Change, Provider, succeeded
from opsmop.language.resource import Resource
from opsmop.language.secrets import MASK, without_login
from opsmop.resources.answers import answer
from opsmop.resources.permissions import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HIGHEST_PORT = 65535
_WHAT = ("port", "path", "url", "journal", "lock")
_PATIENCE = 10.0  # seconds without a byte after which an address does not answer
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
# The kernel's numbers of the states in which the other side may still say something: include/net/tcp_states.h.
_TALKING = frozenset(("01", "03", "04", "05", "08", "09"))


class WaitFor(Resource):
    """Waits on the target until a port is open, a file is there or says something, an address answers, a service's
    journal says something, connections are gone, or a lock is free; and changes nothing. In check mode it looks once, and
    takes for granted that what is not so yet will be.
    """

    port: int | None = field(default=None, doc="a TCP port that is to accept connections from the target")
    host: str = field(default="127.0.0.1", doc="the host of that port, as the target reaches it")
    path: str | None = field(default=None, doc="a path at which something is to stand")
    url: str | None = field(default=None, doc="an address, http(s)://, that is to answer the target with success")
    journal: str | None = field(
        default=None, doc="a unit of systemd whose journal is to match `regexp`, since it was started last"
    )
    regexp: str | None = field(
        default=None, doc="a regular expression that the file, the answer or the journal is to match somewhere"
    )
    lock: str | None = field(
        default=None, doc="a lock file, such as dpkg's, which is never removed: until no process holds its lock"
    )
    drained: bool = field(default=False, doc="until nobody talks to the target on `port` any more")
    absent: bool = field(
        default=False,
        doc="until the port is closed, nothing is at `path`, the address does not answer so, or nothing matches `regexp`",
    )
    timeout: float | None = field(default=300.0, least=0, doc="seconds after which it fails; None waits for good")
    interval: float = field(default=1.0, least=0, doc="seconds between two looks")
    pause: float = field(
        default=0.0,
        least=0,
        doc="seconds before the first look, part of `timeout`; `delay` is what lies between two tries",
    )
    msg: str | None = field(default=None, doc="what the error says besides")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        self.exclusive(*_WHAT)
        self.exclusive("drained", "absent")
        if all(getattr(self, name) is None for name in _WHAT):
            raise FieldError(
                "WaitFor: nothing says what for",
                place=self.place,
                remedy=f"Give {', '.join(_WHAT[:-1])} or {_WHAT[-1]}.",
            )
        if (self.drained and self.port is None) or (self.regexp and (self.port is not None or self.lock is not None)):
            raise FieldError(
                f"{self}: drained= goes with port=, regexp= with path=, url= or journal=", place=self.place
            )
        if self.journal is not None and not self.regexp:
            raise FieldError(f"{self}: journal= goes with regexp=", place=self.place, remedy="What is it to say?")
        if isinstance(self.url, str) and not self.url.startswith(("http://", "https://")):
            raise FieldError(f"{self}: {self.url!r} is neither http:// nor https://", place=self.place)
        if isinstance(self.port, int) and not 0 < self.port <= _HIGHEST_PORT:
            raise FieldError(f"{self}: port={self.port} is not between 1 and {_HIGHEST_PORT}", place=self.place)
        if self.timeout is not None and self.pause > self.timeout:
            raise FieldError(
                f"{self}: pause={self.pause:g} is longer than timeout={self.timeout:g}, within which it looks",
                place=self.place,
            )
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
        what = self._what()
        if self.drained:
            return f"{what} to be drained"
        matching = f" to match {MASK if self.sensitive else repr(self.regexp)}" if self.regexp else ""
        return f"{what}{matching}{' no more' if self.absent else ''}"

    def _what(self) -> str:
        if self.url is not None:
            return without_login(self.url)
        if self.journal is not None:
            return f"the journal of {self.journal}"
        return f"port {self.port} of {self.host}" if self.path is None else str(self.path)


class Wait(Provider, provides=WaitFor):
    """Looks again and again."""

    _last = ""  # why it was not so, where that can be told

    def plan(self) -> Iterator[Change]:
        """Nothing to change, once it is so."""
        wanted, machine = self.resource, self.machine
        deadline = None if wanted.timeout is None else time.monotonic() + wanted.timeout
        if wanted.pause and not machine.simulated:  # nothing was done that would take its time
            machine.wait(wanted.pause)
        while not self._holds():
            if machine.simulated:
                self.unsure = True
                break
            if deadline is not None and time.monotonic() >= deadline:
                why = f": {self._last}" if self._last else ""
                raise ProviderError(f"{wanted}: not so after {wanted.timeout:g} s{why}", remedy=wanted.msg or "")
            machine.wait(wanted.interval)
        return iter(())

    def _holds(self) -> bool:
        wanted = self.resource
        if wanted.lock is not None:
            return not self.machine.locked(wanted.lock)
        if wanted.drained:
            return not self._talking()
        return self._is_there() is not wanted.absent

    def _is_there(self) -> bool:
        wanted, machine = self.resource, self.machine
        if wanted.port is not None:
            return machine.connects(wanted.host, wanted.port)
        if wanted.url is not None:
            return self._answers()
        if wanted.journal is not None:
            return self._says(self._journal())
        return self._matches() if wanted.regexp is not None else machine.status(wanted.path, follow=True) is not None

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
        return self._says(text)

    def _says(self, text: str) -> bool:
        return re.search(self.resource.regexp, text, re.MULTILINE) is not None

    def _answers(self) -> bool:
        """Whether the address answers with success, and with the text that is asked for."""
        wanted = self.resource
        asked = {"url": wanted.url, "headers": {}, "ca_file": "", "proxy": "", "timeout": _PATIENCE}
        try:
            said = answer(self.machine, "fetch", {**asked, "act": "text" if wanted.regexp else "look"})
        except ProviderError as error:
            if not isinstance(error, CommandFailed):  # else it was cut off because the time is over
                self._last = error.message
            return False
        return not wanted.regexp or self._says(said["text"])

    def _journal(self) -> str:
        """What the unit has said since it was started last. Source: systemd.journal-fields(7), the invocation."""
        unit = self.resource.journal
        shown = self.machine.ask(["systemctl", "show", "--value", "--property=InvocationID", "--", unit])
        invocation = succeeded(shown, f"asking systemd about {unit}").stdout.strip()
        if not invocation:  # it has not been started yet
            return ""
        either = [f"_SYSTEMD_INVOCATION_ID={invocation}", "+", f"INVOCATION_ID={invocation}"]
        asked = self.machine.ask(["journalctl", "--quiet", "--no-pager", "--output=cat", *either])
        return succeeded(asked, f"reading the journal of {unit}").stdout

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
