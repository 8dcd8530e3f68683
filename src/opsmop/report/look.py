"""What a stream can show."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from opsmop.errors import UsageError
from opsmop.events.look import SIGNS

NARROWEST, WIDEST = 40, 200  # columns


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


def columns_of(stream: TextIO, environ: Mapping[str, str]) -> int:
    """How wide lines may be: as the terminal is or ``COLUMNS`` says; what goes elsewhere is cut as little as may be."""
    if stream.isatty() or environ.get("COLUMNS"):
        import shutil  # 2 ms, and only for a terminal

        return shutil.get_terminal_size().columns
    return WIDEST


def is_watched(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether somebody looks at `stream` while it is written, on a terminal on which lines can be replaced."""
    return stream.isatty() and environ.get("TERM") not in ("dumb", "", None) and not environ.get("CI")


def carries_signs(stream: TextIO) -> bool:
    """Whether the encoding of `stream` has all the signs, and the locale of a terminal does not say otherwise.

    Python writes UTF-8 also where the locale is explicitly ``C`` or ``POSIX`` (PEP 540), which a terminal may not show.
    """
    if stream.isatty() and _locale_said(os.environ) in ("C", "POSIX"):
        return False
    every = "".join(sign for sign, _ in SIGNS.values()) + "…"
    try:
        every.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _locale_said(environ: Mapping[str, str]) -> str:
    """The locale that the environment named when Python started, which then sets LC_CTYPE itself (PEP 538)."""
    names = ["LC_ALL", "LC_CTYPE", "LANG"]
    if environ.get("LC_CTYPE") in ("C.UTF-8", "C.utf8", "UTF-8") and environ.get("LANG") in ("C", "POSIX"):
        names.remove("LC_CTYPE")
    return next((value for name in names if (value := environ.get(name))), "")


def forget_reader(stream: TextIO) -> None:
    """Point `stream` at nothing, or Python's flush at exit would fail (the `signal` module's note on SIGPIPE)."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)
