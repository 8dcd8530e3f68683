"""``opsmop config``: each setting, its value, and where that was said."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from opsmop.cli.options import add_form
from opsmop.errors import UsageError

_MASK = "********"


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("settings", nargs="*", metavar="NAME", help="only these settings: ssh_username")
    parser.add_argument("--set", action="store_true", help="only what somebody has set")
    add_form(parser, "console, or json for programs, with what each setting means")


def run(given: argparse.Namespace) -> int:
    """Show the settings that hold in the current folder.

    :raises UsageError: if there is no setting of a name, or a file of settings is wrong
    """
    from opsmop.inventory.tree import close  # --help does without
    from opsmop.settings.defaults import DEFAULTS  # as above
    from opsmop.settings.sources import usual  # as above

    for name in given.settings:
        if name not in DEFAULTS:
            raise UsageError(f"there is no setting {name!r}", remedy=close(name, DEFAULTS))
    defaults = usual(Path.cwd())
    rows = [
        (name, _MASK if default.private and defaults[name] else defaults[name], defaults.origin(name), default.doc)
        for name, default in DEFAULTS.items()
        if name in (given.settings or DEFAULTS) and (name in defaults.values or not given.set)
    ]
    sys.stdout.write(_as_json(rows) if given.form == "json" else _as_table(rows))
    sys.stderr.writelines(f"opsmop: warning: {warning}\n" for warning in defaults.warnings)
    return 0


def _as_json(rows: list[tuple[str, Any, str, str]]) -> str:
    table = {name: {"value": value, "origin": origin, "meaning": doc} for name, value, origin, doc in rows}
    return json.dumps(table, indent=2) + "\n"


def _as_table(rows: list[tuple[str, Any, str, str]]) -> str:
    shown = [(name, _written(value), origin) for name, value, origin, _ in rows]
    names, values = (max((len(row[column]) for row in shown), default=0) for column in (0, 1))
    return "".join(f"{name:<{names}}  {value:<{min(values, 40)}}  {origin}\n" for name, value, origin in shown)


def _written(value: Any) -> str:
    """A value as a file of settings would say it; a hyphen for none."""
    return json.dumps(value) if value not in (None, "", ()) else "-"
