"""Makes Python of a role's plain templates, once for all its hosts and once for all its runs.

It is what jinja2's own compiler writes (`opsmop.target.prepared` runs it on the host), and it is kept in the store, so that
the next run need not import jinja2 either. A template with anything but text, variables, conditions and loops is left to
jinja2 on the host, as is one that uses a filter or a test of the policy's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from opsmop.errors import OpsMopError
from opsmop.language.additions import Additions
from opsmop.ship import store
from opsmop.ship.bundle import code_bundle
from opsmop.target.prepared import has_syntax
from opsmop.wire.arriving import sha256

_LONGEST = 256 << 10  # characters of a template


def readied(files: Mapping[str, bytes], strings: Iterable[str], additions: Additions) -> dict[str, str]:
    """The Python of those templates that are plain, by path or by text.

    :param files: the files that ride along with an order, some of which are templates
    :param strings: the texts that the role's code names, likewise
    :param additions: what the policy adds for templates
    """
    found = {name: content for name, content in files.items() if has_syntax(content) and len(content) <= _LONGEST}
    found.update({text: text.encode() for text in strings if has_syntax(text) and len(text) <= _LONGEST})
    if not found:
        return {}
    own = sorted([*additions.template_filters, *additions.template_globals])
    kept = f"templates-{_digest(found, own)}"
    said = store.read(kept)
    if said is not None:
        known: dict[str, str] = json.loads(said)
        return known
    made = _made(found, frozenset(own))
    store.write(kept, json.dumps(made).encode())
    return made


def _digest(templates: Mapping[str, bytes], own: list[str]) -> str:
    seen = bytearray(f"{code_bundle().digest} {own}".encode())  # jinja2 and what it is used for are in the bundle
    for name in sorted(templates):
        for part in (name.encode("utf-8", "surrogatepass"), templates[name]):
            seen += len(part).to_bytes(8, "big") + part
    return sha256(bytes(seen)).hex()[:32]


def _made(templates: Mapping[str, bytes], own: frozenset[str]) -> dict[str, str]:
    from opsmop.target.templates import plain_python  # jinja2, which later runs need not import

    made = {}
    for name, content in templates.items():
        try:
            python = plain_python(content, own)
        except (OpsMopError, ValueError):  # no template at all, or a wrong one, which is for its host to tell
            continue
        if python is not None:
            made[name] = python
    return made
