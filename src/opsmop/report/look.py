"""How text looks on a stream: signs, colours, what fits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from opsmop.errors import UsageError

NARROWEST, WIDEST = 40, 200  # columns

# One sign for each word that can begin a line: as Unicode has it, and for streams that cannot carry that.
_SIGNS = {
    "ok": ("✓", "."),
    "done": ("✓", "."),
    "changed": ("~", "~"),
    "assumed": ("?", "?"),
    "ran": ("$", "$"),
    "skipped": ("-", "-"),
    "failed": ("✗", "x"),
    "unreachable": ("✗", "x"),
    "lost": ("✗", "x"),
    "cancelled": ("✗", "x"),
    "not contacted": ("-", "-"),
    "ignored": ("!", "!"),
    "warning": ("!", "!"),
    "says": (">", ">"),
    "prints": (">", ">"),
}
# SGR parameters (ECMA-48, section 8.3.117): 1 bold, 2 faint, 31 red, 32 green, 33 yellow, 35 magenta, 36 cyan.
_STYLES = {
    "ok": "32",
    "done": "32",
    "changed": "33",
    "assumed": "35",
    "ran": "36",
    "skipped": "2",
    "failed": "1;31",
    "unreachable": "1;31",
    "lost": "1;31",
    "cancelled": "31",
    "not contacted": "2",
    "ignored": "35",
    "warning": "35",
    "says": "36",
    "prints": "2",
    "heading": "1",
    "faint": "2",
    "added": "32",
    "removed": "31",
}


def tell_color(mode: str, stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether to colour what goes to `stream`.

    :param mode: what ``--color`` says: ``always``, ``never`` or ``auto``
    :param environ: the environment; under ``auto``, ``NO_COLOR`` (no-color.org) wins over ``FORCE_COLOR``
        (force-color.org), and either counts if it is set and not empty
    :raises UsageError: for another mode
    """
    if mode in ("always", "never"):
        return mode == "always"
    if mode != "auto":
        raise UsageError(f"--color {mode} is not known", remedy="Say auto, always or never.")
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def carries_signs(stream: TextIO) -> bool:
    """Whether the encoding of `stream` has all the signs."""
    every = "".join(sign for sign, _ in _SIGNS.values()) + "…"
    try:
        every.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@dataclass(frozen=True)
class Look:
    """A stream's abilities.

    :param width: columns
    :param color: whether it shows colours
    :param signs: whether it can carry Unicode signs
    """

    width: int
    color: bool
    signs: bool

    def sign(self, kind: str) -> str:
        """The sign that stands before a line of `kind`."""
        return _SIGNS[kind][0 if self.signs else 1]

    def paint(self, text: str, kind: str) -> str:
        """`text` in the colour of `kind`, if there are colours."""
        return f"\x1b[{_STYLES[kind]}m{text}\x1b[0m" if self.color and text else text

    def cut(self, text: str, room: int) -> str:
        """`text` on one line of at most `room` columns: its middle goes, for names differ at both ends."""
        text = " ".join(text.split())
        if len(text) <= room:
            return text
        gap = "…" if self.signs else ".."
        kept = max(room - len(gap), 2)
        tail = kept // 2
        return text[: kept - tail] + gap + text[len(text) - tail :]


def duration_text(seconds: float) -> str:
    """A duration as people say it: ``3.2 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if seconds < 59.95:  # noqa: PLR2004 - what rounds to a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def forget_reader(stream: TextIO) -> None:
    """Point `stream` at nothing, or Python's flush at exit would fail (the `signal` module's note on SIGPIPE)."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)
