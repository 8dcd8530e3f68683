"""What a run cost: time by resource, bytes and round trips. Counted from events; it shows nothing."""

from __future__ import annotations

from opsmop.events import ContactFinished, Event, ResourceFailed, ResourceFinished
from opsmop.events.lines import SPEAKING, event_place
from opsmop.wire.records import dataclass, replace


@dataclass(frozen=True)
class Slowness:
    """How long one resource of the policy took on the hosts that have it.

    :param resource: its type and name
    :param place: the policy's ``file:line``
    :param host: where it took longest
    :param longest: seconds there
    :param total: seconds on all hosts together
    :param hosts: on how many
    """

    resource: str
    place: str
    host: str = ""
    longest: float = 0.0
    total: float = 0.0
    hosts: int = 0


class Costs:
    """Adds up what events say of time and traffic: `sent` and `received` in bytes, `trips` there and back."""

    def __init__(self) -> None:
        self.sent = self.received = self.trips = 0
        self._resources: dict[tuple[str, str], Slowness] = {}

    def __call__(self, event: Event) -> None:
        """Count `event`."""
        if isinstance(event, (ResourceFinished, ResourceFailed)) and event.type not in SPEAKING:
            self._count_resource(event)
        elif isinstance(event, ContactFinished):
            self.sent += event.sent
            self.received += event.received
            self.trips += event.requests + (1 if event.received else 0)

    def slowest(self, most: int, least: float) -> list[Slowness]:
        """At most `most` resources that took `least` seconds somewhere, the slowest first."""
        found = [one for one in self._resources.values() if one.longest >= least]
        return sorted(found, key=lambda one: -one.longest)[:most]

    def _count_resource(self, event: ResourceFinished | ResourceFailed) -> None:
        resource, place = f"{event.type} {event.name}", event_place(event)
        known = self._resources.get((resource, place)) or Slowness(resource, place)
        slower = event.duration > known.longest or not known.host
        self._resources[resource, place] = replace(
            known,
            total=known.total + event.duration,
            hosts=known.hosts + 1,
            host=event.host if slower else known.host,
            longest=event.duration if slower else known.longest,
        )


def bytes_text(count: int) -> str:
    """A number of bytes as people say it, in powers of ten."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 999.5:  # noqa: PLR2004 - what rounds to a thousand
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"  # noqa: PLR2004
        size /= 1000
    return f"{size:.1f} GB"
