"""What travels starts on every host for every role: slow parts of the standard library come only where they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "opsmop"
ROOMS = ("__init__.py", "errors.py", "events", "wire", "inventory", "language", "facts", "resources", "target")
SLOW = {
    "asyncio", "ast", "concurrent", "dataclasses", "hashlib", "inspect", "jinja2", "linecache", "logging", "pathlib", "pickle",
    "secrets", "shutil", "socket", "subprocess", "tempfile", "textwrap", "tomli", "tomllib", "traceback", "urllib", "yaml",
}  # fmt: skip
# Imported themselves only where they are needed.
LATE = {
    "events/lines.py", "facts/documents.py", "target/machine/plans.py", "target/templates.py", "wire/remake_dataclass.py",
}  # fmt: skip

# Programs of their own, run where a resource wants them.
PROGRAMS = {str(path.relative_to(SOURCE)) for path in (SOURCE / "target" / "programs").glob("*.py")}


def travelling() -> list[Path]:
    files = [
        path for room in ROOMS for path in ([SOURCE / room] if room.endswith(".py") else (SOURCE / room).rglob("*.py"))
    ]
    return sorted(path for path in files if str(path.relative_to(SOURCE)) not in LATE | PROGRAMS)


@pytest.mark.parametrize("path", travelling(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_slow_is_imported_at_the_top(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not {name.partition(".")[0] for name in names} & SLOW, "import it in the function that needs it"


# What each of these brings along is most of what Python's library costs a host's start.
DEAR = {
    "collections", "contextlib", "dataclasses", "enum", "functools", "json", "linecache", "pathlib", "pickle", "re", "signal",
    "subprocess", "typing",
}  # fmt: skip
STARTED = """
import sys
sys.path.insert(0, sys.argv[1])
import opsmop.target.agent, opsmop.wire.rebuild
from opsmop.target.role_process import evaluation_entry
from opsmop.target.log import Logged
from opsmop.wire.order import Order
evaluation_entry()
import opsmop.resources.directory, opsmop.resources.echo, opsmop.resources.file, opsmop.resources.link, opsmop.resources.shell
Logged(print).open(Order("run", "host", "role", "apply", options={"log": "/nowhere"}))
print(*(name.partition(".")[0] for name in sys.modules))
"""


def test_a_host_starts_without_what_plain_types_do_not_need() -> None:
    command = [sys.executable, "-E", "-s", "-S", "-c", STARTED, str(SOURCE.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & DEAR
