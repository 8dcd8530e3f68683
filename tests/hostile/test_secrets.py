"""A secret is nowhere to be seen while a role uses it, and nowhere to be found afterwards, but where it was to go."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SECRET = "Verborgen-7d21!"
POLICY = """
from opsmop import *
from pathlib import Path

inventory = TomlInventory("inventory.toml")
HIDDEN = Secret(Path("HOME/vault").read_text())

class One(Role):
    def inventory(self): return inventory
    def set_variables(self): return dict(password=HIDDEN, nested=dict(inner=[HIDDEN]))
    def before_contact(self, host): host.values["attached"] = HIDDEN
    def main(self):
        File("HOME/made/content", from_content=self.vars.password, mode=0o600)
        File("HOME/made/template", from_template="secret.j2", mode=0o600)
        File("HOME/made/late", from_content=T("{{ password }} {{ nested.inner[0] }}"), mode=0o600)
        Shell("cat >/dev/null; sleep 0.3", stdin=self.vars.password, changed_when=False)
        Shell(T("test {{ password }} = other; sleep 0.3"), changed_when=False, failed_when=False)
        Shell('test -n "$WORD"; sleep 0.3; echo "$WORD"; echo "$WORD" >&2; exit 3', env={"WORD": self.vars.password}, ignore_errors=True)
        Echo("{{ password }}")
        print("printed", self.vars.password.reveal())
        try:
            File(T("HOME/made/{{ password }}/missing"), from_content="x")
        except ProviderError as error:
            Echo(str(error))
        raise RuntimeError("a traceback with " + self.vars.password.reveal())

class Site(Policy):
    def set_roles(self): return Roles(One())

if __name__ == "__main__":
    Cli(Site())
"""


def seen_in_processes() -> Iterator[str]:
    """The processes of this machine whose arguments, or whose environment, hold the secret."""
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                content = (process / name).read_bytes()
            except OSError:  # it has ended
                continue
            if SECRET.encode() in content:
                yield f"{name} {content!r}"


@contextmanager
def watching() -> Iterator[list[str]]:
    """Look at every process, over and over."""
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.extend(seen_in_processes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name, text in {
        "vault": SECRET,
        "policy/site.py": POLICY.replace("HOME", str(tmp_path)),
        "policy/secret.j2": "the secret: {{ password }} {{ attached | default('') }}\n",
        "policy/inventory.toml": '[groups.all.hosts]\nhere = "opsmop_connection=local"\n',
        "made/there": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("mode", ["--check", "--apply"])
@pytest.mark.parametrize("reach", [["--push"], ["--local", "--host", "here"]], ids=["push", "local"])
@pytest.mark.parametrize(
    "words", [[], ["--verbose", "--diff"], ["--output", "ndjson"]], ids=["plain", "diff", "ndjson"]
)
def test_a_secret_is_in_no_argument_environment_output_log_or_record(
    home: Path, mode: str, reach: list[str], words: list[str]
) -> None:
    temporary = home / "temporary"
    temporary.mkdir()
    with watching() as seen:
        done = subprocess.run(
            [sys.executable, home / "policy/site.py", mode, *reach, *words],
            env={**os.environ, "HOME": str(home), "TMPDIR": str(temporary)},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1 or mode == "--check", done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert [found for found in seen if not found.startswith("environ")] == []
    assert [found for found in seen if b"WORD=".decode() not in found and "OPSMOP_SCRIPT" not in found] == []
    holding = {path.name for path in home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()}
    assert holding == ({"vault", "content", "template", "late"} if mode == "--apply" else {"vault"})
    private = [
        path for kept in (".local", ".opsmop", ".cache") for path in home.rglob(f"{kept}/**/*") if path.is_file()
    ]
    assert private
    assert [path for path in private if path.stat().st_mode & 0o077] == []
    assert not [*temporary.iterdir()]


# One byte, and not none, keeps a core from a program that would take it by a pipe, too.
@pytest.mark.parametrize(("given", "left"), [("unlimited", "1"), ("unlimited:unlimited", "1"), ("0:0", "0")])
def test_no_process_that_holds_a_secret_leaves_a_core(given: str, left: str, tmp_path: Path) -> None:
    (tmp_path / "inventory.toml").write_text('[groups.all.hosts]\nhere = "opsmop_connection=local"\n')
    (tmp_path / "site.py").write_text(
        """
from opsmop import *

class One(Role):
    def inventory(self): return TomlInventory("inventory.toml").filter()
    def before_contact(self, host): host.values["controller"] = open("/proc/self/limits").read()
    def main(self): Echo(self.vars.controller + open("/proc/self/limits").read())

class Site(Policy):
    def set_roles(self): return Roles(One())

if __name__ == "__main__":
    Cli(Site())
"""
    )
    command = ["prlimit", f"--core={given}", sys.executable, "site.py", "--push", "--apply"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    limits = [line.split() for line in done.stdout.splitlines() if "Max core file size" in line]
    assert [line[line.index("size") + 1] for line in limits] == [left, left], done.stdout + done.stderr
