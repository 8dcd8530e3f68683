"""``opsmop show RUN``: a run on record, told again, as fully and in whatever form one likes."""

from __future__ import annotations

import argparse
import os
import sys

from opsmop.cli.options import add_color


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument(
        "run", nargs="?", default="last", metavar="RUN", help="as opsmop runs names it, or a part of it"
    )
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="what was fine, too; twice: each host by itself"
    )
    parser.add_argument("--diff", action="store_true", help="how files differed, if the run was asked for that")
    parser.add_argument(
        "--output",
        choices=("console", "ndjson", "json", "junit", "github"),
        default="console",
        metavar="FORMAT",
        help="console, ndjson, json, junit or github",
    )
    add_color(parser)


def run(given: argparse.Namespace) -> int:
    """Tell it again.

    :raises UsageError: if there is no such run
    """
    from opsmop.records.reading import events_of, record_named  # --help does without
    from opsmop.report.outputs import Wishes, again  # as above
    from opsmop.settings.state import state_folder  # as above

    path = record_named(state_folder() / "runs", given.run)
    wishes = Wishes(given.output, given.verbose, given.diff, given.color or "auto")
    report = again(wishes, sys.stdout, os.environ)
    for event in events_of(path):
        report(event)
    if report.pen.error is not None:
        sys.stderr.write(f"opsmop: it could not be written: {report.pen.error.strerror}\n")
        return 1
    return 0
