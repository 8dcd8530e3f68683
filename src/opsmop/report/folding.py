"""Results of many hosts, gathered until equal ones can be told in one line; those of few hosts first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsmop.events import (
    ContactFinished,
    EvaluationFinished,
    Event,
    Failure,
    Printed,
    ResourceFailed,
    ResourceFinished,
    RoleStarted,
    Warned,
)
from opsmop.events.lines import (
    CAUGHT,
    SPEAKING,
    Scene,
    event_place,
    is_assumed,
    is_uncertain,
    message_text,
    same_failure,
    told_status,
    what_changes,
)
from opsmop.events.look import duration_text
from opsmop.report.names import blurred, counted, merged, with_name, without_name
from opsmop.wire.records import dataclass, field

_MOST_NOTES = 5  # ways in which one result may differ before only what it has in common is told
_MOST_TEXTS = 20  # different texts that are told one by one
_SLOW = 1.0  # seconds from which a duration is worth telling
_RANKS = {"failed": 0, "unreachable": 0, "lost": 0, "cancelled": 0, "ignored": 1, "warning": 1, "says": 2, "prints": 2}
_OTHERS, _NOTHING = 3, 4  # ranks of what changed, and of what needed nothing
_INDENT = 6  # columns before what belongs to the line above
_SHORTEST_NAMES = 8  # columns that names of hosts or resources keep
_NARROW = 60  # columns below which names and results do not share a line


@dataclass(frozen=True)
class _Result:
    """What may be equal on many hosts."""

    kind: str
    what: str
    word: str
    place: str = ""


@dataclass
class _Group:
    """The hosts that came to one result, by what else there is to say of it."""

    hosts_by_note: dict[str, list[str]] = field(default_factory=dict)
    longest: float = 0.0


class Folding:
    """Takes the events of one role on many hosts, and makes lines of what they came to.

    :param role: what began
    """

    def __init__(self, role: RoleStarted) -> None:
        self.role, self.hosts = role.role, role.hosts
        self.ended: dict[str, str] = {}  # the status of each host whose contact has ended
        self._groups: dict[_Result, _Group] = {}
        self._told: set[str] = set()  # hosts that have something to tell
        self._failures: dict[str, list[Failure]] = {}  # of each host
        self._open: dict[str, list[tuple[str, str]]] = {}  # what failed and was not ignored, of each host
        self._known: set[tuple[str, ...]] = set()  # failures that were told in full

    def is_news(self, event: Event) -> bool:
        """Whether `event` is a failure like none before it, which is to be told in full and at once."""
        failure = getattr(event, "failure", None)
        if failure is None or self._was_told(event.host, failure):
            return False
        what = f"{event.type} {event.name}" if isinstance(event, ResourceFailed) else ""
        key = (what, failure.error, blurred(_said(failure, event.host)), failure.place)
        new = key not in self._known
        self._known.add(key)
        return new

    @property
    def so_far(self) -> str:
        """How many hosts have ended, and how many of them not well."""
        failed = sum(status not in ("ok", "skipped") for status in self.ended.values())
        return f"{len(self.ended)} of {len(self.hosts)} hosts" + (f", {failed} failed" if failed else "")

    def take(self, scene: Scene, event: Event) -> None:
        """Count `event`."""
        if isinstance(event, ResourceFinished):
            self._take_finished(scene, event)
        elif isinstance(event, ResourceFailed):
            self._take_failed(scene, event)
        elif isinstance(event, EvaluationFinished):
            self._take_evaluation(scene, event)
        elif isinstance(event, ContactFinished):
            self._take_contact(event)
        elif isinstance(event, (Warned, Printed)) and event.host:
            kind = "warning" if isinstance(event, Warned) else "prints"
            self._add(_Result(kind, "", kind, scene.place(event_place(event))), event.host, event.text)

    def lines(self, scene: Scene) -> list[str]:
        """All that was gathered: failures first, and else what few hosts came to before what many did."""
        silent = [host for host, status in self.ended.items() if status == "ok" and host not in self._told]
        rows = sorted(self._rows(), key=lambda row: (_rank(row[0].kind), len(row[1])))
        if silent:
            rows.append((_Result("ok", self.role, "ok"), silent, ""))
        width = min(max((len(counted(hosts)) for _, hosts, _ in rows), default=0), scene.look.width // 3)
        return [line for row in rows for line in _row_lines(scene, *row, width)]

    def _add(self, result: _Result, host: str, note: str = "", duration: float = 0.0) -> None:
        self._told.add(host)
        group = self._groups.setdefault(result, _Group())
        hosts = group.hosts_by_note.setdefault(note, [])
        if hosts[-1:] != [host]:
            hosts.append(host)
        group.longest = max(group.longest, duration)

    def _take_finished(self, scene: Scene, event: ResourceFinished) -> None:
        status, what = told_status(event), f"{event.type} {event.name}"
        if event.type in SPEAKING and event.output:
            self._add(_Result("says", "", "says", event_place(event)), event.host, event.output)
            return
        uncertain = scene.mode == "check" and is_uncertain(event)
        if not (uncertain or scene.verbose or status in ("changed", "ran")):
            return
        assumed = uncertain or (status in ("changed", "ran") and is_assumed(event))
        word = "may change" if uncertain else scene.word(status)
        result = _Result("assumed" if assumed else status, what, word, event_place(event))
        diff = [line for change in event.changes for line in change.diff.splitlines()] if scene.diff else []
        self._add(result, event.host, "\n".join([what_changes(event), *diff]), event.duration)

    def _take_failed(self, scene: Scene, event: ResourceFailed) -> None:
        kind, what = "ignored" if event.ignored else "failed", f"{event.type} {event.name}"
        self._failures.setdefault(event.host, []).append(event.failure)
        place = scene.place(event.failure.place or event_place(event))
        said = _said(event.failure, event.host).removeprefix(what).lstrip(": ")
        self._add(_Result(kind, what, kind, place), event.host, f"{place}: {said}", event.duration)
        if not event.ignored:
            self._open.setdefault(event.host, []).append((what, place))

    def _take_evaluation(self, scene: Scene, event: EvaluationFinished) -> None:
        failure = event.failure
        if failure is not None and not self._was_told(event.host, failure):
            self._failures.setdefault(event.host, []).append(failure)
            place = scene.place(failure.place or event_place(event))
            note = f"{place}: {_said(failure, event.host)}".removeprefix(": ")
            self._add(_Result("failed", event.role, "failed", place), event.host, note)
        if event.beyond:
            place = scene.place(event.beyond)
            self._add(_Result("assumed", f"cannot predict beyond {place}", "unknown"), event.host)

    def _take_contact(self, event: ContactFinished) -> None:
        self.ended[event.host] = event.status
        for what, place in self._open.pop(event.host, []) if event.status == "ok" else []:
            self._add(_Result("ignored", what, "ignored", place), event.host, CAUGHT)
        if event.status == "skipped":
            self._add(_Result("skipped", f"{event.role} does not want this host", "skipped"), event.host)
        elif event.status != "ok" and not (event.failure and self._was_told(event.host, event.failure)):
            said = _said(event.failure, event.host) if event.failure else ""
            self._add(_Result(event.status, event.role, event.status), event.host, said)

    def _was_told(self, host: str, failure: Failure) -> bool:
        return any(same_failure(failure, one) for one in self._failures.get(host, ()))

    def _rows(self) -> Iterator[tuple[_Result, list[str], str]]:
        for result, group in self._groups.items():
            notes = group.hosts_by_note
            several = "up to " if len(notes) > 1 or any(len(hosts) > 1 for hosts in notes.values()) else ""
            slow = f"({several}{duration_text(group.longest)})" if group.longest >= _SLOW else ""
            if _rank(result.kind) == _RANKS["failed"]:
                notes = _with_merged(notes)
            elif len(notes) > (_MOST_NOTES if result.what else _MOST_TEXTS):
                notes = {f"in {len(notes)} ways": _all_hosts(notes.values())}
            for note, hosts in notes.items():
                first, newline, below = with_name(note, hosts).partition("\n")
                yield result, hosts, f"{first}  {slow}".strip() + newline + below


def _with_merged(notes: dict[str, list[str]]) -> dict[str, list[str]]:
    """`notes` with those as one that differ in their numbers alone, such as the addresses of hosts."""
    alike: dict[str, list[str]] = {}
    for note in notes:
        alike.setdefault(blurred(note), []).append(note)
    return {merged(texts): _all_hosts(notes[text] for text in texts) for texts in alike.values()}


def _all_hosts(groups: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(host for hosts in groups for host in hosts))


def _said(failure: Failure, host: str) -> str:
    """The message on one line, without the host's own name, which would make equal messages differ."""
    rows = message_text(failure).strip().splitlines()
    if not rows:
        return failure.error
    return without_name(" ".join(rows[0].split()), host)


