"""What a policy adds to the names that templates see, besides variables."""

from __future__ import annotations

from opsmop.wire.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


@dataclass(frozen=True)
class Additions:
    """What a policy adds for templates; it travels with each role.

    :param facts: what `Policy.fact_context` returned: facts of its own, by name
    :param template_globals: what `Policy.template_globals` returned: values and functions, weaker than variables
    :param template_filters: what `Policy.template_filters` returned: functions for ``{{ value | name }}``
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    template_globals: Mapping[str, Any] = field(default_factory=dict)
    template_filters: Mapping[str, Any] = field(default_factory=dict)
