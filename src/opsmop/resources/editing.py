"""Changing a part of a text file: what `Line`, `Block` and `Replace` have in common."""

from __future__ import annotations

import re

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.provider import Change, Provider
from opsmop.language.resource import Resource
from opsmop.resources.modes import mode_of
from opsmop.resources.permissions import absolute, group_name, owner_name, ownership_changes
from opsmop.resources.standing import followed
from opsmop.resources.writing import BACKUP, VALIDATE, put, refuse_validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_MODE = 0o644
_LARGEST = 64 * 1024 * 1024  # bytes; nobody edits more by lines
AFTER = "a regular expression: a new one comes after the last line that it matches; at the end if none does"
BEFORE = "a regular expression: a new one comes before the first line that it matches; at the end if none does"


class Editing(Resource):
    """A text file, a part of which is to be otherwise. What is not spoken of stays byte for byte."""

    create: bool = field(default=False, doc="make the file if it does not exist")
    owner: str | int | None = field(default=None, doc="the owner's name or number; stays if not given")
    group: str | int | None = field(default=None, doc="the group's name or number; stays if not given")
    mode: int | str | None = field(default=None, doc='permission bits, 0o644, "0644" or "u=rw,go=r"; stay if not given')
    validate: str | None = field(default=None, doc=VALIDATE)
    backup: bool = field(default=False, doc=BACKUP)
    follow: bool = field(default=False, doc="where a symbolic link stands, edit what it points at")

    patterns: tuple[str, ...] = ("after", "before")  # the parameters that are regular expressions

    def check(self) -> None:
        """Refuse what contradicts itself, and expressions that do not compile."""
        absolute(self, getattr(self, self.shown))
        refuse_validate(self, self.validate)
        self.bits = mode_of(self.mode, self)
        for name in self.patterns:
            pattern = getattr(self, name, None)
            if pattern is not None:
                self.compiled(name, pattern)

    def compiled(self, name: str, pattern: str) -> re.Pattern[str]:
        """A regular expression.

        :raises FieldError: if it is none
        """
        try:
            return re.compile(pattern, re.MULTILINE)
        except re.error as error:
            raise FieldError(
                f"{self}: {name}={pattern!r} is no regular expression: {error}", place=self.place,
                remedy="A backslash before a character takes it as it is.",
            ) from error  # fmt: skip


class Edit(Provider):
    """Edits in memory and writes the whole. A subclass says what the edit is, and when a missing file is none."""

    def plan(self) -> Iterator[Change]:
        """One change of the content if the edit changes something, and of owner and mode."""
        edit = self.resource
        path, status = followed(self.machine, edit.name, follow=edit.follow)
        if status is not None and status.kind != "file":
            raise ProviderError(f"{path} is a {status.kind}, not a file")
        if status is None and not self._may_be_missing(path):
            return
        if status is not None and status.size > _LARGEST:
            raise ProviderError(f"{path} has {status.size} bytes; {_LARGEST} are the most that is edited")
        owner, group = owner_name(edit.owner, self.machine), group_name(edit.group, self.machine)
        old = self.machine.read(path) if status is not None else b""
        new = self._edited_for_good(old.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        mode = status.mode if status is not None else _NEW_MODE
        bits = edit.bits.of(mode) if edit.bits else mode

        def make() -> None:
            put(
                self.machine, path, new, mode=bits, owner=owner, group=group,
                validate=edit.validate, backup=edit.backup,
            )  # fmt: skip

        if new != old or status is None:
            yield Change(_named(old, new, status is None), make, contents=(old, new))
        if status is not None:
            yield from ownership_changes(path, status, self.machine, owner, group, bits)

    def _may_be_missing(self, path: str) -> bool:
        """Whether a file that does not exist is to be made.

        :raises ProviderError: if it has to exist
        """
        if getattr(self.resource, "absent", False):
            return False
        if not self.resource.create:
            raise ProviderError(f"{path} does not exist", remedy="create=True makes it.")
        return True

    def _edited_for_good(self, text: str) -> str:
        """The edited text, which the same edit must leave as it is: otherwise every run would change it again."""
        new = self.edited(text)
        if self.edited(new) != new:
            raise ProviderError(
                f"{self.resource} would change its own result again at every run",
                remedy="Let the expression not match what is put in its place.",
            )
        return new

    def edited(self, text: str) -> str:
        """`text` as it is to be."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to edit")


def _named(old: bytes, new: bytes, created: bool) -> str:
    if created:
        return "create"
    lines = new.count(b"\n") - old.count(b"\n")
    return "replace" if not lines else "insert" if lines > 0 else "remove"


class Lines:
    """A text by its lines, which keeps the way that they end."""

    def __init__(self, text: str) -> None:
        crlf = text.count("\r\n")
        self._ending = "\r\n" if crlf and crlf == text.count("\n") else "\n"
        self._text = text
        self.lines = text.split(self._ending)
        if not self.lines[-1]:
            self.lines.pop()
        self._before = list(self.lines)

    def place(self, after: re.Pattern[str] | None, before: re.Pattern[str] | None, *, first: bool = False) -> int:
        """Where a new line goes: after the last that matches `after` (the first if asked), before the first of `before`."""
        found = [number for number, line in enumerate(self.lines) if (after or before) and _in(after or before, line)]
        if not found:
            return len(self.lines)
        return found[-1 if not first else 0] + 1 if after else found[0]

    def text(self) -> str:
        """The whole again; a last line without its end gets one only if something changed."""
        if self.lines == self._before:
            return self._text
        return "".join(line + self._ending for line in self.lines)


def _in(pattern: re.Pattern[str] | None, line: str) -> bool:
    return pattern is not None and pattern.search(line) is not None
