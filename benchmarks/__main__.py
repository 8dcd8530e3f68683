"""``python3 -m benchmarks``: measures OpsMop beside the bound, interleaved, and prints medians and ratios."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import jobs
from benchmarks.grounds import Grounds, Target, grounds
from benchmarks.measuring import Measurement, measured, median, summary
from benchmarks.tools import Command, bound, opsmop

RESULTS = Path(__file__).parent / "results"
Prepare = Callable[[Grounds, jobs.Job, tuple[Target, ...], Path], Command]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    :param job: what is done
    :param hosts: on how many hosts
    :param delayed: whether behind the proxy
    :param cold: whether the hosts are met for the first time by a control machine that has pushed before
    :param tree: whether OpsMop reaches them through one more host; the bound goes straight to them all the same
    :param phases: ``first`` (the roots are empty), ``again`` (all is as it should be), ``check`` (likewise, and only looked
        at: beside the bound's ``again``)
    """

    job: str
    hosts: int
    delayed: bool = False
    cold: bool = False
    tree: bool = False
    phases: tuple[str, ...] = ("first", "again")

    @property
    def name(self) -> str:
        hosts = f"{self.hosts} host{'s' * (self.hosts != 1)}"
        return (
            f"{self.job}, {hosts}{', delayed' * self.delayed}{', tree' * self.tree}, {'cold' if self.cold else 'warm'}"
        )


ROWS = (
    *(Row("role25", hosts, phases=("first", "again", "check")) for hosts in (1, 10)),
    Row("role25", 40),
    *(Row("role25", hosts, cold=True) for hosts in (1, 10, 40)),
    *(Row("role25", hosts, delayed=True, cold=cold) for hosts in (1, 10) for cold in (False, True)),
    Row("files100", 10),
    Row("big50", 4),
    Row("role25", 10, tree=True),
)


def main() -> None:
    """Measure what the command line asks for."""
    chosen = _arguments()
    rows = [row for row in ROWS if not chosen.rows or any(word in row.name for word in chosen.rows)]
    tools: dict[str, Prepare] = {"bound": bound, "opsmop": opsmop}
    if chosen.peers:
        from benchmarks.peers import installed  # only where they are asked for

        tools.update(installed())
    results: dict[str, object] = {"began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "rows": {}}
    table = [_HEAD, "| --- " * _HEAD.count(" |") + "|"]
    if chosen.startup:
        from benchmarks.startup import startup  # only where it is asked for

        results["startup"] = startup(chosen.runs)
    with grounds(max((row.hosts for row in rows), default=0) or 1, chosen.delay) as place:
        for row in rows:
            found = _row(row, place, tools, chosen.runs)
            results["rows"][row.name] = found  # type: ignore[index]
            _keep(results)
            table += _lines(row, found)
    print("\n".join(table))


_HEAD = (
    "| work | run | bound, s | OpsMop, s | ratio | "
    "CPU of a host, ms: bound / OpsMop | CPU of the controller per host, ms: bound / OpsMop |"
)


def _lines(row: Row, found: dict[str, Any]) -> list[str]:
    """A row as lines of a table of Markdown."""
    lines = []
    for phase in row.phases:
        own = found.get(f"opsmop, {phase}")
        least = found.get(f"bound, {'again' if phase == 'check' else phase}")
        if own is None or least is None:
            continue
        each = [f"{one[side] / row.hosts * 1000:.0f}" for side in ("targets", "controller") for one in (least, own)]
        wall = f"{least['wall']:.2f} | {own['wall']:.2f} | {own['ratio']:.1f}x"
        lines.append(f"| {row.name} | {phase} | {wall} | {each[0]} / {each[1]} | {each[2]} / {each[3]} |")
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", help="words of the rows to measure: '1 host', 'role25, 10', 'cold'; else all"
    )
    parser.add_argument("--runs", type=int, default=5, help="how many runs each median is of")
    parser.add_argument("--delay", type=float, default=50, help="milliseconds of a delayed round trip")
    parser.add_argument("--peers", action="store_true", help="measure other tools too, each installed in its own venv")
    parser.add_argument("--no-startup", dest="startup", action="store_false", help="leave out the start of programs")
    return parser.parse_args()


