"""The layer table of the architecture, read from the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import opsmop

SOURCE = Path(opsmop.__file__).parent

# Each room and the rooms that it may import besides itself.
GROUND = {"errors", "events", "wire"}
PLAIN = GROUND | {"inventory", "language", "facts"}
TARGET = PLAIN | {"resources", "target"}
CONTROLLER = PLAIN | {"settings", "schedule", "ship"}
EVERYTHING = (
    TARGET
    | CONTROLLER
    | {
        "transport",
        "drive",
        "report",
        "records",
        "app",
        "api",
        "cli",
        "commands",
        "program",
        "factsheet",
        "reference",
        "demo",
        "core",
        "__init__",
    }
)
ROOMS = {
    "errors": GROUND,
    "events": GROUND,
    "wire": GROUND,
    "inventory": GROUND,
    "language": GROUND | {"inventory"},
    "facts": GROUND | {"inventory", "language"},
    "resources": PLAIN,
    "target": TARGET,
    "settings": PLAIN,
    "schedule": CONTROLLER,
    "ship": CONTROLLER,
    "transport": CONTROLLER | {"target"},
    "drive": CONTROLLER | {"target", "transport"},
    "report": GROUND,
    "records": GROUND,
    "app": EVERYTHING,
    "api": EVERYTHING,
    "cli": EVERYTHING,
    "commands": EVERYTHING,
    "program": EVERYTHING,
    "factsheet": EVERYTHING,
    "reference": EVERYTHING,
    "demo": EVERYTHING,
    "core": EVERYTHING,
    "__init__": EVERYTHING,
    "__main__": EVERYTHING,
}
TRAVELLING = ("errors", "events", "wire", "inventory", "language", "facts", "resources", "target", "core", "__init__")
# What starts a program of a room above: the text that starts the agent on a target, where it has just arrived, and
# `python3 -m opsmop.facts`.
STARTERS = {("wire/start.py", "opsmop.target.agent"), ("facts/__main__.py", "opsmop.factsheet")}
FLOOR = (3, 9)  # the oldest Python of a target


def sources(rooms: object = None) -> list[Path]:
    wanted = set(ROOMS) if rooms is None else set(rooms)  # type: ignore[call-overload]
    return sorted(path for path in SOURCE.rglob("*.py") if room_of(path) in wanted)


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno, "a relative import"
        elif isinstance(node, ast.ImportFrom) and node.module == "opsmop":
            yield from ((node.lineno, f"opsmop.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def test_every_file_is_in_a_room_that_the_table_knows() -> None:
    assert {room_of(path) for path in SOURCE.rglob("*.py")} <= set(ROOMS)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_the_layers_only(path: Path) -> None:
    room = room_of(path)
    for line, name in imports(ast.parse(path.read_text())):
        assert name != "a relative import", f"{path}:{line}"
        package, _, rest = name.partition(".")
        if (str(path.relative_to(SOURCE)), name) in STARTERS:
            continue
        if package == "opsmop" and room not in ("core", "demo", "__init__") and "scaffold" not in path.parts:
            imported = rest.partition(".")[0]
            assert imported in ROOMS[room] | {room}, f"{path}:{line}: {room} imports {name}"


@pytest.mark.parametrize(
    ("library", "allowed"),
    [("mitogen", {"transport/mitogen"}), ("jinja2", {"target/templates.py"}), ("cloudpickle", set())],
)
def test_a_foreign_library_has_one_door(library: str, allowed: set[str]) -> None:
    users = {
        str(path.relative_to(SOURCE))
        for path in sources()
        for _, name in imports(ast.parse(path.read_text()))
        if name.partition(".")[0] == library
    }
    assert {user for user in users if not any(user.startswith(place) for place in allowed)} == set()


def test_only_the_machine_touches_the_system() -> None:
    offenders = [
        f"{path.relative_to(SOURCE)}:{line} imports {name}"
        for path in sources(("resources", "facts"))
        for line, name in imports(ast.parse(path.read_text()))
        if name.partition(".")[0] in ("os", "shutil", "subprocess", "pwd", "grp")
    ]
    assert offenders == []


@pytest.mark.parametrize("path", sources(TRAVELLING), ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_travels_parses_on_the_oldest_target(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=FLOOR)


def test_core_never_prints() -> None:
    offenders = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in sources(set(ROOMS) - {"report", "app", "cli", "demo"})
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert offenders == []
