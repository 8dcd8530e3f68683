"""The examples that need hosts of their own: applied twice on a fleet, the second time silently."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.fleet.harness import Fleet

EXAMPLES = Path(__file__).parents[2] / "examples"

Boot = Callable[..., Fleet]


def applied(site: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(site), "--push", "--apply"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def laid_out(name: str, folder: Path, fleet: Fleet, groups: dict[str, list[str]]) -> Path:
    """A copy of the example whose inventory is the fleet."""
    shutil.copytree(EXAMPLES / name, folder / name)
    inventory = folder / name / "inventory.toml"
    fleet.inventory(inventory)
    with inventory.open("a") as file:
        for group, children in groups.items():
            file.write(f"\n[groups.{group}]\nchildren = {children}\n")
    return folder / name / "site.py"


def test_one_role_serves_several_releases(boot: Boot, tmp_path: Path) -> None:
    fleet = boot("bullseye", "bookworm")
    site = laid_out("packages", tmp_path, fleet, {"servers": ["fleet"]})
    assert "failed=0 unreachable=0 changed=2" in applied(site)
    assert "failed=0 unreachable=0 changed=0" in applied(site)
    for host in fleet.hosts:
        assert "vim" in host.run("command -v vim.tiny").stdout


def test_the_web_stack_serves_its_page_and_knows_its_database(boot: Boot, tmp_path: Path) -> None:
    fleet = boot("bookworm", "trixie")
    site = laid_out("web_stack", tmp_path, fleet, {"databases": ["bookworm"], "webservers": ["trixie"]})
    assert "failed=0 unreachable=0 changed=2" in applied(site)
    assert "failed=0 unreachable=0 changed=0" in applied(site)
    web = next(host for host in fleet.hosts if host.release == "trixie")
    page = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8080/').read().decode())"
    assert "The visits are kept on" in web.run(f'python3 -c "{page}"').stdout
