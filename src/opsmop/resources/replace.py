"""What a regular expression finds in files, and what is to stand there."""

from __future__ import annotations

import re

from opsmop.errors import ProviderError
from opsmop.language.fields import field
from opsmop.language.secrets import Secret, revealed
from opsmop.resources.editing import Edit, Editing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Replace(Editing):
    """Everything in a text file that a regular expression matches is to be something else. ``^`` and ``$`` match at every
    line. What would match again in its own result is refused, for it would change the file at every run.
    """

    name: str = field(kw_only=False, doc="the file, an absolute path of the target")
    regexp: str = field(kw_only=False, doc="a regular expression")
    replacement: str | Secret = field(
        kw_only=False, doc=r"what stands there instead; \1 and \g<name> stand for what groups matched"
    )
    after: str | None = field(default=None, doc="a regular expression: only what follows its first match is looked at")
    before: str | None = field(
        default=None, doc="a regular expression: only what comes before its first match (after `after`) is looked at"
    )

    patterns = ("regexp", "after", "before")
    elsewhere: ClassVar[dict[str, str]] = {
        "count": "It would take the next ones at each run: after= and before= say which are meant."
    }


class EditMatches(Edit, provides=Replace):
    """In memory; the file is then written as a whole."""

    def edited(self, text: str) -> str:
        """See `Edit.edited`. Lines that end as those of Windows do end at ``$`` too, unless something asks for their ends."""
        wanted = self.resource
        asked = any("\r" in part or "\\r" in part for part in (wanted.regexp, wanted.after or "", wanted.before or ""))
        if asked or not 0 < text.count("\n") == text.count("\r\n"):
            return self._replaced(text)
        return self._replaced(text.replace("\r\n", "\n")).replace("\n", "\r\n")

    def _replaced(self, text: str) -> str:
        wanted = self.resource
        start, end = self._part(text)
        try:
            new = re.sub(wanted.regexp, revealed(wanted.replacement), text[start:end], flags=re.MULTILINE)
        except (re.error, IndexError) as error:
            raise ProviderError(f"{wanted}: the replacement cannot be made: {error}") from error
        return text[:start] + new + text[end:]

    def _part(self, text: str) -> tuple[int, int]:
        """What is looked at; nothing if `after` or `before` matches nowhere."""
        wanted, start, end = self.resource, 0, len(text)
        if wanted.after:
            found = re.compile(wanted.after, re.MULTILINE).search(text)
            if found is None:
                return end, end
            start = found.end()
        if wanted.before:
            found = re.compile(wanted.before, re.MULTILINE).search(text, start)
            if found is None:
                return end, end
            end = found.start()
        return start, end
