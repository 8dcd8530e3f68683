"""``opsmop runs``: the runs that are on record, the newest first."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsmop.records.reading import Summary

_HEADINGS = ("RUN", "BEGAN", "DID", "POLICY", "HOSTS", "FAILED", "STATUS", "TOOK")
_RIGHT = {"HOSTS", "FAILED", "STATUS"}
_ERRANDS = f"{__file__.rpartition('/')[0]}/errands/"  # the policies that commands of ours push


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("-n", "--number", type=_number, default=20, metavar="N", help="so many at most (20)")


def _number(text: str) -> int:
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")


def run(given: argparse.Namespace) -> int:
    """List them.

    :raises UsageError: if a record cannot be read
    """
    from opsmop.records.reading import records, summary  # --help does without
    from opsmop.settings.state import state_folder  # as above

    folder = state_folder() / "runs"
    rows = [_row(summary(path)) for path in records(folder)[: given.number]]
    if not rows:
        sys.stderr.write(f"No runs are on record in {folder}.\n")
        return 0
    widths = [max(len(row[column]) for row in (_HEADINGS, *rows)) for column in range(len(_HEADINGS))]
    for row in (_HEADINGS, *rows):
        cells = [
            f"{cell:>{width}}" if heading in _RIGHT else f"{cell:<{width}}"
            for cell, width, heading in zip(row, widths, _HEADINGS, strict=True)
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    return 0


def _row(one: Summary) -> tuple[str, ...]:
    from opsmop.events.look import duration_text  # as above
    from opsmop.events.telling import cleaned  # as above

    begun, ended = cleaned(one.started), one.finished
    return (
        one.name,
        time.strftime("%Y-%m-%d %H:%M", time.localtime(begun.ts)),
        f"{begun.mode} {begun.reach}",
        _policy_told(begun.policy),
        str(one.hosts),
        str(one.failed),
        str(ended.exit_status) if ended is not None else "-",
        duration_text(ended.duration) if ended is not None else "not ended",
    )


def _policy_told(path: str) -> str:
    if path.startswith(_ERRANDS):
        return "(opsmop run)"
    return " ".join(path.rpartition("/")[2].split())
