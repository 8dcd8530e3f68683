"""Programs of our own that a machine runs like any other command, each in a Python of its own.

Each is one file of the standard library alone. It reads its request as JSON, from its first argument or else from its
standard input, and prints its answer as JSON: ``{"error": ..., "remedy": ...}`` if it cannot do what it was asked.
"""

from __future__ import annotations


def source(name: str) -> str:
    """The source of the program `name`, also where this package exists only in memory."""
    import importlib.util  # only who runs one needs its source

    spec = importlib.util.find_spec(f"{__name__}.{name}")
    text = spec.loader.get_source(spec.name) if spec is not None and hasattr(spec.loader, "get_source") else None  # type: ignore[union-attr]
    if text is None:
        raise LookupError(f"there is no source of the program {name!r}")
    return str(text)
