"""Which hooks a role has, in the order in which they are called for a host."""

from __future__ import annotations

from opsmop.language.role import Role
from opsmop.wire.records import dataclass

BEFORE = ("before_connect", "before_contact")
AFTER = ("after_connect", "after_contact")


@dataclass(frozen=True)
class Hooks:
    """The names of a role's methods.

    :param before: called before a host is contacted
    :param after: called after the role ended well there
    """

    before: tuple[str, ...]
    after: tuple[str, ...]


def hooks_of(role: Role) -> Hooks:
    """The hooks that `role` defines."""
    before, after = (tuple(name for name in names if callable(getattr(role, name, None))) for names in (BEFORE, AFTER))
    return Hooks(before, after)
