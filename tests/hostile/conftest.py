"""One run of the program against many hosts, all of which but one cheat; and what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

# Test folders are no packages; what tests share stands beside them.
sys.path.insert(0, str(Path(__file__).parents[2]))

from opsmop.demo.sshd import PrivateSshd

AGENT = Path(__file__).parent / "agent.py"
POLICY = """
from opsmop import *

inventory = TomlInventory("inventory.toml")
PASSWORD = "password-of-the-controller"

class Everywhere(Role):
    def inventory(self): return inventory.filter(groups="hosts")
    def main(self):
        "source-of-everywhere"
        Echo("{{ own }}")
        File("HOME/made-" + self.vars.own, from_file="files/served")

class Elsewhere(Role):
    def inventory(self): return inventory.filter(hosts="honest")
    def ssh_as(self): return (None, PASSWORD and None)
    def set_variables(self): return dict(more="variable-of-elsewhere")
    def main(self):
        "source-of-elsewhere"
        Echo("done")

class Site(Policy):
    def set_roles(self): return Roles(Everywhere(), Elsewhere())

if __name__ == "__main__":
    import atexit
    status = open("/proc/self/status")
    atexit.register(lambda: open("HOME/memory", "w").write(status.read().partition("VmHWM:")[2].split()[0]))
    Cli(Site())
"""


_OF_ROOT = Path(__file__).with_name("test_swapped_directories.py")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Who is not root has nothing that somebody could be after."""
    return True if collection_path == _OF_ROOT and os.geteuid() != 0 else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Whoever leaves something out says so. CI is root: see `OPSMOP_REQUIRE_FLEET`."""
    if os.geteuid() != 0:
        terminalreporter.write_line(f"LEFT OUT: tests/hostile/{_OF_ROOT.name}, which needs root", yellow=True)


@dataclass(frozen=True)
class Victim:
    """A controller that has met cheating hosts.

    :param folder: everything of it
    :param status: its exit status
    :param told: what it printed on its standard output
    :param said: what it printed on both streams
    :param memory: the most that it held, in KiB
    """

    folder: Path
    status: int
    told: str
    said: str
    memory: int

    def received(self, host: str) -> bytes:
        """What it sent to a cheating host."""
        return (self.folder / f"{host}.received").read_bytes()


class Controller:
    """Runs a policy on cheating hosts.

    :param sshd: through which they are reached
    :param via: whether they are reached through another host
    """

    def __init__(self, folder: Path, sshd: PrivateSshd, *, via: bool) -> None:
        self.folder, self._sshd, self._via = folder, sshd, via
        for name, content in {
            "site.py": POLICY.replace("HOME", str(folder)),
            "files/served": "served",
            "files/large": "x" * 3_000_000,
            "other/file": "secret-of-another-folder",
        }.items():
            (folder / "policy" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "policy" / name).write_text(content)
        (folder / "outside").write_text("secret-of-the-outside")
        (folder / "policy" / "files" / "link").symlink_to(folder)
        os.mkfifo(folder / "policy" / "files" / "pipe")

    def run(self, cheats: dict[str, str], *words: str, **environment: str) -> Victim:
        """Push the policy to a host for each cheat, and to one that is honest. `words` are more of the command line's."""
        self._write_inventory(cheats)
        with (self.folder / "told").open("wb") as told, (self.folder / "said").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, self.folder / "policy" / "site.py", "--push", "--apply", *words],
                env={
                    **os.environ,
                    "COLUMNS": "200",  # as wide as can be: pytest's workers have a narrow one
                    "HOME": str(self.folder),
                    "OPSMOP_SSH_SILENCE_TIMEOUT": "4",
                    "OPSMOP_SSH_CHECK_HOST_KEYS": "false",
                    **environment,
                },
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=said,
            )
            process.wait()
        texts = [(self.folder / name).read_bytes().decode("utf-8", "replace") for name in ("told", "said")]
        # Of the program alone, which wrote it at its end: ru_maxrss begins with what a process was forked from.
        memory = int((self.folder / "memory").read_text())
        return Victim(self.folder, process.returncode, texts[0], "".join(texts), memory)

    def _write_inventory(self, cheats: dict[str, str]) -> None:
        lines = ["# secret-of-the-inventory", "[groups.hosts.hosts]"]
        for host, cheat in cheats.items():
            python = self.folder / f"{host}.python"
            words = f"{sys.executable} {AGENT} '{cheat}' {self.folder}/{host}.received {self.folder}/policy"
            python.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            python.chmod(0o755)
            lines.append(f'{host} = {{ opsmop_python_path = "{python}", own = "variable-of-{host}" }}')
        lines.append(f'honest = {{ opsmop_python_path = "{sys.executable}", own = "variable-of-honest" }}')
        lines += ["[groups.gates.hosts]", f'gate = {{ opsmop_python_path = "{sys.executable}" }}', "[groups.all.vars]"]
        lines += [
            f'opsmop_host = "{self._sshd.address}"',
            f"opsmop_ssh_port = {self._sshd.port}",
            f'opsmop_ssh_username = "{self._sshd.user}"',
            f'opsmop_ssh_key_file = "{self._sshd.key_file}"',
            f"opsmop_ssh_args = {list(self._sshd.ssh_args)!r}".replace("'", '"'),
            "[groups.hosts.vars]",
            *(['opsmop_via = "gate"'] if self._via else []),
        ]
        (self.folder / "policy" / "inventory.toml").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def sshd() -> Iterator[PrivateSshd]:
    with PrivateSshd() as server:
        yield server
