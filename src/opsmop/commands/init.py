"""``opsmop init [DIR]``: a policy to start from, which works as it is."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from opsmop.errors import UsageError

_SCAFFOLD = Path(__file__).parent / "scaffold"
# The files of a new project. What is between @ and @ is filled in.
FILES = ("site.py", "inventory.toml", "opsmop.toml", "templates/welcome.j2")


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("folder", nargs="?", default=".", metavar="DIR", help="where to; here if not given")


def run(given: argparse.Namespace) -> int:
    """Write the files.

    :raises UsageError: if one of them is there already, or cannot be written
    """
    folder = Path(given.folder).absolute()
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        other = "my-site" if folder.name != "my-site" else "my-other-site"
        raise UsageError(f"{folder} has {', '.join(there)} already", remedy=f"Name another folder: opsmop init {other}")
    try:
        for name in FILES:
            _write(folder / name, _filled(name, folder))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
    sys.stdout.write(_next_steps(given.folder))
    return 0


def _filled(name: str, folder: Path) -> str:
    text = (_SCAFFOLD / name).read_text(encoding="utf-8")
    return text.replace('"@folder@"', json.dumps(str(folder / "out")))  # a JSON string is a TOML basic string


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _next_steps(folder: str) -> str:
    enter = [] if folder == "." else [f"  cd {folder}"]
    return "\n".join(
        [
            f"Wrote {', '.join(FILES)}.",
            "",
            "Try it; it touches nothing but the folder out beside it:",
            *enter,
            "  opsmop check site.py --push --diff     what would change",
            "  opsmop apply site.py --push            change it",
            "  opsmop apply site.py --push            nothing is left to do",
            "",
            "Then put your own hosts into inventory.toml.",
            "",
        ]
    )
