"""Limits from files, and the hosts that failed last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
from pathlib import Path
from opsmop import *

inventory = TomlInventory("hosts.toml")

class Web(Role):
    def inventory(self): return inventory.filter()
    def max_failures(self): return "100%"
    def should_contact(self, host): return not Path(f"{host.all_variables()['broken']}-and-away").exists()
    def main(self):
        Shell(f"test ! -e {self.vars.broken}")

class Site(Policy):
    def set_roles(self): return Roles(Web(tag="x"))

if __name__ == "__main__":
    Cli(Site())
"""
NAMES = ("a", "b", "c[1]", "d")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    lines = [f'"{name}" = {{ opsmop_connection = "local", broken = "{tmp_path}/broken-{name[0]}" }}' for name in NAMES]
    (tmp_path / "hosts.toml").write_text("[groups.all.hosts]\n" + "\n".join(lines))
    (tmp_path / "site.py").write_text(POLICY)
    (tmp_path / "home").mkdir()
    return tmp_path / "site.py"


def run(site: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if name != "XDG_STATE_HOME"}
    return subprocess.run(
        [sys.executable, str(site), "--push", *options],
        env={**surroundings, "HOME": str(site.parent / "home"), **environment},
        cwd=site.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def listed(site: Path, *options: str) -> str:
    done = run(site, "--check", "--list-hosts", *options)
    return done.stdout.partition("batch 1: ")[2].strip() or done.stderr


def test_a_file_of_patterns_limits_and_leaves_out(site: Path) -> None:
    (site.parent / "some").write_text("# the first two\na\n\n[bx]  # b\n")
    assert listed(site, "--limit-hosts", "@some") == "a, b"
    assert listed(site, "--limit-hosts", "!@some") == "c[1], d"
    assert listed(site, "--limit-hosts", "@some,d,!a") == "b, d"


def test_the_hosts_that_failed_are_run_again_until_they_end_well(site: Path) -> None:
    broken = [site.parent / "broken-b", site.parent / "broken-c"]
    for mark in broken:
        mark.touch()
    assert run(site, "--apply").returncode == 1
    assert sorted(listed(site, "--retry").split(", ")) == ["b", "c[1]"]
    assert listed(site, "--limit-hosts", "!@failed") == "a, d"
    broken[0].unlink()
    again = run(site, "--apply", "--retry")
    assert again.returncode == 1
    assert "RESULT failed=1 unreachable=0 changed=1" in again.stdout
    assert run(site, "--apply", "--limit-hosts", "a").returncode == 0
    assert listed(site, "--retry") == "c[1]", "what did not run is remembered as it was"
    broken[1].unlink()
    assert run(site, "--apply", "--retry").returncode == 0
    assert "no host is remembered" in run(site, "--apply", "--retry").stderr


def test_a_host_that_is_not_contacted_stays_remembered(site: Path) -> None:
    (site.parent / "broken-b").touch()
    assert run(site, "--apply").returncode == 1
    away = site.parent / "broken-b-and-away"
    away.touch()
    assert run(site, "--apply").returncode == 0
    assert listed(site, "--retry") == "b"
    (site.parent / "broken-b").unlink()
    away.unlink()
    assert run(site, "--apply", "--retry").returncode == 0
    assert "no host is remembered" in listed(site, "--retry")


def test_what_is_remembered_is_the_users_alone_and_each_policys_own(site: Path) -> None:
    (site.parent / "broken-a").touch()
    run(site, "--check")
    state = site.parent / "home" / ".local" / "state" / "opsmop" / "failed"
    assert not state.exists(), "check remembers nothing"
    run(site, "--apply")
    (memory,) = state.iterdir()
    assert (memory.stat().st_mode & 0o777, state.stat().st_mode & 0o777) == (0o600, 0o700)
    other = site.with_name("other.py")
    other.write_text(POLICY)
    assert "no host is remembered" in listed(other, "--retry")
    run(site, "--apply", XDG_STATE_HOME=str(site.parent / "state"))
    assert len(list((site.parent / "state" / "opsmop" / "failed").iterdir())) == 1


def test_a_memory_that_cannot_be_written_changes_no_result(site: Path) -> None:
    (site.parent / "broken-a").touch()
    done = run(site, "--apply", XDG_STATE_HOME="/dev/null")
    assert done.returncode == 1
    assert "the hosts that failed cannot be remembered" in done.stderr
    assert "RESULT failed=1" in done.stdout


def command(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    surroundings = {name: value for name, value in os.environ.items() if name != "XDG_STATE_HOME"}
    return subprocess.run(
        [sys.executable, "-m", "opsmop", *words],
        env={**surroundings, "HOME": str(site.parent / "home")},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_retries_the_policy_that_failed_last(site: Path) -> None:
    other = site.with_name("other.py")
    other.write_text(POLICY)
    (site.parent / "broken-a").touch()
    assert command(site, "retry").stderr.startswith("opsmop: no policy is remembered that failed\n")
    for policy in (other, site):
        assert command(site, "apply", str(policy), "--push").returncode == 1
    (site.parent / "broken-a").unlink()
    for policy in (site, other):
        done = command(site, "retry", "--verbose")
        assert (done.returncode, done.stderr) == (0, f"opsmop: retrying {policy}\n"), done.stdout
        assert "RESULT failed=0 unreachable=0 changed=1" in done.stdout
    assert command(site, "retry", str(site)).returncode == 2


def test_a_retry_keeps_the_limits_of_the_run_that_failed(site: Path) -> None:
    (site.parent / "broken-b").touch()
    assert command(site, "apply", str(site), "--push").returncode == 1
    (site.parent / "broken-c").touch()
    (site.parent / "some").write_text("c*\nd\n")
    done = command(site, "apply", str(site), "--push", "--limit-hosts", f"@{site.parent}/some", "--tags=x")
    assert done.returncode == 1
    assert f"To retry what failed: opsmop apply {site} --push --limit-hosts @{site.parent}/some --tags=x --retry\n" in (
        done.stdout
    )
    for number, rest in enumerate(("", "")):
        if number:
            (site.parent / "broken-c").unlink()
        again = command(site, "retry")
        assert again.stderr == f"opsmop: retrying {site} --limit-hosts=@{site.parent}/some --tags=x\n{rest}"
        assert f"RESULT failed={1 - number} unreachable=0 changed={number} ok=0" in again.stdout
    assert listed(site, "--retry") == "b", "which failed before"
    (site.parent / "broken-b").unlink()
    done = command(site, "retry")
    assert (done.returncode, done.stderr) == (0, f"opsmop: retrying {site}\n")


def test_of_the_hosts_that_failed_some_can_be_retried(site: Path) -> None:
    for letter in "abc":
        (site.parent / f"broken-{letter}").touch()
    assert run(site, "--apply").returncode == 1
    assert listed(site, "--retry", "--limit-hosts", "!b") == "a, c[1]"
    assert listed(site, "--retry", "--limit-hosts", "c*,d") == "c[1]"
    assert "leave none of the hosts on which site.py failed last" in listed(site, "--retry", "--limit-hosts", "d")


def test_variables_that_a_retry_lacks_are_asked_for(site: Path) -> None:
    (site.parent / "broken-a").touch()
    values = ("--extra-vars", "color=very-hidden size=3")
    assert command(site, "apply", str(site), "--push", *values).returncode == 1
    done = command(site, "retry")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the run that failed had '--extra-vars=color=... size=...', and values are not kept" in done.stderr
    (site.parent / "broken-a").unlink()
    assert command(site, "retry", *values).returncode == 0
    kept = [path.read_bytes() for path in (site.parent / "home").rglob("*") if path.is_file()]
    assert not [text for text in kept if b"very-hidden" in text]


def test_a_command_that_failed_is_no_policy_to_retry(site: Path) -> None:
    inventory = site.with_name("nobody.toml")
    inventory.write_text('[groups.all.hosts]\na = "opsmop_connection=local"\n')
    (site.parent / "broken-a").touch()
    assert command(site, "apply", str(site), "--push").returncode == 1
    assert command(site, "run", "false", "-i", str(inventory)).returncode == 1
    (site.parent / "broken-a").unlink()
    done = command(site, "retry")
    assert (done.returncode, done.stderr) == (0, f"opsmop: retrying {site}\n"), done.stdout
    assert command(site, "retry").stderr.startswith("opsmop: no policy is remembered that failed\n")


def test_hosts_that_a_stopped_run_left_without_a_role_are_named_until_a_whole_run_ends_well(site: Path) -> None:
    text = POLICY.replace('"100%"', "0").replace(
        "class Site(", "class Later(Role):\n    def inventory(self): return inventory.filter()\n\nclass Site("
    )
    site.write_text(text.replace('Roles(Web(tag="x"))', "Roles(Web(), Later())"))
    (site.parent / "broken-b").touch()
    whole = f"opsmop apply {site} --push"
    left = f"opsmop: not run since a failure stopped it: Later on a, c[1], d\n  To run all there: {whole}\n"
    first = command(site, "apply", str(site), "--push")
    assert (first.returncode, first.stderr) == (1, left)
    (site.parent / "broken-b").unlink()
    second = command(site, "retry")
    assert (second.returncode, second.stderr) == (0, f"opsmop: retrying {site}\n{left}")
    assert "no policy is remembered" in command(site, "retry").stderr
    assert "no host is remembered" in command(site, "retry", str(site)).stderr
    one = command(site, "apply", str(site), "--push", "--limit-hosts", "a")
    assert "Later on c[1], d\n" in one.stderr
    assert command(site, *whole.split()[1:]).stderr == ""
