"""One event as lines of text."""

from __future__ import annotations

from opsmop import errors
from opsmop.events import INTERRUPTION, ChangeReport, ContactFinished, Event, Failure, ResourceFailed, ResourceFinished
from opsmop.events.look import Look, duration_text
from opsmop.wire.records import dataclass, replace

OUTPUT_LINES = 20  # of a failed command's output
MESSAGE_LINES = 20  # of an error's message
LONGEST_LINE = 1000  # characters of a line of either
_INDENT = 6  # columns before what belongs to the line above
_SHORTEST_NAME = 20  # columns that a resource's name keeps beside its changes
_LONGEST_VALUE = 40  # characters of a value before or after its change
_WORDS_IN_CHECK = {"changed": "would change", "ran": "would run"}
CAUGHT = "caught by the policy"
SPEAKING = ("Echo", "DebugFacts")  # whose output is what they are for
_SLOW = 1.0  # seconds from which a duration is worth telling
_NOTABLE = 0.1  # to who wants to know more


@dataclass(frozen=True)
class Scene:
    """What is the same for many lines.

    :param look: what the stream can show
    :param mode: ``check`` or ``apply``
    :param verbose: how much to tell: 1 also of what needed nothing, 2 of each host by itself
    :param diff: whether to show diffs
    :param host_width: columns of the hosts' names
    :param folder: the policy's folder with a slash at its end; places below it are shown without it
    """

    look: Look
    mode: str = "apply"
    verbose: int = 0
    diff: bool = False
    host_width: int = 8
    folder: str = ""

    def word(self, status: str) -> str:
        """The word for a status: in check mode nothing has changed yet."""
        return _WORDS_IN_CHECK.get(status, status) if self.mode == "check" else status

    def place(self, place: str) -> str:
        """`place` as seen from the policy's folder, on one line."""
        place = " ".join(place.split())
        return place[len(self.folder) :] if self.folder and place.startswith(self.folder) else place


def head_lines(scene: Scene, kind: str, host: str, what: str, *, note: str = "", word: str = "") -> list[str]:
    """A sign and a word, the host, what it is about, and a note; on more lines if one is too narrow.

    :param kind: chooses the sign and the colour, and is the word unless `word` is given
    """
    look = scene.look
    painted, room = _start(scene, kind, word or kind, host)
    what = " ".join(what.split())
    whole = f"{what}  {note}" if what and note else what or note
    if len(whole) <= room:
        return [(painted + whole).rstrip()]
    if note and room - len(note) - 2 >= _SHORTEST_NAME:
        return [f"{painted}{look.cut(what, room - len(note) - 2)}  {note}"]
    below = _wrapped(look, note)
    if room < _SHORTEST_NAME:
        alone, _ = _start(replace(scene, host_width=look.width), kind, word or kind, host)
        fits = len(whole) <= look.width - _INDENT
        more = [" " * _INDENT + whole] if fits else [" " * _INDENT + look.cut(what, look.width - _INDENT), *below]
        return [alone.rstrip(), *more]
    return [(painted + look.cut(what, room)).rstrip(), *below]


def text_lines(scene: Scene, kind: str, host: str, text: str) -> list[str]:
    """A sign and a word, the host, and a text that is not cut."""
    first, *rest = text.splitlines() or [""]
    return [(_start(scene, kind, kind, host)[0] + first).rstrip(), *_indented(rest)]


def _start(scene: Scene, kind: str, word: str, host: str) -> tuple[str, int]:
    look = scene.look
    longest = len("would change") if scene.mode == "check" else len("changed")
    start = f"  {look.sign(kind)} {word:<{longest}}"
    width = min(scene.host_width, look.width - len(start) - 2)
    shown = f"  {look.cut(host, width):<{width}}  "
    return look.paint(start, kind) + shown, look.width - len(start) - len(shown)


