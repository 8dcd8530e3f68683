"""How long programs take to start: as ratios to a Python that does nothing."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tools import plain_environment

PROJECT = Path(__file__).parents[1]


def startup(runs: int) -> dict[str, dict[str, float]]:
    """The medians of wall and CPU time of what starts, interleaved, printed and returned."""
    commands = _commands()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory(prefix="opsmop-bench-") as home:
        for number in range(runs + 1):
            for name, (folder, words) in commands.items():
                took = _taken(words, folder, home)
                if number:  # the first run of each writes what the others read
                    found[name].append(took)
    least = statistics.median(wall for wall, _ in found["python3 -c pass"])
    told = {}
    for name, takes in found.items():
        wall, own = (statistics.median(values) for values in zip(*takes, strict=True))
        told[name] = {"wall": wall, "cpu": own, "ratio": wall / least}
        print(f"{name:44} {wall * 1000:7.1f} ms {wall / least:6.1f}x   CPU {own * 1000:7.1f} ms", flush=True)
    return told


def _commands() -> dict[str, tuple[Path, list[str]]]:
    python = sys.executable
    commands = {
        "python3 -c pass": (PROJECT, [python, "-c", "pass"]),
        "import opsmop": (PROJECT, [python, "-c", "import opsmop"]),
        "from opsmop import Cli, File, Role, ...": (
            PROJECT,
            [python, "-c", "from opsmop import Cli, Directory, File, Policy, Role, Roles, Shell, TomlInventory"],
        ),
        "from opsmop.core.easy import *": (PROJECT, [python, "-c", "from opsmop.core.easy import *"]),
    }
    for site in sorted((PROJECT / "examples").glob("*/site.py")):
        commands[f"{site.parent.name}: --help"] = (site.parent, [python, site.name, "--help"])
        commands[f"{site.parent.name}: --validate"] = (site.parent, [python, site.name, "--validate", _reach(site)])
    return commands


def _reach(site: Path) -> str:
    return "--push" if (site.parent / "inventory.toml").exists() or (site.parent / "hosts.toml").exists() else "--local"


def _taken(words: list[str], folder: Path, home: str) -> tuple[float, float]:
    started = time.perf_counter()
    process = subprocess.Popen(
        words,
        cwd=folder,
        env={**plain_environment(), "HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime
