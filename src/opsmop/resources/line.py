"""Single lines of files."""

from __future__ import annotations

import re

from opsmop.errors import FieldError, ProviderError
from opsmop.language.fields import field
from opsmop.language.secrets import Secret, revealed
from opsmop.resources.editing import AFTER, BEFORE, Edit, Editing, Lines


class Line(Editing):
    """A line that stands in a text file; or none such. Where `regexp` matches several lines, the last one becomes `text`.
    `after` and `before` say where a new line goes, and do not move one that is there.
    """

    name: str = field(kw_only=False, doc="the file, an absolute path of the target")
    text: str | Secret | None = field(kw_only=False, default=None, doc="the whole line, without its end")
    regexp: str | None = field(default=None, doc="a regular expression that finds the line as it was before")
    after: str | None = field(default=None, doc=AFTER)
    before: str | None = field(default=None, doc=BEFORE)
    backrefs: bool = field(default=False, doc=r"in `text`, \1 and \g<name> stand for what groups of `regexp` matched")
    first_match: bool = field(default=False, doc="of several lines that match `regexp`, or `after`, take the first")
    on_missing: str | None = field(
        default=None,
        choices=("append", "fail", "ignore"),
        doc="what to do where nothing matches: append, and ignore it with `backrefs`",
    )
    allow_mismatch: bool = field(default=False, doc="`regexp` need not match `text` (it finds a commented line, say)")
    absent: bool = field(default=False, doc="no line that matches `regexp`, or equals `text`, is to be there")

    patterns = ("regexp", "after", "before")

    def check(self) -> None:
        """Refuse what contradicts itself, and what would add a line at every run."""
        super().check()
        self.exclusive("after", "before")
        self.exclusive("absent", "backrefs")
        line = revealed(self.text)
        if line is None and not (self.absent and self.regexp):
            raise FieldError(f"{self}: no line is given", place=self.place)
        if self.absent and line is not None and self.regexp:
            raise FieldError(f"{self}: absent=True takes text= or regexp=, not both", place=self.place)
        if line is not None and "\n" in line:
            raise FieldError(f"{self}: text= holds several lines", place=self.place, remedy="Block keeps several.")
        if self.backrefs and not self.regexp:
            raise FieldError(f"{self}: backrefs=True needs regexp=", place=self.place)
        if self.backrefs and self.on_missing == "append":
            raise FieldError(f"{self}: with backrefs=True there is nothing to append", place=self.place)
        self._refuse_mismatch(line)

    def _refuse_mismatch(self, line: str | None) -> None:
        if not self.regexp or line is None or self.backrefs or self.allow_mismatch:
            return
        if not self.compiled("regexp", self.regexp).search(line):
            raise FieldError(
                f"{self}: regexp={self.regexp!r} does not match the line that it is to find again",
                place=self.place,
                remedy="Let it match both, as in '^#?Port '; or give allow_mismatch=True.",
            )


class EditLine(Edit, provides=Line):
    """In memory; the file is then written as a whole."""

    def edited(self, text: str) -> str:
        """See `Edit.edited`."""
        wanted, lines = self.resource, Lines(text)
        pattern = re.compile(wanted.regexp) if wanted.regexp else None
        if wanted.absent:
            lines.lines = [line for line in lines.lines if not self._goes(line, pattern)]
            return lines.text()
        found = [number for number, line in enumerate(lines.lines) if pattern and pattern.search(line)]
        if pattern and found:
            number = found[0] if wanted.first_match else found[-1]
            lines.lines[number] = self._new(lines.lines[number], pattern)
        elif wanted.backrefs or revealed(wanted.text) not in lines.lines:
            self._missing(lines)
        return lines.text()

    def _goes(self, line: str, pattern: re.Pattern[str] | None) -> bool:
        return bool(pattern.search(line)) if pattern else line == revealed(self.resource.text)

    def _new(self, old: str, pattern: re.Pattern[str]) -> str:
        line: str = revealed(self.resource.text)
        match = pattern.search(old)
        if not self.resource.backrefs or match is None:
            return line
        try:
            return match.expand(line)
        except (re.error, IndexError) as error:
            raise ProviderError(f"{self.resource}: text={line!r} names a group that regexp= lacks: {error}") from error

    def _missing(self, lines: Lines) -> None:
        wanted = self.resource
        instead = wanted.on_missing or ("ignore" if wanted.backrefs else "append")
        if instead == "fail":
            raise ProviderError(
                f"no line of {wanted.name} matches {wanted.regexp!r}"
                if wanted.regexp
                else f"{wanted.name} lacks the line",
                remedy="on_missing='ignore' leaves such a file as it is.",
            )
        if instead == "append":
            after, before = (re.compile(each) if each else None for each in (wanted.after, wanted.before))
            place = lines.place(after, before, first=wanted.first_match)
            lines.lines.insert(place, revealed(wanted.text))
