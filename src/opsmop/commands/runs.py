"""``opsmop runs``: the runs that are on record, the newest first."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

from opsmop.cli.options import add_form

if TYPE_CHECKING:
    from opsmop.events import RunStarted
    from opsmop.records.reading import Summary

_HEADINGS = ("RUN", "BEGAN", "DID", "POLICY", "HOSTS", "FAILED", "STATUS", "TOOK")
_RIGHT = {"HOSTS", "FAILED", "STATUS"}
_ERRANDS = f"{__file__.rpartition('/')[0]}/errands/"  # the policies that commands of ours push
_WIDEST = 40  # columns of what was typed


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("-n", "--number", type=_number, default=20, metavar="N", help="so many at most (20)")
    add_form(parser)


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
    found = [summary(path) for path in records(folder)[: given.number]]
    if given.form == "json":
        sys.stdout.write(json.dumps([_document(one) for one in found], indent=2) + "\n")
        return 0
    rows = [_row(one) for one in found]
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


def _document(one: Summary) -> dict[str, Any]:
    begun, ended = one.started, one.finished
    return {
        "run": one.name,
        "began": begun.ts,
        "mode": begun.mode,
        "reach": begun.reach,
        "policy": begun.policy,
        "command": list(begun.command),
        "hosts": one.hosts,
        "failed": one.failed,
        "exit_status": ended.exit_status if ended is not None else None,
        "duration": ended.duration if ended is not None else None,
    }


def _row(one: Summary) -> tuple[str, ...]:
    from opsmop.events.look import duration_text  # as above
    from opsmop.events.telling import cleaned  # as above

    begun, ended = cleaned(one.started), one.finished
    return (
        one.name,
        time.strftime("%Y-%m-%d %H:%M", time.localtime(begun.ts)),
        f"{begun.mode} {begun.reach}",
        _told(begun),
        str(one.hosts),
        str(one.failed),
        str(ended.exit_status) if ended is not None else "-",
        duration_text(ended.duration) if ended is not None else "not ended",
    )


def _told(begun: RunStarted) -> str:
    """The policy's file, or the command of ``opsmop run`` as it was typed."""
    if not begun.policy.startswith(_ERRANDS):
        return " ".join(begun.policy.rpartition("/")[2].split())
    typed = shlex.join(begun.command[1:]) or "run"
    return typed if len(typed) <= _WIDEST else f"{typed[: _WIDEST - 2]}.."
