"""What a push costs, counted: requests, bytes, modules, wakings. Never seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """
import sys
from opsmop import *

class Work(Role):
    def inventory(self): return TomlInventory("hosts.toml")
    def main(self):
        root = self.vars.root
{main}
        with open(f"{{root}}/modules", "w") as file:
            file.write(" ".join(sys.modules))

class Site(Policy):
    def set_roles(self): return Roles(Work())

if __name__ == "__main__":
    Cli(Site())
"""
PLAIN = """
        Directory(f"{root}/folder")
        File(f"{root}/one", from_file="one.txt", mode=0o600)
        File(f"{root}/two", from_content="two")
"""
USUAL = """
        Shell(f"test -e {root}/made || touch {root}/made", changed_when=False)
        made = Command(["touch", f"{root}/a name"], creates=f"{root}/a name")
        if made.changed and Platform.distribution_id() and Platform.package_manager():
            Link(f"{root}/link", to="one")
        File(f"{root}/plain", from_template="plain.j2", validate="test -s %s")
        File(f"{root}/one", absent=True, only_if="true", unless="test -e /nowhere")
        File(f"{root}/hidden", from_content=Secret("hunter22"), mode=0o600)
        Echo("done in {{ root }}")
"""
SLOW_START = {
    "dataclasses",
    "inspect",
    "ast",
    "logging",
    "asyncio",
    "hashlib",
    "_hashlib",
    "socket",
    "tempfile",
    "secrets",
    "pathlib",
    "pickle",
    "json",
    "re",
    "enum",
    "typing",
    "collections",
    "functools",
    "contextlib",
    "linecache",
    "tokenize",
    "signal",
}
MOST_WAKINGS = 6  # signs of life to and from the host while its command runs: one in five and one in ten seconds
Push = Callable[..., dict[str, Any]]


@pytest.fixture
def push(tmp_path: Path) -> Push:
    """Push a role whose main() has these lines; what its contact came to, from the report for machines."""
    (tmp_path / "root").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "one.txt").write_text("one\n")
    (tmp_path / "plain.j2").write_text("{% for n in range(2) %}{{ root }} {{ n }}\n{% endfor %}")
    (tmp_path / "special.j2").write_text("{{ [1, 2] | join('-') }}\n")
    host = f'web1 = {{ opsmop_connection = "local", root = "{tmp_path}/root" }}\n'
    (tmp_path / "hosts.toml").write_text("[groups.all.hosts]\n" + host)

    def pushed(main: str) -> dict[str, Any]:
        (tmp_path / "site.py").write_text(POLICY.format(main=main))
        done = subprocess.run(
            [sys.executable, "site.py", "--push", "--apply", "--output", "ndjson"],
            cwd=tmp_path, env=surroundings(tmp_path), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (ending,) = (
            event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "ContactFinished"
        )
        return ending

    return pushed


def surroundings(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "OPSMOP_"))}
    return {**kept, "HOME": str(folder / "home")}


def imported(folder: Path) -> set[str]:
    """What the role's process has imported beyond what Python itself does on this machine."""
    program = "import sys; print(*sys.modules)"
    own = subprocess.run([sys.executable, "-BEsS", "-c", program], capture_output=True, text=True, check=True).stdout
    return set((folder / "root" / "modules").read_text().split()) - set(own.split())


@pytest.mark.parametrize("resources", [1, 200])
def test_a_role_costs_one_request_whatever_its_length(push: Push, resources: int) -> None:
    lines = "".join(f'        File(f"{{root}}/{number}", from_file="one.txt")\n' for number in range(resources))
    assert push(lines).get("requests", 0) == 0  # besides the order


def test_templates_ride_along_too(push: Push) -> None:
    main = (
        '        File(f"{root}/a", from_template="plain.j2")\n        File(f"{root}/b", from_template="special.j2")\n'
    )
    assert push(main).get("requests", 0) == 0


def test_a_second_push_sends_little(push: Push) -> None:
    assert push(PLAIN)["sent"] > 100_000
    assert push(PLAIN)["sent"] < 20_000