def finished_lines(scene: Scene, event: ResourceFinished) -> list[str]:
    """A resource that ended well; nothing if nobody asked for those that needed nothing."""
    lines = []
    said = event.type in SPEAKING and event.output
    status = told_status(event)
    uncertain = scene.mode == "check" and is_uncertain(event)
    if not said and (scene.verbose or uncertain or status in ("changed", "ran")):
        kind = "assumed" if uncertain or (status in ("changed", "ran") and is_assumed(event)) else status
        what = f"{event.type} {event.name}"
        word = "may change" if uncertain else scene.word(status)
        lines += head_lines(scene, kind, event.host, what, note=_note(scene, event), word=word)
    if said:
        lines += text_lines(scene, "says", event.host, event.output)
    elif scene.verbose:
        lines += _bar_lines(event.output.splitlines())
    return lines + (_diff_lines(scene, event.changes) if scene.diff else [])


def failed_lines(scene: Scene, event: ResourceFailed) -> list[str]:
    """A resource that failed, with all that is known about it."""
    stopped = "cancelled" if event.failure.error == INTERRUPTION else "failed"
    kind = "ignored" if event.ignored else stopped
    note = _duration_note(scene, event.duration)
    lines = head_lines(scene, kind, event.host, f"{event.type} {event.name}", note=note)
    lines += failure_lines(scene, event.failure, event_place(event), resource=f"{event.type} {event.name}")
    return lines + (_diff_lines(scene, event.changes) if scene.diff else [])


def caught_lines(scene: Scene, event: ResourceFailed) -> list[str]:
    """A resource that failed, in a role that ended well: the policy caught the error."""
    return head_lines(scene, "ignored", event.host, f"{event.type} {event.name}", note=CAUGHT)


def contact_lines(scene: Scene, event: ContactFinished, *, told: bool) -> list[str]:
    """The end of a contact.

    :param told: whether its failure has been shown already
    """
    note = _duration_note(scene, event.duration)
    if event.status == "ok":
        return head_lines(scene, "done", event.host, event.role, note=note) if scene.verbose else []
    if event.status == "skipped":
        return head_lines(scene, "skipped", event.host, f"{event.role} does not want this host")
    if told:
        return []
    lines = head_lines(scene, event.status, event.host, event.role, note=note)
    return lines + (failure_lines(scene, event.failure, "") if event.failure else [])


def failure_lines(scene: Scene, failure: Failure, place: str, *, resource: str = "") -> list[str]:
    """Everything that is known about a failure, uncut, below the line that names what failed.

    :param place: the policy's ``file:line``, if the failure does not say one itself
    :param resource: type and name of what failed, which the message need not say again
    """
    place = scene.place(failure.place or place)
    message = _shortened(message_text(failure))
    if resource and message.startswith(resource):
        message = message[len(resource) :].lstrip(": ") or message
    lines = _wrapped(scene.look, f"{place}: {message}" if place else message)
    if failure.trace:
        lines += _indented(failure.trace.splitlines())
    if failure.command:
        lines += _indented([f"command: {line}" for line in failure.command.splitlines()[:1]])
        lines += _indented([f"         {line}" for line in failure.command.splitlines()[1:]])
    if failure.rc is not None and f"exit status {failure.rc}" not in message:
        lines += _indented([f"exit status: {failure.rc}"])
    lines += _printed_lines(failure)
    return lines + (_wrapped(scene.look, f"remedy: {failure.remedy}") if failure.remedy else [])


def _printed_lines(failure: Failure) -> list[str]:
    """The end of what a command printed, and of its standard error where that is not all in there."""
    errors_told = failure.stderr.strip().splitlines()[-OUTPUT_LINES:]
    if not failure.output.strip():
        return _ending_lines(failure.stderr)
    if set(errors_told) <= set(failure.output.splitlines()[-OUTPUT_LINES:]):
        return _ending_lines(failure.output)
    return [*_ending_lines(failure.output), *_indented(["on its standard error:"]), *_ending_lines(failure.stderr)]


def _ending_lines(output: str) -> list[str]:
    lines = output.splitlines()
    cut = [f"the last {OUTPUT_LINES} of {len(lines)} lines:"] if len(lines) > OUTPUT_LINES else []
    return _indented(cut) + _bar_lines([_shortened(line) for line in lines[-OUTPUT_LINES:]])


