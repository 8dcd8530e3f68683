"""Each example runs for real, twice: the second time is silent, and the same in the other mode."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ON_A_FLEET = {"bastion_tree", "packages", "web_stack"}
HERE = sorted(path.parent.name for path in EXAMPLES.glob("*/site.py") if path.parent.name not in ON_A_FLEET)


def run(site: Path, *words: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, str(site), *words],
        cwd="/",
        env={**os.environ, "HOME": str(site.parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", HERE)
def test_an_example_is_valid_changes_what_it_says_and_is_then_silent_in_both_modes(name: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    site, made = tmp_path / name / "site.py", tmp_path / "opsmop-examples"
    made.mkdir()
    assert "nothing found wrong" in run(site, "--push", "--validate")
    run(site, "--push", "--check")
    assert not list(made.iterdir())
    hosts = tomllib.loads((tmp_path / name / "inventory.toml").read_text())["groups"]
    names = [host for group in hosts.values() for host in group.get("hosts", ())]
    assert f"failed=0 unreachable=0 changed={len(names)}" in run(site, "--push", "--apply").splitlines()[-1]
    assert [path.name for path in made.iterdir()] == [name]
    for reach in (("--push",), ("--local", "--host", names[0])):
        again = run(site, *reach, "--apply")
        assert "failed=0 unreachable=0 changed=0" in again.splitlines()[-1], again
        assert "ran " not in again.partition("Recap")[0]


def test_a_rolling_update_takes_two_at_a_time_out_of_the_pool_and_stops_where_one_fails(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "rolling_update", tmp_path / "rolling_update")
    site, made = tmp_path / "rolling_update" / "site.py", tmp_path / "opsmop-examples" / "rolling_update"
    run(site, "--push", "--apply")
    assert (made / "pool").read_text().split() == ["web1", "web2", "web3", "web4"]
    site.write_text(site.read_text().replace("grep -qx", "test {{ folder }} != web2 && grep -qx"))
    said = run(site, "--push", "--apply", "--extra-vars", "version=2.0", status=1)
    assert "failed=1 unreachable=0 changed=1 ok=0 skipped=0 not_contacted=2" in said.splitlines()[-1]
    assert (made / "pool").read_text().split() == ["web1", "web3", "web4"]
    assert [(made / f"web{n}" / "version").read_text() for n in (1, 2, 3, 4)] == ["2.0\n", "2.0\n", "1.0\n", "1.0\n"]
    assert (made / "failures").read_text().startswith("web2: ")


@pytest.mark.parametrize("name", sorted(ON_A_FLEET))
def test_an_example_for_a_fleet_is_valid(name: str) -> None:
    assert "nothing found wrong" in run(EXAMPLES / name / "site.py", "--push", "--validate")


def test_the_table_names_every_example() -> None:
    table = (EXAMPLES / "README.md").read_text()
    assert [name for name in [*HERE, *ON_A_FLEET] if f"| `{name}` |" not in table] == []
