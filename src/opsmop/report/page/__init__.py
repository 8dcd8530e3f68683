"""A run as one page for a browser: everything is in the file, and nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from opsmop.events import Event
from opsmop.report.console import Console
from opsmop.report.page.model import Model

_HERE = Path(__file__).parent
_WIDTH = 110  # columns of the plain text that browsers without scripts show


def page(events: Iterable[Event], name: str) -> str:
    """The page.

    :param events: the run's, in order
    :param name: what the run is called
    """
    model, plain = Model(name), io.StringIO()
    console = Console(plain, width=_WIDTH)
    for event in events:
        model(event)
        console(event)
    style, script = (_HERE.joinpath(file).read_text(encoding="utf-8") for file in ("page.css", "page.js"))
    # What a host said can be no markup, for all of it is JSON and is shown as text; if that failed, no script but the
    # page's own would run (Content Security Policy, level 3).
    policy = f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; base-uri 'none'"
    return _filled(
        _HERE.joinpath("page.html").read_text(encoding="utf-8"),
        title=escape(model.title),
        policy=escape(f"{policy}; form-action 'none'"),
        style=style,
        script=script,
        plain=escape(plain.getvalue()),
        data=_embedded(model.data()),
    )


def _filled(template: str, **parts: str) -> str:
    """`template` with its parts, each put in once: what a part says is not looked at for further ones."""
    pieces = template.split("@@")
    return "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embedded(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element (HTML, "Restrictions for contents of script elements")."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