def _shortened(text: str) -> str:
    """As much of a message as a screen has room for; the run's events have all of it."""
    lines = text.splitlines()
    more = len(lines) - MESSAGE_LINES
    shown = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..." for line in lines[:MESSAGE_LINES]]
    return "\n".join(shown + ([f"... {more} more lines"] if more > 0 else []))


def message_text(failure: Failure) -> str:
    """The failure's message; led by the error's name where that is Python's or the author's own."""
    if failure.error == INTERRUPTION:
        return failure.message or "ended because the run was interrupted"
    foreign = failure.error and not hasattr(errors, failure.error)
    return ": ".join(part for part in (failure.error if foreign else "", failure.message) if part) or failure.error


def _note(scene: Scene, event: ResourceFinished) -> str:
    return "  ".join(part for part in (what_changes(event), _duration_note(scene, event.duration)) if part)


def what_changes(event: ResourceFinished) -> str:
    """Its changes in one phrase, and what else is worth telling of a good ending but for its duration."""
    changes = [_change_text(change, mark=not is_assumed(event)) for change in event.changes]
    parts = [", ".join(changes) if changes != ["run"] or event.status != "ran" else ""]  # "ran" says it already
    if event.status in ("changed", "ran") and is_assumed(event):
        parts.append("(assumed)")
    if event.rc:
        parts.append(f"exit status {event.rc}")
    return "  ".join(part for part in parts if part)


def _change_text(change: ChangeReport, *, mark: bool) -> str:
    before, after = (_value_text(text) for text in (change.before, change.after))
    text = " ".join(change.name.split())
    if before and after:
        text += f" {before} -> {after}"
    elif before or after:
        text += f" {after}" if after else f" (was {before})"
    return f"{text} (assumed)" if mark and change.assumed else text


def _value_text(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _duration_note(scene: Scene, seconds: float) -> str:
    return f"({duration_text(seconds)})" if seconds >= (_NOTABLE if scene.verbose else _SLOW) else ""


def _diff_lines(scene: Scene, changes: tuple[ChangeReport, ...]) -> list[str]:
    kinds = {"+": "added", "-": "removed", "@": "faint"}
    lines = [line for change in changes for line in change.diff.splitlines()]
    return [" " * _INDENT + (scene.look.paint(line, kinds[line[0]]) if line[:1] in kinds else line) for line in lines]


def _bar_lines(lines: list[str]) -> list[str]:
    return [(" " * _INDENT + "| " + line).rstrip() for line in lines]


def _indented(lines: list[str]) -> list[str]:
    return [(" " * _INDENT + line).rstrip() for line in lines]


def _wrapped(look: Look, text: str) -> list[str]:
    import textwrap  # only for what is told at length: it imports re

    room = look.width - _INDENT
    rows = []
    for row in text.splitlines():
        rows += textwrap.wrap(row, room, break_long_words=False, break_on_hyphens=False) or [""]
    return _indented(rows)


def told_status(event: ResourceFinished) -> str:
    """The status that `event` tells; a host may send any text, and one that means nothing is ``ok``."""
    return event.status if event.status in ("ok", "changed", "ran", "skipped") else "ok"


def is_assumed(event: ResourceFinished) -> bool:
    """Whether none of what `event` announces is certain."""
    if event.changes:
        return all(change.assumed for change in event.changes)
    return event.assumed


def is_uncertain(event: ResourceFinished) -> bool:
    """Whether check found nothing to do, and could not know that nothing will be."""
    return (
        event.assumed and not event.changes and event.type not in SPEAKING and told_status(event) in ("ok", "skipped")
    )


def same_failure(first: Failure | None, second: Failure | None) -> bool:
    """Whether both tell of one error, as a resource's and its role's ending do."""
    return first is not None and second is not None and (first.error, first.message) == (second.error, second.message)


def event_place(event: Event) -> str:
    """The policy's ``file:line`` that caused `event`, or nothing."""
    if not event.file:
        return ""
    return f"{event.file}:{event.line}" if event.line else event.file
