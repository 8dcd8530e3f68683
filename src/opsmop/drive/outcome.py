"""What a run has come to."""

from __future__ import annotations

from opsmop.errors import OpsMopError
from opsmop.wire.records import dataclass, field


@dataclass
class Outcome:
    """What a run has come to.

    :ivar contacted: whether any host was contacted
    :ivar failed: the hosts on which something failed; they get no later role
    :ivar well: the hosts on which a role ended well
    :ivar reached: the hosts that each role has come to, however it ended there
    :ivar exceeded: whether more of them failed in a role than it allows
    :ivar pending: whether anything changed or ran, or would
    :ivar error: what was wrong on the control machine, if that ended the run
    :ivar stopped: why later roles did not run
    :ivar signal: the signal that ended the run; 0 if none
    """

    contacted: bool = False
    failed: dict[str, None] = field(default_factory=dict)
    well: dict[str, None] = field(default_factory=dict)
    reached: dict[str, set[str]] = field(default_factory=dict)
    exceeded: bool = False
    pending: bool = False
    error: OpsMopError | None = None
    stopped: str = ""
    signal: int = 0
