"""Writing to a stream whose reader may go, which may be full, and whose encoding may lack characters."""

from __future__ import annotations

import re
from typing import TextIO

from opsmop.report.look import forget_reader

# What a CI's runner does for whoever can write into the output of a step: GitHub's takes a line that begins with
# ``::word::``, after blanks, and anything behind ``##[`` (actions/runner, ActionCommand.cs); Azure's ``##vso[`` and
# TeamCity's ``##teamcity[`` likewise.
_OF_A_LINE = re.compile(r"^([^\S\n]*:)(?=:[A-Za-z-]+(?: [^\n]*)?::)", re.MULTILINE)
_ANYWHERE = re.compile(r"#(?=#\w*\[)")


def no_command(text: str) -> str:
    """`text`, for people, with a blank in what a CI would take for a command: hosts must not give it any."""
    return _ANYWHERE.sub("# ", _OF_A_LINE.sub(r"\1 ", text)) if "::" in text or "##" in text else text


def no_command_in_json(text: str) -> str:
    """JSON that says the same as `text` and holds no such command: it is no line's beginning that does harm there."""
    return _ANYWHERE.sub(r"\\u0023", text) if "##" in text else text


def no_command_in_xml(text: str) -> str:
    """XML that says the same as `text` and holds no such command."""
    return _ANYWHERE.sub("&#35;", _OF_A_LINE.sub(lambda found: f"{found[1][:-1]}&#58;", text))


class Pen:
    """Writes to a stream. Once that fails nothing more is written and nothing is raised: hosts are at work meanwhile.

    :ivar error: why not all was written, unless its reader went away, who wanted no more
    """

    def __init__(self, stream: TextIO) -> None:
        self.error: OSError | None = None
        self._stream: TextIO | None = stream

    def __call__(self, text: str) -> None:
        """Write `text`, and see that it arrives."""
        if self._stream is None:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except OSError as error:
            self.error = None if isinstance(error, BrokenPipeError) else error
            forget_reader(self._stream)
            self._stream = None
