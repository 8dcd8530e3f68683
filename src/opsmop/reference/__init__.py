"""The reference page of the resource types, made from their declarations: `python3 -m opsmop.reference`."""

from __future__ import annotations

import inspect

from opsmop.core import easy
from opsmop.language.fields import REQUIRED, Field, declared
from opsmop.language.provider import providers
from opsmop.language.resource import Resource
from opsmop.reference.examples import EXAMPLES

_HEAD = """# Resource types

Made from the declarations by `python3 -m opsmop.reference`; a test fails when this page is not what they say. The first
parameters, marked *by position*, may be given without their name.
"""


def types() -> list[type[Resource]]:
    """The types that a policy can import, by name."""
    named = [getattr(easy, name) for name in easy.__all__]
    return [kind for kind in named if isinstance(kind, type) and issubclass(kind, Resource) and kind is not Resource]


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD, "## What every type takes\n", _table(declared(Resource)), *map(_section, types())]
    return "\n".join(parts)


def _section(kind: type[Resource]) -> str:
    common = declared(Resource)
    own = {name: entry for name, entry in declared(kind).items() if name not in common}
    methods = ", ".join(
        f"`{provider.short}`" for provider in providers(kind) if provider.__module__.startswith("opsmop.")
    )
    example = EXAMPLES.get(kind.__name__, "")
    shown = f"```python\n{example}```\n\n" if example else ""
    return f"## {kind.__name__}\n\n{inspect.getdoc(kind)}\n\n{shown}{_table(own)}\nMade by: {methods}.\n"


def _table(fields: dict[str, Field]) -> str:
    if not fields:
        return "It takes no parameters of its own.\n"
    rows = ["| parameter | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, entry in fields.items():
        default = "*required*" if entry.default is REQUIRED else f"`{entry.default!r}`"
        marked = f"`{name}`" + ("" if entry.kw_only else " *by position*")
        kind = entry.type_text.replace("|", "\\|")
        rows.append(f"| {marked} | `{kind}` | {default} | {entry.doc} |")
    return "\n".join(rows) + "\n"