def _rank(kind: str) -> int:
    return _NOTHING if kind in ("ok", "skipped") else _RANKS.get(kind, _OTHERS)


def _row_lines(scene: Scene, result: _Result, hosts: list[str], note: str, width: int) -> list[str]:
    """``web[01-02] (2)  ~ File /etc/motd  changed  mode 0600 -> 0644``; on more lines if one is too narrow."""
    look = scene.look
    sign, word = (look.paint(text, result.kind) for text in (look.sign(result.kind), result.word))
    first, *below = note.splitlines() or [""]
    narrow = look.width < _NARROW
    names_width = look.width - len("  ") if narrow else max(width, _SHORTEST_NAMES)
    start = f"  {look.cut(counted(hosts), names_width):<{0 if narrow else names_width}}"
    room = look.width - (_INDENT if narrow else len(start) + len("  ")) - len("~ ")
    if not result.what:
        lines = [f"{sign} {first}"]
    elif len(result.what) + len(result.word) + len(first) + 2 * len("  ") <= room:
        lines = [f"{sign} {'  '.join(text for text in (result.what, word, first) if text)}"]
    else:
        what = look.cut(result.what, max(room - len(result.word) - len("  "), _SHORTEST_NAMES))
        lines, below = [f"{sign} {what}  {word}"], [first, *below] if first else below
    if narrow:
        return [start, *(" " * _INDENT + line for line in (*lines, *below))]
    return [f"{start}  {lines[0]}", *(" " * _INDENT + line for line in below)]
