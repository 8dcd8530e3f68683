"""The names that policies import."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import opsmop
from opsmop.core import easy

PROMISED = [
    "Policy",
    "Role",
    "Roles",
    "T",
    "Eval",
    "Platform",
    "FileTests",
    "FileTest",
    "File",
    "Directory",
    "Echo",
    "Shell",
    "TomlInventory",
    "UserDefaults",
    "ProviderError",
    "Secret",
    "Cli",
    "Handlers",
    "Resources",
    "Group",
    "User",
    "Service",
    "Package",
    "Resource",
    "Provider",
    "Change",
    "field",
    "Inventory",
    "Host",
]

FOR_PROGRAMS = {"HostResult", "ResourceResult", "RunResult", "Settings", "run"}


@pytest.mark.parametrize("module", [opsmop, easy])
def test_every_promised_name_is_there_and_is_what_it_says(module: object) -> None:
    assert set(PROMISED) <= set(module.__all__)  # type: ignore[attr-defined]
    for name in module.__all__:  # type: ignore[attr-defined]
        value = getattr(module, name)
        assert getattr(value, "__name__", name) == name


def test_type_checkers_people_and_both_spellings_see_the_same_names() -> None:
    assert sorted(opsmop._HOMES) == opsmop.__all__
    assert set(opsmop.__all__) - set(easy.__all__) == FOR_PROGRAMS
    assert set(easy.__all__) <= set(opsmop.__all__)
    for module, seen in ((opsmop, set(opsmop.__all__)), (easy, set(easy.__all__))):
        tree = ast.parse(Path(module.__file__).read_text())
        block = next(node for node in tree.body if isinstance(node, ast.If))
        imports = [node for node in block.body if isinstance(node, ast.ImportFrom) and node.module != "typing"]
        assert {alias.asname or alias.name for node in imports for alias in node.names} == seen


def test_an_unknown_name_is_an_attribute_error() -> None:
    for module in (opsmop, easy):
        with pytest.raises(AttributeError, match="Fiel"):
            _ = module.Fiel


def test_a_star_import_brings_everything() -> None:
    names: dict[str, object] = {}
    exec("from opsmop.core.easy import *", names)
    assert set(easy.__all__) <= set(names)
    assert names["Role"] is opsmop.Role


def test_importing_the_package_imports_nothing_of_it() -> None:
    code = "import sys, json, opsmop; print(json.dumps([n for n in sys.modules if n.startswith('opsmop')]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["opsmop"]


def test_on_a_target_the_controllers_names_refuse_with_a_reason(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["opsmop.settings"] = sys.modules["opsmop.cli"] = None  # as where they were not sent
from opsmop.core.easy import *
from opsmop.errors import PolicyError
for use in (lambda: Cli(None), lambda: UserDefaults.ssh_username()):
    try:
        use()
    except PolicyError as error:
        print(error.message)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Cli exists on the control machine only\nUserDefaults exists on the control machine only\n"
