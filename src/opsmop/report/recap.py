"""What a run came to, as lines of text."""

from __future__ import annotations

from opsmop.events.lines import Scene, message_text
from opsmop.events.look import duration_text
from opsmop.report.costs import Costs, Slowness, bytes_text
from opsmop.report.look import WIDEST
from opsmop.report.names import blurred, counted, merged, with_name, without_name
from opsmop.report.table import folds, table_lines
from opsmop.report.tally import Reason, Tally

_LONGEST_RESOURCE = 60  # columns that a resource's name takes in a reason
_SHORTEST_RESOURCE = 12  # columns that a resource's name keeps beside its duration
_NAMED_HOSTS = 5  # hosts that stand one by one; more are folded
_MOST_SLOW, _SLOW = 5, 1.0  # resources that are named, and seconds from which they are
_CODE_OF_INTERRUPTION = 128  # a shell's exit status for a signal begins above it


def recap_lines(scene: Scene, tally: Tally, costs: Costs, retry: str = "") -> list[str]:
    """The whole recap: hosts, reasons, costs, what was not predicted, what did not run, and the line for machines.

    :param retry: the command that goes once more to the hosts that failed, if there is one
    """
    lines = ["", scene.look.paint(_title(tally), "heading")] if tally.hosts else [""]
    lines += table_lines(scene, tally, fold=folds(scene, len(tally.hosts)))
    lines += _reason_lines(scene, tally)
    lines += _slow_lines(scene, costs)
    lines += _beyond_lines(scene, tally)
    lines += _role_lines(scene, "Not contacted", {name: host.untouched for name, host in tally.hosts.items()})
    left_out = {name: host.left_out for name, host in tally.hosts.items()}
    lines += _role_lines(scene, "Left out: the hook before the role ran, the hook after it did not", left_out)
    lines += _left_lines(scene, tally)
    lines += [f"Took {duration_text(tally.duration)}{_traffic_text(costs)}."]
    lines += [f"To retry what failed: {retry}"] if retry else []
    return [*lines, result_line(tally)]


def stopped_lines(scene: Scene, tally: Tally) -> list[str]:
    """What there is to say of a run of which no role began."""
    lines = _left_lines(scene, tally)
    return lines if any(lines) else []


def result_line(tally: Tally) -> str:
    """The last line, for ``grep``: how many hosts came to what. Rare endings are named only if there are any."""
    names: tuple[str, ...] = ("failed", "unreachable", "changed", "ok", "skipped")
    names += tuple(name for name in ("cancelled", "not contacted") if tally.ended(name))
    return "RESULT " + " ".join(f"{name.replace(' ', '_')}={len(tally.ended(name))}" for name in names)


def _title(tally: Tally) -> str:
    return "Recap: nothing was changed, this was a check" if tally.mode == "check" else "Recap"


def _section(scene: Scene, heading: str, lines: list[str]) -> list[str]:
    return ["", scene.look.paint(heading, "heading"), *lines] if lines else []


def _reason_lines(scene: Scene, tally: Tally) -> list[str]:
    fold = folds(scene, len(tally.hosts))
    alike: dict[tuple[str, str, str], dict[str, str]] = {}  # by place, resource and message: the texts of hosts
    for name, host in tally.sorted_hosts():
        for reason in host.reasons:
            whole = _reason_text(scene, reason)
            text = without_name(whole, name) if fold else whole
            key = (reason.failure.place, reason.resource, blurred(text) if fold else text)
            alike.setdefault(key, {})[name] = text
    told = [(list(texts), with_name(merged(list(texts.values())), list(texts))) for texts in alike.values()]
    lines = [line for names, text in told for line in _wrapped(scene, f"  {_names_text(names)}: {text}")]
    return _section(scene, "Reasons", lines)


def _wrapped(scene: Scene, line: str) -> list[str]:
    """On more lines where somebody reads; what goes elsewhere is searched, and its lines are whole."""
    if scene.look.width >= WIDEST:
        return [line]
    import textwrap  # 1 ms of patterns

    return textwrap.wrap(
        line, scene.look.width, subsequent_indent=" " * 4, break_long_words=False, break_on_hyphens=False
    )


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


def _slow_lines(scene: Scene, costs: Costs) -> list[str]:
    return _section(scene, "Slowest", [_slow_line(scene, one) for one in costs.slowest(_MOST_SLOW, _SLOW)])


def _slow_line(scene: Scene, slow: Slowness) -> str:
    start = f"  {duration_text(slow.longest):>8}  "
    average = f", {duration_text(slow.total / slow.hosts)} on average of {slow.hosts}" if slow.hosts > 1 else ""
    place = f"  {scene.place(slow.place)}" if slow.place else ""
    room = scene.look.width - len(start) - len("  ") - len(slow.host)
    resource = scene.look.cut(slow.resource, max(room, _SHORTEST_RESOURCE))
    line, room = f"{start}{resource}  {slow.host}", room - len(resource)
    line, room = (line + average, room - len(average)) if len(average) <= room else (line, room)
    return line + scene.look.paint(place, "faint") if len(place) <= room else line


def _traffic_text(costs: Costs) -> str:
    if not costs.received:
        return ""
    trips = "1 round trip" if costs.trips == 1 else f"{costs.trips} round trips"
    return f", {bytes_text(costs.sent)} sent and {bytes_text(costs.received)} received in {trips}"


def _names_text(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED_HOSTS else counted(names)


def _beyond_lines(scene: Scene, tally: Tally) -> list[str]:
    hosts_of: dict[str, list[str]] = {}
    for name, host in tally.hosts.items():
        for place in host.beyond:
            hosts_of.setdefault(scene.place(place), []).append(name)
    lines = [f"  {_names_text(names)}: beyond {place}" for place, names in hosts_of.items()]
    return _section(scene, "What check could not predict", lines)


def _role_lines(scene: Scene, heading: str, roles: dict[str, tuple[str, ...]]) -> list[str]:
    """The hosts of each role, below a heading; all of them, for somebody has to look after each."""
    hosts_of: dict[str, list[str]] = {}
    for name, named in roles.items():
        for role in named:
            hosts_of.setdefault(role, []).append(name)
    return _section(scene, heading, [f"  {role}: {_names_text(names)}" for role, names in hosts_of.items()])


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