def _row(row: Row, place: Grounds, tools: dict[str, Prepare], runs: int) -> dict[str, object]:
    job = getattr(jobs, row.job)()
    targets = (place.delayed if row.delayed else place.targets)[: row.hosts]
    folders = {name: place.folder / "work" / f"{row.name.replace(', ', '-').replace(' ', '')}-{name}" for name in tools}
    for folder in folders.values():
        folder.mkdir(parents=True)
    tools = {**tools, "opsmop": partial(opsmop, tree=row.tree)} if row.tree else tools
    commands = _commands(place, job, targets, folders, tools)
    found: dict[str, dict[str, list[Measurement]]] = {name: {phase: [] for phase in row.phases} for name in commands}
    place.empty(homes=True)
    for number in range(runs + 1):  # the first run is what warms hosts and control machine
        expected = None
        for name, command in commands.items():
            for phase, measurement in _run(row, place, command).items():
                found[name][phase] += [measurement] if number else []
            trees = place.trees(row.hosts)
            expected = expected or trees
            if trees != expected:
                sys.exit(f"{row.name}: {name} left something else than the bound: {_difference(expected, trees)}")
    for folder in folders.values():
        shutil.rmtree(folder)
    return _told(row, found)


def _commands(
    place: Grounds, job: jobs.Job, targets: tuple[Target, ...], folders: dict[str, Path], tools: dict[str, Prepare]
) -> dict[str, Command]:
    commands = {}
    for name, prepare in tools.items():
        try:
            commands[name] = prepare(place, job, targets, folders[name])
        except LookupError as error:
            print(f"{name} is left out: {error}")
    return commands


def _run(row: Row, place: Grounds, command: Command) -> dict[str, Measurement]:
    """The first run, from empty roots; and where the hosts are known already, those after it."""
    place.empty(homes=row.cold)
    if not row.cold:
        chosen = {phase: command.for_phase(phase) for phase in row.phases}
        return {phase: measured(one, place) for phase, one in chosen.items() if one is not None}
    for remembered in command.folder.glob("operator/.cache/opsmop/filled-*"):  # these hosts are met for the first time
        remembered.unlink()
    return {row.phases[0]: measured(command, place)}


def _difference(expected: dict[int, dict], trees: dict[int, dict]) -> str:  # type: ignore[type-arg]
    for number, tree in expected.items():
        for path in sorted({*tree, *trees[number]}):
            if tree.get(path) != trees[number].get(path):
                return f"host {number}, {path}: {tree.get(path)} or {trees[number].get(path)}"
    return "nothing"


def _told(row: Row, found: dict[str, dict[str, list[Measurement]]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for phase in row.phases:
        beside = found["bound"][phase] or (found["bound"]["again"] if phase == "check" else [])
        if not beside:
            continue
        least = median(beside, lambda one: one.wall)
        for name, phases in found.items():
            runs = phases[phase]
            if not runs:
                continue
            wall, own, there, memory = (
                median(runs, lambda one, value=value: getattr(one, value))
                for value in ("wall", "controller", "targets", "memory")
            )
            print(
                f"{row.name:32} {phase:6} {name:16} {wall:7.3f} s {wall / least:6.2f}x   CPU per host: "
                f"controller {own / row.hosts * 1000:7.1f} ms, host {there / row.hosts * 1000:7.1f} ms   {memory:5.0f} MiB",
                flush=True,
            )
            told[f"{name}, {phase}"] = {**summary(runs), "ratio": wall / least}
    return told


def _keep(results: dict[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    name = str(results["began"]).replace(":", "")
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
