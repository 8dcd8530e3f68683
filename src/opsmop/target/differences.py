"""What differs between two contents, as people read it."""

from __future__ import annotations

MOST_LINES = 200  # of one difference; what is cut is counted
LARGEST_TEXT = 1024 * 1024  # bytes of a content beyond which only sizes and digests are told


def of_contents(before: bytes, after: bytes, name: str) -> str:
    """A unified difference with three lines around each change; sizes and digests where the contents are no text."""
    old, new = _lines(before), _lines(after)
    if old is None or new is None:
        return f"{_summary(before)} -> {_summary(after)}"
    import difflib  # only when a difference is asked for

    lines = list(difflib.unified_diff(old, new, f"{name} (before)", f"{name} (after)", lineterm=""))
    shown = [line.rstrip("\n") for line in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        shown.append(f"... {len(lines) - MOST_LINES} more lines")
    return "\n".join(shown)


def _lines(content: bytes) -> list[str] | None:
    if b"\0" in content or len(content) > LARGEST_TEXT:
        return None
    try:
        lines = content.decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return None
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file"
    return lines


def _summary(content: bytes) -> str:
    import hashlib  # only for what is no text

    return f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:16]}" if content else "nothing"
