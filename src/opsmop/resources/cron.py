"""What cron does at its times."""

from __future__ import annotations

import re

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.machine import Effect, Machine
from opsmop.language.provider import Change, Provider, succeeded
from opsmop.language.resource import Resource
from opsmop.resources.editing import Lines
from opsmop.wire.lean import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SPECIAL = ("reboot", "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# crontab(5): what each part of a time may hold.
_TIMES: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "minute": (0, 59, ()),
    "hour": (0, 23, ()),
    "day": (1, 31, ()),
    "month": (1, 12, _MONTHS),
    "weekday": (0, 7, _DAYS),
}
_DROP_INS = "/etc/cron.d"
_MARK = "# opsmop: "


class Cron(Resource):
    """Something that cron does at its times; or no such thing. It is found again by its name, which stands in a comment
    before it; the same line without one is taken over.
    """

    name: str = field(kw_only=False, doc="what it is called in the table")
    job: str | None = field(kw_only=False, default=None, doc="a command of the shell; % needs no backslash")
    minute: str | int = field(default="*", doc="0 to 59, '*/5', '0,30'")
    hour: str | int = field(default="*", doc="0 to 23")
    day: str | int = field(default="*", doc="of the month, 1 to 31")
    month: str | int = field(default="*", doc="1 to 12, or jan to dec")
    weekday: str | int = field(default="*", doc="0 (Sunday) to 7 (Sunday), or sun to sat")
    special: str | None = field(default=None, choices=_SPECIAL, doc="instead of a time")
    user: str | None = field(default=None, doc="as whom; the evaluating user if not given, and root in a file")
    kept_in: str | None = field(
        default=None, doc="the name of a file in /etc/cron.d; the user's own table if not given"
    )
    env: dict[str, str] | None = field(default=None, doc="environment variables of the job; cron's PATH is short")
    disabled: bool = field(default=False, doc="it stands there as a comment")
    absent: bool = field(default=False, doc="there is to be no such thing")

    def check(self) -> None:
        """Refuse what cron would not take, or would take for something else."""
        self.exclusive("job", "absent")
        if not (self.job or "").strip() and not self.absent:
            raise FieldError(f"{self}: no job is given", place=self.place)
        if "\n" in "".join((self.name, self.job or "", *(self.env or {}).values())):
            raise FieldError(f"{self}: a table of cron holds one line for each job", place=self.place)
        for name in self.env or {}:
            if not name.isidentifier():
                raise FieldError(f"{self}: the shell has no variable {name!r}", place=self.place)
        if self.user is not None and len(self.user.split()) != 1:
            raise FieldError(f"{self}: {self.user!r} is no name of a user", place=self.place)
        for name in _TIMES:
            self._check_time(name, str(getattr(self, name)))
        if self.special is not None and any(getattr(self, name) != "*" for name in _TIMES):
            raise FieldError(f"{self}: special={self.special!r} stands instead of a time", place=self.place)
        if self.kept_in is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", self.kept_in):
            raise FieldError(
                f"{self}: cron does not read a file of the name {self.kept_in!r}", place=self.place,
                remedy="In /etc/cron.d names have letters, digits, '_' and '-' alone (cron(8)).",
            )  # fmt: skip

    def _check_time(self, name: str, text: str) -> None:
        first, last, names = _TIMES[name]
        known = {each: number for number, each in enumerate(names, start=first)}
        for each in text.split(","):
            match = re.fullmatch(r"(\*|(\w+)(?:-(\w+))?)(?:/([1-9]\d*))?", each)
            ends = [word for word in (match.group(2), match.group(3)) if word] if match else []
            numbers = [known.get(word.lower(), int(word) if word.isdigit() else -1) for word in ends]
            if not match or not all(first <= number <= last for number in numbers):
                raise FieldError(
                    f"{self}: {name}={text!r} is no time of cron",
                    place=self.place,
                    remedy=f"{first} to {last}, or '*'.",
                )

    @property
    def entry(self) -> str:
        """Its line in the table."""
        when = f"@{self.special}" if self.special else " ".join(str(getattr(self, name)) for name in _TIMES)
        variables = "".join(f"export {name}={quoted(value)}; " for name, value in (self.env or {}).items())
        command = re.sub(r"(?<!\\)%", r"\%", f"{variables}{self.job}")  # crontab(5): a bare % is the end of a line
        who = f" {self.user or 'root'}" if self.kept_in is not None else ""
        return f"{'# ' if self.disabled else ''}{when}{who} {command}"


