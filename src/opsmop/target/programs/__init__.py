"""Programs of our own that a machine runs like any other command, each in a Python of its own.

Each is one file of the standard library alone, but for what it shares with the machine. It reads its request as JSON, from its first argument or else from its
standard input, and prints its answer as JSON: ``{"error": ..., "remedy": ...}`` if it cannot do what it was asked.
"""

from __future__ import annotations

_NOT_TAKEN = ("from __future__ ", "from opsmop.")
_SHARED = ("opsmop.target.machine.stepping", f"{__name__}.ground")  # what each takes along, in this order


def source(name: str) -> str:
    """The source of the program `name`, with what it shares, also where this package exists only in memory."""
    texts = [_source(module) for module in (*_SHARED, f"{__name__}.{name}")]
    lines = [line for text in texts for line in text.splitlines() if not line.startswith(_NOT_TAKEN)]
    return "\n".join(["from __future__ import annotations", *lines, ""])


def _source(module: str) -> str:
    import importlib.util  # only who runs one needs its source

    spec = importlib.util.find_spec(module)
    text = spec.loader.get_source(spec.name) if spec is not None and hasattr(spec.loader, "get_source") else None  # type: ignore[union-attr]
    if text is None:
        raise LookupError(f"there is no source of {module!r}")
    return str(text)
