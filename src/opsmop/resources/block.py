"""Blocks of lines in files, between two lines that mark them."""

from __future__ import annotations

import re

from opsmop.errors import FieldError, ProviderError
from opsmop.language.evaluation import current
from opsmop.language.fields import field
from opsmop.language.secrets import Secret, revealed
from opsmop.resources.editing import AFTER, BEFORE, Edit, Editing, Lines


class Block(Editing):
    """Lines in a text file, between two lines that mark them; or none such. Each block of a file needs its own title."""

    name: str = field(kw_only=False, doc="the file, an absolute path of the target")
    block: str | Secret | None = field(kw_only=False, default=None, doc="the lines")
    title: str = field(default="opsmop", doc="tells this block from others of the same file; it stands in the marks")
    marker: str = field(
        default="# {mark} {title}",
        doc="the marks, as comments of the file; {mark} becomes BEGIN and END, as in '// {mark} {title}'",
    )
    indent: str = field(default="", doc="stands before each line, the marks too: spaces, for a block within YAML")
    after: str | None = field(default=None, doc=AFTER)
    before: str | None = field(default=None, doc=BEFORE)
    spaced: bool = field(default=False, doc="a new one is parted by blank lines from what is around it")
    absent: bool = field(default=False, doc="there is to be no such block, and no marks")

    def check(self) -> None:
        """Refuse what contradicts itself."""
        super().check()
        self.exclusive("after", "before")
        self.exclusive("block", "absent")
        if self.block is None and not self.absent:
            raise FieldError(f"{self}: no block is given", place=self.place)
        if "{mark}" not in self.marker or "\n" in self.marker + self.title:
            raise FieldError(f"{self}: marker= is one line with {{mark}} in it", place=self.place)
        if self.indent.strip():
            raise FieldError(f"{self}: indent={self.indent!r} is no blank space", place=self.place)
        marks = {self.mark("BEGIN"), self.mark("END")}
        if any(line.strip() in marks for line in str(revealed(self.block) or "").split("\n")):
            raise FieldError(f"{self}: the block holds its own mark", place=self.place, remedy="Give another title=.")

    def mark(self, which: str) -> str:
        """The line that marks where it begins or ends."""
        return self.marker.replace("{mark}", which).replace("{title}", self.title).strip()


class EditBlock(Edit, provides=Block):
    """In memory; the file is then written as a whole."""

    def edited(self, text: str) -> str:
        """See `Edit.edited`."""
        wanted, lines = self.resource, Lines(text)
        found = self._found(lines.lines)
        if wanted.absent:
            if found:
                del lines.lines[found[0] : found[1] + 1]
            return lines.text()
        self._refuse_second()
        new = self._new()
        if found:
            lines.lines[found[0] : found[1] + 1] = new
        else:
            after, before = (re.compile(each) if each else None for each in (wanted.after, wanted.before))
            place = lines.place(after, before)
            lines.lines[place:place] = self._spaced(new, lines.lines[:place], lines.lines[place:])
        return lines.text()

    def _new(self) -> list[str]:
        wanted = self.resource
        body = revealed(wanted.block)
        inside = body.rstrip("\n").split("\n") if body.strip("\n") else []
        indented = [wanted.indent + line if line else line for line in inside]
        return [wanted.indent + wanted.mark("BEGIN"), *indented, wanted.indent + wanted.mark("END")]

    def _spaced(self, new: list[str], above: list[str], beneath: list[str]) -> list[str]:
        if not self.resource.spaced:
            return new
        before = [""] if above and above[-1].strip() else []
        return [*before, *new, *([""] if beneath and beneath[0].strip() else [])]

    def _found(self, lines: list[str]) -> tuple[int, int] | None:
        """Where its marks stand.

        :raises ProviderError: if they are not one pair
        """
        begins, ends = (
            [number for number, line in enumerate(lines) if line.strip() == self.resource.mark(which)]
            for which in ("BEGIN", "END")
        )
        if not begins and not ends:
            return None
        if len(begins) == len(ends) == 1 and begins[0] < ends[0]:
            return begins[0], ends[0]
        where = ", ".join(str(number + 1) for number in sorted([*begins, *ends]))
        raise ProviderError(
            f"the marks of {self.resource.title!r} in {self.resource.name} are not one pair: lines {where}",
            remedy="Mend the file by hand; then this goes on.",
        )

    def _refuse_second(self) -> None:
        """Two blocks with the same marks would replace each other at every run.

        :raises ProviderError: if this role has another one
        """
        evaluation, wanted = current(), self.resource
        known = evaluation.remembered if evaluation is not None else {}
        text = revealed(wanted.block)
        if known.setdefault(f"block {wanted.mark('BEGIN')} of {wanted.name}", text) != text:
            raise ProviderError(
                f"this role has another block with the marks of {wanted.title!r} in {wanted.name}",
                remedy="Give each block its own title=.",
            )
