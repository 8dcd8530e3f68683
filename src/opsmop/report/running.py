"""What goes on at this moment, and since when."""

from __future__ import annotations

from opsmop.events import (
    ContactFinished,
    ContactStarted,
    EvaluationStarted,
    Event,
    ResourceFailed,
    ResourceFinished,
    ResourceStarted,
    RoleFinished,
    RoleStarted,
)
from opsmop.events.look import Look, duration_text
from opsmop.wire.records import dataclass

_BAR_FROM = 4  # hosts, from which a bar shows how far a role has come
_BAR = 20  # columns
_NARROW = 60  # columns below which there is no bar


@dataclass(frozen=True)
class _Now:
    what: str
    since: float  # seconds since the epoch, by the controller's clock


class Running:
    """Follows a run's events; true while any host is at work."""

    def __init__(self) -> None:
        self._role = RoleStarted()
        self._ended: dict[str, str] = {}
        self._now: dict[str, _Now] = {}

    def __bool__(self) -> bool:
        return bool(self._now)

    def __call__(self, event: Event) -> None:
        """Take `event`."""
        if isinstance(event, RoleStarted):
            self._role, self._ended, self._now = event, {}, {}
        elif isinstance(event, RoleFinished):
            self._role, self._now = RoleStarted(), {}
        elif isinstance(event, ContactFinished):
            self._now.pop(event.host, None)
            self._ended[event.host] = event.status
        elif event.host and (what := _what(event)) is not None:
            self._now[event.host] = _Now(what, event.heard or event.ts)

    def lines(self, look: Look, now: float) -> list[str]:
        """How far the role has come, and what has been running longest.

        :param now: the time, in seconds since the epoch
        """
        if not self._now:
            return []
        host, longest = min(self._now.items(), key=lambda pair: pair[1].since)
        others = f"  and {len(self._now) - 1} more" if len(self._now) > 1 else ""
        start = f"  {duration_text(max(now - longest.since, 0.0)):>8}  {look.cut(host, max(look.width // 4, 8))}  "
        room = look.width - 1 - len(start) - len(others)
        line = look.paint(f"{start}{look.cut(longest.what, max(room, 8))}{others}"[: look.width - 1], "faint")
        return [*self._how_far(look), line]

    def _how_far(self, look: Look) -> list[str]:
        total, ended = len(self._role.hosts), len(self._ended)
        if total < _BAR_FROM:
            return []
        failed = sum(status not in ("ok", "skipped") for status in self._ended.values())
        counts = f"{ended} of {total} hosts" + (f", {failed} failed" if failed else "")
        line = f"  {look.cut(self._role.role, look.width // 4)}  {counts}"
        if look.width >= _NARROW:
            done = _BAR * ended // total
            full, empty = ("━", "─") if look.signs else ("#", ".")
            line = f"  {full * done}{empty * (_BAR - done)}{line}"
        return [look.paint(line[: look.width - 1], "heading")]


def _what(event: Event) -> str | None:
    """What a host does from now on; None if that does not change."""
    if isinstance(event, ContactStarted):
        return "connecting"
    if isinstance(event, EvaluationStarted):
        return event.role
    if isinstance(event, ResourceStarted):
        return f"{event.type} {event.name}"
    return event.role if isinstance(event, (ResourceFinished, ResourceFailed)) else None
