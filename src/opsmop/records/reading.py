"""Finding records of runs, and reading them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from opsmop.errors import ProtocolError, UsageError
from opsmop.events import ContactFinished, Event, RoleStarted, RunFinished, RunStarted
from opsmop.events.wire import from_wire
from opsmop.wire.records import dataclass

LAST = "last"
_TOLD = tuple(f'{{"v":1,"event":"{kind}"'.encode() for kind in ("RoleStarted", "ContactFinished", "RunFinished"))


@dataclass(frozen=True)
class Summary:
    """What a record says of its run, in short.

    :param name: the record's
    :param started: its first event
    :param finished: its last; None if the run is still going on, or was killed
    :param hosts: how many hosts its roles named
    :param failed: on how many of them a role did not end well
    """

    name: str
    started: RunStarted
    finished: RunFinished | None
    hosts: int
    failed: int


def records(folder: Path) -> list[Path]:
    """All records, the newest first."""
    return sorted(folder.glob("*.ndjson"), key=_age, reverse=True)


def _age(path: Path) -> tuple[str, int]:
    """Its second, and which of those of one second was written last, for the rest of a name is chance."""
    try:
        written = path.stat().st_mtime_ns
    except OSError:  # it has just been rotated away
        written = 0
    return path.name.partition("-")[0], written


def record_named(folder: Path, name: str) -> Path:
    """The record of a run.

    :param name: ``last``, a part of the record's name that no other has, or the path of a file
    :raises UsageError: if there is none, or more than one
    """
    known = records(folder)
    if name == LAST and known:
        return known[0]
    if "/" in name and Path(name).is_file():
        return Path(name)
    found = [path for path in known if name in path.stem]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.stem for path in found[:5])
        raise UsageError(f"{len(found)} runs have {name!r} in their names: {names}", remedy="Give more of it.")
    raise UsageError(f"there is no record of a run {name!r} in {folder}", remedy="opsmop runs lists them.")


def events_of(path: Path) -> Iterator[Event]:
    """The events of a record. A last line that was cut off when its run was killed is passed over.

    :raises UsageError: if it cannot be read, or is no record
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield _event(path, number, line)
    except OSError as error:
        raise UsageError(f"the record cannot be read: {error.strerror}", place=str(path)) from None


def summary(path: Path) -> Summary:
    """What `path` says of its run; only the few events that tell it are taken apart.

    :raises UsageError: as `events_of`
    """
    started, finished = RunStarted(), None
    hosts: dict[str, bool] = {}
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise UsageError(f"the record cannot be read: {error.strerror}", place=str(path)) from None
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n") or (number > 1 and not line.startswith(_TOLD)):
            continue
        event = _event(path, number, line)
        if isinstance(event, RunStarted):
            started = event
        elif isinstance(event, RunFinished):
            finished = event
        elif isinstance(event, RoleStarted):
            hosts = dict.fromkeys(event.hosts, False) | hosts
        elif isinstance(event, ContactFinished):
            hosts[event.host] = hosts.get(event.host, False) or event.status not in ("ok", "skipped")
    return Summary(path.stem, started, finished, len(hosts), sum(hosts.values()))


def _event(path: Path, number: int, line: bytes) -> Event:
    try:
        return from_wire(line)
    except ProtocolError as error:
        raise UsageError(f"this is no event of a run: {error.message}", place=f"{path}:{number}") from None