class Crontab(Provider, provides=Cron, short="cron"):
    """In a user's table by crontab(1), or in a file of /etc/cron.d."""

    needs = "cron"

    @classmethod
    def suits(cls, machine: Machine) -> bool:
        """Whether there is a cron."""
        return machine.which("crontab") is not None or machine.status(_DROP_INS) is not None

    def plan(self) -> Iterator[Change]:
        """One change of the table."""
        cron = self.resource
        old = self._table() if cron.kept_in is None else self._file()
        new = self._edited(old)
        if new == old:
            return
        name = "remove" if cron.absent else "replace" if _MARK + cron.name in old.split("\n") else "create"
        write = self._write_table if cron.kept_in is None else self._write_file
        yield Change(name, lambda: write(new), contents=(_bytes(old), _bytes(new)))

    def _edited(self, text: str) -> str:
        cron, lines = self.resource, Lines(text)
        mark = _MARK + cron.name
        found = [number for number, line in enumerate(lines.lines) if line == mark]
        if not found and not cron.absent and cron.entry in lines.lines:
            lines.lines.insert(lines.lines.index(cron.entry), mark)
            return lines.text()
        for number in reversed(found if cron.absent else found[1:]):
            del lines.lines[number : number + self._height(lines.lines, number)]
        if cron.absent:
            return lines.text()
        if found and not self._is_shared(lines.lines, found[0]):
            lines.lines[found[0] : found[0] + self._height(lines.lines, found[0])] = [mark, cron.entry]
        elif not found:
            lines.lines += [mark, cron.entry]
        return lines.text()

    def _is_shared(self, lines: list[str], number: int) -> bool:
        """Whether the entry has further names, which stand between the mark and it: a job is not there twice for that."""
        rest = [line for line in lines[number:] if not line.startswith(_MARK)]
        return self._height(lines, number) == 1 and rest[:1] == [self.resource.entry]

    @staticmethod
    def _height(lines: list[str], number: int) -> int:
        """How many lines belong to the mark: its own, and the entry after it."""
        return 1 if number + 1 == len(lines) or lines[number + 1].startswith(_MARK) else 2

    # A user's own table

    def _of(self) -> list[str]:
        """The options of crontab that name the user."""
        user = self.resource.user
        return [] if user is None or user == self.machine.real_user() else ["-u", user]

    def _refuse_nobody(self, user: str) -> None:
        if self.machine.account(user) is None:
            raise ProviderError(f"there is no user {user!r} on this machine", remedy="Make it before this.")

    def _whose(self) -> str:
        return str(self.resource.user or self.machine.real_user())

    def _table(self) -> str:
        self._refuse_nobody(self._whose())
        text: str = self.machine.look("crontab", self._whose(), self._listed)
        return text

    def _listed(self) -> str:
        completed = self.machine.ask(["crontab", *self._of(), "-l"])
        if completed.rc == 1 and "no crontab for" in completed.output:
            return ""
        return succeeded(completed, f"reading the table of {self._whose()}", whole=True).stdout

    def _write_table(self, text: str) -> None:
        effects = [Effect("crontab", self._whose(), text)]
        argv = ["crontab", *self._of(), "-" if text.strip() else "-r"]
        completed = self.machine.run(argv, effects=effects, input=_bytes(text) if text.strip() else None)
        succeeded(completed, str(self.resource))

    # A file of /etc/cron.d

    def _file(self) -> str:
        path = f"{_DROP_INS}/{self.resource.kept_in}"
        if self.resource.user is not None and not self.resource.absent:
            self._refuse_nobody(self.resource.user)  # cron(8) would leave the file out, and tell the log alone
        status = self.machine.status(path)
        if status is None:
            return ""
        if status.kind != "file":
            raise ProviderError(f"{path} is a {status.kind}, not a file")
        return self.machine.read(path).decode("utf-8", "surrogateescape")

    def _write_file(self, text: str) -> None:
        path = f"{_DROP_INS}/{self.resource.kept_in}"
        if not text.strip():
            self.machine.remove(path)
            return
        self.machine.write(
            path, _bytes(text), mode=0o644, owner=None, group=None
        )  # cron reads none that others may write


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
