"""Writing to a stream whose reader may go, which may be full, and whose encoding may lack characters."""

from __future__ import annotations

from typing import TextIO

from opsmop.report.look import forget_reader


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
