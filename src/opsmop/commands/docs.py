"""``opsmop docs TYPE``: what a type of resource takes, from its declaration."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opsmop.errors import UsageError

if TYPE_CHECKING:
    from opsmop.language.fields import Field
    from opsmop.language.resource import Resource

_NARROWEST, _WIDEST = 40, 100  # columns


def add_options(parser: argparse.ArgumentParser, _name: str) -> None:
    """What the command takes."""
    parser.add_argument("type", nargs="?", default="", metavar="TYPE", help="the type, such as File; all if not given")


def run(given: argparse.Namespace) -> int:
    """Show it.

    :raises UsageError: if there is no such type
    """
    from opsmop.inventory.tree import close  # --help does without
    from opsmop.reference import types  # as above

    known = {kind.__name__: kind for kind in types()}
    width = max(_NARROWEST, min(shutil.get_terminal_size().columns, _WIDEST))
    if not given.type:
        sys.stdout.writelines(f"{line}\n" for line in _overview(known, width))
        return 0
    found = next((kind for name, kind in known.items() if name.lower() == given.type.lower()), None)
    if found is None:
        raise UsageError(f"there is no type {given.type!r}", remedy=close(given.type, known))
    sys.stdout.writelines(f"{line}\n" for line in _page(found, width))
    return 0


def _overview(known: dict[str, type[Resource]], width: int) -> Iterator[str]:
    longest = max(map(len, known))
    for name, kind in known.items():
        first = " ".join((kind.__doc__ or "").split()).partition(". ")[0].rstrip(".")
        yield f"{name:<{longest}}  {textwrap.shorten(first, width - longest - 2, placeholder=' ...')}"
    yield ""
    yield "One of them: opsmop docs File"


def _page(kind: type[Resource], width: int) -> Iterator[str]:
    from opsmop.language.fields import declared  # --help does without
    from opsmop.language.provider import providers  # as above
    from opsmop.language.resource import Resource as Every  # as above
    from opsmop.reference.examples import EXAMPLES  # as above

    yield from textwrap.wrap(" ".join((kind.__doc__ or "").split()), width)
    if kind.__name__ in EXAMPLES:
        yield from ("", *(f"  {line}" for line in EXAMPLES[kind.__name__].splitlines()))
    shared = declared(Every)
    own = {name: entry for name, entry in declared(kind).items() if name not in shared}
    for title, fields in (("Takes", own), ("As every type", shared)):
        if fields:
            yield from ("", f"{title}:")
            yield from (line for name, entry in fields.items() for line in _parameter(name, entry, width))
    yield from ("", f"Made by: {', '.join(provider.short for provider in providers(kind))}")


def _parameter(name: str, entry: Field, width: int) -> Iterator[str]:
    from opsmop.language.fields import REQUIRED  # as above

    default = "required" if entry.default is REQUIRED else f"{entry.default!r} if not given"
    positional = "" if entry.kw_only else ", by position"
    yield f"  {name}: {entry.type_text} ({default}{positional})"
    yield from textwrap.wrap(entry.doc, width, initial_indent="      ", subsequent_indent="      ")
