"""The control machine's code has no way of running, unpickling or importing what a host says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src" / "opsmop"
DANGEROUS = {"eval", "exec", "__import__"}
READERS = {"loads", "load", "Unpickler"}
# Each place that may: what it reads comes from the controller or from the policy's author, never from a host.
ALLOWED = {
    "program.py": "runs the author's own program",
    "transport/mitogen/reaching.py": "on a host on the way: a kind of connection that its controller names",
    "target/prepared.py": "on a target: templates that its controller sends, as Python",
    "transport/worker.py": "a role and its route, from the process that started this one; from hosts it hears JSON",
    "wire/boot.py": "on a target: the code that its controller sends",
    "wire/arriving.py": "on a target: the code that its controller sends",
    "wire/start.py": "on a target: the code that its controller sends",
    "wire/rebuild.py": "on a target: the role that its controller sends",
    "wire/remake.py": "on a target: the role that its controller sends",
    "wire/remake_dataclass.py": "on a target: the role that its controller sends",
    "wire/order.py": "on a target: the order of its controller",
    "target/machine/plans.py": "on a target: what the same agent's role before has said",
}


def dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in DANGEROUS:
            yield called.id
        elif (
            isinstance(called, ast.Attribute)
            and isinstance(called.value, ast.Name)
            and (called.value.id, called.attr in READERS) in {("pickle", True), ("marshal", True), ("shelve", True)}
        ):
            yield f"{called.value.id}.{called.attr}"


FILES = sorted(path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_only_named_places_run_or_unpickle_anything(file: str) -> None:
    found = [*dangers(ast.parse((SOURCES / file).read_text()))]
    assert not found or file in ALLOWED


def test_the_named_places_are_there() -> None:
    assert [file for file in ALLOWED if file not in FILES] == []
