"""How a template file is written, where that is not Jinja's usual way."""

from __future__ import annotations

from opsmop.wire.records import dataclass, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# Parameters of a resource that say it, and the options of Jinja's environment that they are ("High Level API" of its manual).
DELIMITERS = {"variable_delimiters": "variable", "block_delimiters": "block", "comment_delimiters": "comment"}


@dataclass(frozen=True)
class Syntax:
    """What marks Jinja's parts of a template, and what becomes of the white space around its blocks.

    :param trim_blocks: whether the line break after a block goes
    :param lstrip_blocks: whether white space before a block goes, from the beginning of its line
    :param variable_delimiters: what stands around an expression; the others likewise
    """

    trim_blocks: bool = False
    lstrip_blocks: bool = False
    variable_delimiters: tuple[str, str] = ("{{", "}}")
    block_delimiters: tuple[str, str] = ("{%", "%}")
    comment_delimiters: tuple[str, str] = ("{#", "#}")

    @property
    def marks(self) -> tuple[str, ...]:
        """What a template has at least one of; a text without them is none."""
        return tuple(getattr(self, name)[0] for name in DELIMITERS)

    @property
    def options(self) -> dict[str, Any]:
        """The same as Jinja's environment takes it."""
        said: dict[str, Any] = {"trim_blocks": self.trim_blocks, "lstrip_blocks": self.lstrip_blocks}
        for name, kind in DELIMITERS.items():
            said[f"{kind}_start_string"], said[f"{kind}_end_string"] = getattr(self, name)
        return said


def syntax_of(values: Mapping[str, Any]) -> Syntax | None:
    """What parameters say, those not given left out or None; None if it is Jinja's usual way.

    :raises ValueError: if templates cannot be written so
    """
    names = [entry.name for entry in fields(Syntax)]
    given = {name: values[name] for name in names if values.get(name) not in (None, False)}
    for name in given.keys() & DELIMITERS.keys():
        given[name] = _pair(name, given[name])
    if not given:
        return None
    syntax = Syntax(**given)
    if len(set(syntax.marks)) < len(syntax.marks):
        raise ValueError(f"variables, blocks and comments cannot all be told apart by {', '.join(syntax.marks)}")
    return syntax


def _pair(name: str, given: Any) -> tuple[str, str]:
    pair = tuple(given) if isinstance(given, (list, tuple)) else ()
    if len(pair) != 2 or not all(isinstance(one, str) and one.strip() == one != "" for one in pair):  # noqa: PLR2004
        raise ValueError(f"{name} takes two texts, the one before and the one after, such as ['[[', ']]']")
    return pair[0], pair[1]
