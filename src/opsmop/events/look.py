"""How text looks: signs, colours, what fits on a line."""

from __future__ import annotations

from opsmop.wire.records import dataclass

# One sign for each word that can begin a line: as Unicode has it, and for streams that cannot carry that.
SIGNS = {
    "ok": ("✓", "."),
    "done": ("✓", "."),
    "changed": ("~", "~"),
    "assumed": ("?", "?"),
    "ran": ("$", "$"),
    "skipped": ("-", "-"),
    "failed": ("✗", "x"),
    "unreachable": ("✗", "x"),
    "lost": ("✗", "x"),
    "cancelled": ("✗", "x"),
    "not contacted": ("-", "-"),
    "ignored": ("!", "!"),
    "warning": ("!", "!"),
    "says": (">", ">"),
    "prints": (">", ">"),
}
# SGR parameters (ECMA-48, section 8.3.117): 1 bold, 2 faint, 31 red, 32 green, 33 yellow, 35 magenta, 36 cyan.
_STYLES = {
    "ok": "32",
    "done": "32",
    "changed": "33",
    "assumed": "35",
    "ran": "36",
    "skipped": "2",
    "failed": "1;31",
    "unreachable": "1;31",
    "lost": "1;31",
    "cancelled": "31",
    "not contacted": "2",
    "ignored": "35",
    "warning": "35",
    "says": "36",
    "prints": "2",
    "heading": "1",
    "faint": "2",
    "added": "32",
    "removed": "31",
}


@dataclass(frozen=True)
class Look:
    """A stream's abilities.

    :param width: columns
    :param color: whether it shows colours
    :param signs: whether it can carry Unicode signs
    """

    width: int
    color: bool
    signs: bool

    def sign(self, kind: str) -> str:
        """The sign that stands before a line of `kind`."""
        return SIGNS[kind][0 if self.signs else 1]

    def paint(self, text: str, kind: str) -> str:
        """`text` in the colour of `kind`, if there are colours."""
        return f"\x1b[{_STYLES[kind]}m{text}\x1b[0m" if self.color and text else text

    def cut(self, text: str, room: int) -> str:
        """`text` on one line of at most `room` columns: its middle goes, for names differ at both ends."""
        text = " ".join(text.split())
        if len(text) <= room:
            return text
        gap = "…" if self.signs else ".."
        kept = max(room - len(gap), 2)
        tail = kept // 2
        return text[: kept - tail] + gap + text[len(text) - tail :]


def duration_text(seconds: float) -> str:
    """A duration as people say it: ``3.2 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if seconds < 59.95:  # noqa: PLR2004 - what rounds to a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
