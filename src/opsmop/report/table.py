"""The recap's table: what became of each host, the worst first."""

from __future__ import annotations

from opsmop.events.lines import Scene
from opsmop.report.names import counted
from opsmop.report.tally import HostTally, Tally

_FOLDED_FROM = 21  # hosts, from which equal ones share a line
_ONE_BY_ONE = 2  # as verbose as that, every host has its own

_COLUMNS = ("ok", "changed", "ran", "failed", "assumed", "skipped")
_RARE_COLUMNS = ("ignored", "warnings")


def folds(scene: Scene, hosts: int) -> bool:
    """Whether equal results of so many hosts share a line."""
    return hosts >= _FOLDED_FROM and scene.verbose < _ONE_BY_ONE


def table_lines(scene: Scene, tally: Tally, *, fold: bool) -> list[str]:
    """A row for each host, or for all hosts that came to the same.

    :param fold: whether equal hosts share a row
    """
    rows = _rows(tally, fold=fold)
    longest = max((len(_word(scene, host)) for _, host in rows), default=0)
    names_width = _names_width(scene, rows, fold=fold)
    columns = [name for name in _COLUMNS if name != "assumed" or scene.mode == "check"]
    columns += [name for name in _RARE_COLUMNS if any(getattr(host, name) for _, host in rows)]
    digits = max((len(str(getattr(host, name))) for _, host in rows for name in columns), default=1)
    full = sum(len(name) + 1 + digits + 2 for name in columns)
    lines = []
    for names, host in rows:
        start, length = _row_start(scene, names, host, (longest, names_width))
        if length + full <= scene.look.width:
            lines.append(f"{start}  {_counts(scene, host, columns, digits)}".rstrip())
        else:
            lines += _narrow_row(scene, names, host, columns, longest)
    return lines


def _rows(tally: Tally, *, fold: bool) -> list[tuple[str, HostTally]]:
    if not fold:
        return tally.sorted_hosts()
    alike: dict[tuple[object, ...], list[str]] = {}
    for name, host in tally.sorted_hosts():
        counts = tuple(getattr(host, column) for column in (*_COLUMNS, *_RARE_COLUMNS))
        alike.setdefault((host.ending, host.lost, counts), []).append(name)
    return [(counted(names), tally.hosts[names[0]]) for names in alike.values()]


def _names_width(scene: Scene, rows: list[tuple[str, HostTally]], *, fold: bool) -> int:
    if not fold:
        return scene.host_width
    return min(max((len(names) for names, _ in rows), default=0), max(8, scene.look.width // 3))


def _word(scene: Scene, host: HostTally) -> str:
    return "lost" if host.lost else scene.word(host.ending)


def _row_start(scene: Scene, names: str, host: HostTally, widths: tuple[int, int]) -> tuple[str, int]:
    start = f"  {scene.look.sign(host.ending)} {_word(scene, host):<{widths[0]}}"
    shown = f"  {scene.look.cut(names, widths[1]):<{widths[1]}}"
    return scene.look.paint(start, host.ending) + shown, len(start) + len(shown)


def _counts(scene: Scene, host: HostTally, names: list[str], digits: int) -> str:
    texts = [(f"{name}={getattr(host, name):<{digits}}", bool(getattr(host, name))) for name in names]
    return "  ".join(text if counts else scene.look.paint(text, "faint") for text, counts in texts)


def _narrow_row(scene: Scene, names: str, host: HostTally, columns: list[str], word_width: int) -> list[str]:
    """The names as far as the line goes, and below them, if there is no room beside, the counts that are not 0."""
    room = scene.look.width - word_width - len("  x   ")
    start, length = _row_start(scene, names, host, (word_width, min(len(names), room)))
    shown = _counts(scene, host, [name for name in columns if getattr(host, name)], 1)
    if length + 2 + len(shown) <= scene.look.width:
        return [f"{start}  {shown}".rstrip()]
    return [start.rstrip(), f"      {shown}"]