def test_a_role_imports_on_its_host_only_what_it_uses(push: Push, tmp_path: Path) -> None:
    push(PLAIN)
    found = imported(tmp_path)
    assert not {name for name in found if name.partition(".")[0] in {"jinja2", "markupsafe", "yaml", "tomli"}}
    assert sorted(found & SLOW_START) == []
    assert "subprocess" not in found
    resources = {name for name in found if name.startswith("opsmop.resources.")}
    assert not resources & {f"opsmop.resources.{name}" for name in ("package", "service", "user", "group", "shell")}


def test_a_role_of_the_usual_types_imports_nothing_slow(push: Push, tmp_path: Path) -> None:
    push(PLAIN + USUAL)
    assert sorted(imported(tmp_path) & SLOW_START) == []
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == sorted(
        ["a name", "folder", "hidden", "link", "made", "modules", "plain", "two"]
    )


def test_what_a_host_has_installed_is_looked_for_when_a_role_wants_it(push: Push, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    (packages / "only_on_the_host.py").write_text("WORD = 'found'\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "named_by_a_pth.py").write_text("WORD = 'too'\n")
    (packages / "named.pth").write_text(f"{tmp_path}/elsewhere\n")
    inventory = tmp_path / "hosts.toml"
    python = f'opsmop_python_path = "{tmp_path}/venv/bin/python3", '
    inventory.write_text(inventory.read_text().replace("web1 = { ", "web1 = { " + python))
    for _ in ("first", "again, from the code that was kept"):
        push(PLAIN)
        assert "site" not in imported(tmp_path)
    push(
        "        import only_on_the_host, named_by_a_pth\n"
        '        File(f"{root}/a", from_content=only_on_the_host.WORD + named_by_a_pth.WORD)\n'
    )
    assert (tmp_path / "root" / "a").read_text() == "foundtoo"
    push(
        "        try:\n            import nowhere_at_all\n"
        '        except ImportError:\n            File(f"{root}/b", from_content="missing")\n'
    )
    assert (tmp_path / "root" / "b").read_text() == "missing"


def test_a_plain_template_needs_no_jinja2_on_the_host(push: Push, tmp_path: Path) -> None:
    push('        File(f"{root}/a", from_template="plain.j2")\n        Echo("{{ root }} is {{ root | upper }}")\n')
    assert (tmp_path / "root" / "a").read_text() == "".join(f"{tmp_path}/root {number}\n" for number in (0, 1))
    assert not {name for name in imported(tmp_path) if name.startswith("jinja2")}


def test_another_template_brings_it(push: Push, tmp_path: Path) -> None:
    push('        File(f"{root}/a", from_template="special.j2")\n')
    assert (tmp_path / "root" / "a").read_text() == "1-2\n"
    assert "jinja2" in imported(tmp_path)


def test_the_control_machine_does_nothing_while_a_command_runs(push: Push, tmp_path: Path) -> None:
    for name in ("begun", "ended"):
        os.mkfifo(tmp_path / name)
    main = f'        Shell("echo > {tmp_path}/begun; sleep 3; echo > {tmp_path}/ended; cat {tmp_path}/begun")\n'
    (tmp_path / "site.py").write_text(POLICY.format(main=main))
    command = [sys.executable, "site.py", "--push", "--apply"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=surroundings(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        (tmp_path / "begun").read_text()
        before = wakings(running.pid)
        (tmp_path / "ended").read_text()
        after = wakings(running.pid)
        (tmp_path / "begun").write_text("go on\n")
        assert running.stdout is not None
        said = running.stdout.read()
    assert running.returncode == 0, said
    assert after - before <= MOST_WAKINGS


def wakings(process: int) -> int:
    """How often the threads of a process have waited for something and gone on (proc(5), voluntary_ctxt_switches)."""
    threads = Path(f"/proc/{process}/task").glob("*/status")
    lines = [line for thread in threads for line in thread.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
