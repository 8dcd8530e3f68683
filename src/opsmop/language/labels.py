"""SELinux labels as text, ``user:role:type:level``, of which some parts may be unsaid (empty)."""

from __future__ import annotations

_PARTS = 4


def parted(label: str) -> list[str]:
    """User, role, type and level; empty where it does not say. A level has colons of its own: ``s0:c1``."""
    parts = label.split(":", _PARTS - 1)
    return parts + [""] * (_PARTS - len(parts))


def joined(parts: list[str]) -> str:
    """The label of these parts; a policy without levels has none."""
    return ":".join(parts if parts[-1] else parts[:-1])


def filled(label: str, by: str) -> str:
    """`label`, with what it leaves unsaid as `by` has it."""
    return joined([part or other for part, other in zip(parted(label), parted(by))])


def whole(label: str) -> bool:
    """Whether it says all but perhaps the level."""
    return all(parted(label)[:-1])
