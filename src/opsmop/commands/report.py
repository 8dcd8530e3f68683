"""``opsmop report RUN -o run.html``: a run on record as one page for a browser, which needs nothing else."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from pathlib import Path


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument(
        "run", nargs="?", default="last", metavar="RUN", help="as opsmop runs names it, or a part of it"
    )
    parser.add_argument(
        "-o", "--output-file", default="", metavar="FILE", help="where to; - for stdout; RUN.html if not given"
    )


def run(given: argparse.Namespace) -> int:
    """Write it.

    :raises UsageError: if there is no such run, or the file cannot be written
    """
    from opsmop.errors import UsageError  # --help does without all of these
    from opsmop.records.reading import events_of, record_named
    from opsmop.report.page import page
    from opsmop.settings.state import state_folder

    path = record_named(state_folder() / "runs", given.run)
    text = page(events_of(path), path.stem)
    if given.output_file == "-":
        sys.stdout.write(text)
        return 0
    file = Path(given.output_file or f"{path.stem}.html")
    try:
        _write(file, text)
    except OSError as error:
        raise UsageError(f"the page cannot be written: {error.strerror}", place=str(file)) from None
    sys.stdout.write(f"{file}\n")
    return 0


def _write(file: Path, text: str) -> None:
    """Write a page that nobody else may read: it shows what is in files, and what commands printed.

    :raises OSError: if it cannot be written
    """
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as stream:
        if stat.S_ISREG(os.fstat(number).st_mode):  # and no device or pipe
            os.fchmod(number, 0o600)
            os.ftruncate(number, 0)
        stream.write(text)
