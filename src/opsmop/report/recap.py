"""What a run came to, as lines of text."""

from __future__ import annotations

from opsmop.events.lines import Scene, message_text
from opsmop.events.look import duration_text
from opsmop.report.tally import HostTally, Reason, Tally

_COLUMNS = ("ok", "changed", "ran", "failed", "assumed", "skipped")
_RARE_COLUMNS = ("ignored", "warnings")
_LONGEST_RESOURCE = 60  # columns that a resource's name takes in a reason
_NAMED_HOSTS = 5  # hosts of one reason that are named
_CODE_OF_INTERRUPTION = 128  # a shell's exit status for a signal begins above it


def recap_lines(scene: Scene, tally: Tally) -> list[str]:
    """The whole recap: hosts, reasons, what was not predicted, what did not run, and the line for machines."""
    lines = ["", scene.look.paint(_title(tally), "heading")] if tally.hosts else [""]
    lines += _table_lines(scene, tally)
    lines += _reason_lines(scene, tally)
    lines += _beyond_lines(scene, tally)
    lines += _role_lines(scene, "Not contacted", {name: host.untouched for name, host in tally.hosts.items()})
    left_out = {name: host.left_out for name, host in tally.hosts.items()}
    lines += _role_lines(scene, "Left out: the hook before the role ran, the hook after it did not", left_out)
    lines += _left_lines(scene, tally)
    return [*lines, f"Took {duration_text(tally.duration)}.", result_line(tally)]


def result_line(tally: Tally) -> str:
    """The last line, for ``grep``: how many hosts came to what. Rare endings are named only if there are any."""
    names: tuple[str, ...] = ("failed", "unreachable", "changed", "ok", "skipped")
    names += tuple(name for name in ("cancelled", "not contacted") if tally.ended(name))
    return "RESULT " + " ".join(f"{name.replace(' ', '_')}={len(tally.ended(name))}" for name in names)


def _title(tally: Tally) -> str:
    return "Recap: nothing was changed, this was a check" if tally.mode == "check" else "Recap"


def _table_lines(scene: Scene, tally: Tally) -> list[str]:
    longest = max((len(_word(scene, host)) for host in tally.hosts.values()), default=0)
    rows = [(*_row_start(scene, name, host, longest), host) for name, host in tally.sorted_hosts()]
    names = [name for name in _COLUMNS if name != "assumed" or scene.mode == "check"]
    names += [name for name in _RARE_COLUMNS if any(getattr(host, name) for host in tally.hosts.values())]
    digits = max((len(str(getattr(host, name))) for host in tally.hosts.values() for name in names), default=1)
    full = sum(len(name) + 1 + digits + 2 for name in names)
    lines = []
    for start, length, host in rows:
        if length + full <= scene.look.width:
            lines.append(f"{start}  {_counts(scene, host, names, digits)}".rstrip())
        else:
            lines += _narrow_row(scene, start, length, host, names)
    return lines


def _word(scene: Scene, host: HostTally) -> str:
    return "lost" if host.lost else scene.word(host.ending)


def _row_start(scene: Scene, name: str, host: HostTally, longest: int) -> tuple[str, int]:
    start = f"  {scene.look.sign(host.ending)} {_word(scene, host):<{longest}}"
    shown = f"  {scene.look.cut(name, scene.host_width):<{scene.host_width}}"
    return scene.look.paint(start, host.ending) + shown, len(start) + len(shown)


def _counts(scene: Scene, host: HostTally, names: list[str], digits: int) -> str:
    texts = [(f"{name}={getattr(host, name):<{digits}}", bool(getattr(host, name))) for name in names]
    return "  ".join(text if counted else scene.look.paint(text, "faint") for text, counted in texts)


def _narrow_row(scene: Scene, start: str, length: int, host: HostTally, names: list[str]) -> list[str]:
    counted = _counts(scene, host, [name for name in names if getattr(host, name)], 1)
    if length + 2 + len(counted) <= scene.look.width:
        return [f"{start}  {counted}".rstrip()]
    return [start.rstrip(), f"      {counted}"]


def _reason_lines(scene: Scene, tally: Tally) -> list[str]:
    hosts_of: dict[str, list[str]] = {}
    for name, host in tally.sorted_hosts():
        for reason in host.reasons:
            hosts_of.setdefault(_reason_text(scene, reason), []).append(name)
    if not hosts_of:
        return []
    lines = [f"  {_names_text(names)}: {text}" for text, names in hosts_of.items()]
    return ["", scene.look.paint("Reasons", "heading"), *lines]


def _reason_text(scene: Scene, reason: Reason) -> str:
    failure = reason.failure
    message = _one_line(message_text(failure), " ".join(reason.resource.split()))
    if failure.rc is not None and f"exit status {failure.rc}" not in message:
        message += f" (exit status {failure.rc})"
    where = scene.place(failure.place) or reason.role
    resource = " ".join(reason.resource.split())
    shown = scene.look.cut(resource, _LONGEST_RESOURCE)
    if resource and message.startswith(resource):  # the message names it already, perhaps a whole script
        return f"{where}: {shown}{message[len(resource) :]}"
    return ": ".join(part for part in (where, shown, message) if part)


def _one_line(message: str, resource: str) -> str:
    """The message's first line, which says what is wrong, and its last, which says what exactly."""
    flat = " ".join(message.split())
    if resource and flat.startswith(resource):
        return flat  # it begins with a script, perhaps, and is cut there
    rows = [" ".join(row.split()) for row in message.splitlines() if row.strip()]
    return " ".join(rows[:1] + rows[1:][-1:])


def _names_text(names: list[str]) -> str:
    if len(names) <= _NAMED_HOSTS:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED_HOSTS])} and {len(names) - _NAMED_HOSTS} more"


def _beyond_lines(scene: Scene, tally: Tally) -> list[str]:
    hosts_of: dict[str, list[str]] = {}
    for name, host in tally.hosts.items():
        for place in host.beyond:
            hosts_of.setdefault(scene.place(place), []).append(name)
    lines = [f"  {_names_text(names)}: beyond {place}" for place, names in hosts_of.items()]
    return ["", scene.look.paint("What check could not predict", "heading"), *lines] if lines else []


def _role_lines(scene: Scene, heading: str, roles: dict[str, tuple[str, ...]]) -> list[str]:
    """The hosts of each role, below a heading; all of them, for somebody has to look after each."""
    hosts_of: dict[str, list[str]] = {}
    for name, named in roles.items():
        for role in named:
            hosts_of.setdefault(role, []).append(name)
    lines = [f"  {role}: {', '.join(names)}" for role, names in hosts_of.items()]
    return ["", scene.look.paint(heading, "heading"), *lines] if lines else []


def _left_lines(scene: Scene, tally: Tally) -> list[str]:
    lines = [""]
    if tally.roles_left:
        kind = "role" if len(tally.roles_left) == 1 else "roles"
        lines.append(scene.look.paint(f"Not run: {kind} {', '.join(tally.roles_left)}", "heading"))
    if tally.stopped:
        lines.append(f"Stopped: {tally.stopped}")
    elif tally.exit_status > _CODE_OF_INTERRUPTION:
        lines.append("Stopped by a signal")
    return lines
