"""What the pages show is right: code is validated or run, command lines are parsed, and the site is built."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.docs.blocks import PAGES, ROOT, Block, blocks_of

import opsmop
from opsmop import Policy, Resource, Role, Roles, Settings, TomlInventory, run
from opsmop.cli.commands import COMMANDS, command_named
from opsmop.cli.parser import command_parser, policy_parser
from opsmop.inventory.magic import MAGIC
from opsmop.language.fields import declared
from opsmop.language.role import CONTROLLER_SIDE
from opsmop.reference import types
from opsmop.settings.sources import usual

PRELUDE = "from __future__ import annotations\nfrom opsmop import *\ninventory = TomlInventory('inventory.toml')\n"
INVENTORY = """
[groups.webservers.hosts]
web1 = "opsmop_connection=local rack=1"
web2 = "opsmop_connection=local rack=2"
[groups.databases.hosts]
db1 = "opsmop_connection=local"
[groups.fleet]
children = ["webservers", "databases"]
[groups.all.vars]
port = 8080
"""
_A_FILE = re.compile(r"""["']((?:files|templates)/[\w./-]+)["']""")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_is_valid(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles and policies pass --validate, resources do so within a role, and everything else is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "inventory.toml").write_text(INVENTORY)
    monkeypatch.syspath_prepend(tmp_path)
    for block in blocks_of(page, "python", "toml", "jinja"):
        if block.title:
            monkeypatch.delitem(sys.modules, block.title.removesuffix(".py"), raising=False)
            (tmp_path / block.title).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.title).write_text(block.text)
    known: dict[str, Any] = {}
    for block in blocks_of(page, "python"):
        for name in _A_FILE.findall(block.text):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        module = executed(block, page, tmp_path, known)
        mine = {name: value for name, value in vars(module).items() if known.get(name) is not value}
        for policy in policies(mine, module.__name__):
            reach = "push" if says_hosts(policy) else "local"
            result = run(policy, Settings(mode="validate", reach=reach), file=module.__file__)
            assert [str(wrong) for wrong in result.findings] == [], f"{page.name}:{block.line}"
        known.update(vars(module))


def executed(block: Block, page: Path, folder: Path, known: dict[str, Any]) -> ModuleType:
    path = folder / f"{page.stem.replace('-', '_')}_{block.line}.py"
    path.write_text(PRELUDE + (within_a_role(block.text) if only_resources(block.text) else block.text))
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    vars(module).update({name: value for name, value in known.items() if not name.startswith("__")})
    sys.modules[path.stem] = module
    exec(compile(path.read_text(), str(path), "exec", dont_inherit=True), vars(module))
    return module


def only_resources(text: str) -> bool:
    """Whether these are lines as `main()` has them."""
    tree = ast.parse(text)
    if any(isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)) for node in tree.body):
        return False
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    kinds = {
        name
        for name in opsmop.__all__
        if isinstance(getattr(opsmop, name), type) and issubclass(getattr(opsmop, name), Resource)
    }
    return bool(called & kinds) or "self." in text


def within_a_role(text: str) -> str:
    lines = "".join(f"        {line}\n" for line in text.splitlines())
    return f"class Shown(Role):\n    def main(self):\n{lines}"


def policies(names: dict[str, Any], module: str) -> Iterator[Policy]:
    """The policies that a block defines; its roles as a policy of their own if it defines none."""
    defined = [value for value in names.values() if isinstance(value, type) and value.__module__ == module]
    own = [value for value in defined if issubclass(value, Policy)]
    yield from (value() for value in own)
    roles = [value for value in defined if issubclass(value, Role)]
    if roles and not own:
        found = Roles(*(role() for role in roles))
        policy = type("Shown", (Policy,), {"set_roles": lambda _: found})
        yield policy()


def says_hosts(policy: Policy) -> bool:
    return all(type(role).inventory is not Role.inventory for role in policy.set_roles())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_command_lines_of_a_page_are_understood(page: Path) -> None:
    for block in blocks_of(page, "console", "sh", "bash"):
        for line in block.text.splitlines():
            if "|" in line:
                continue
            if block.language == "console" and not line.startswith("$ "):
                continue
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["opsmop"] and len(words) > 1 and not words[1].startswith("-"):
                command_parser(command_named(words[1])).parse_intermixed_args(words[2:])
            elif words[:2] == ["python3", "site.py"] and "--help" not in words:
                policy_parser("site.py").parse_args(words[2:])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_examples_of_every_command_are_understood(command: Any) -> None:
    for line, _ in command.examples:
        if line.startswith("opsmop ") and "|" not in line:
            words = shlex.split(line)
            assert words[1] == command.name
            command_parser(command).parse_intermixed_args(words[2:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_settings_and_inventories_of_a_page_are_read_without_a_word(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for number, block in enumerate(blocks_of(page, "toml")):
        folder = tmp_path / str(number)
        folder.mkdir(mode=0o700)
        if "[groups." in block.text or "[hosts." in block.text:
            (folder / "inventory.toml").write_text(block.text)
            assert TomlInventory(str(folder / "inventory.toml")).hosts() is not None
        else:
            (folder / "opsmop.toml").write_text(block.text)
            (folder / "opsmop.toml").chmod(0o600)
            assert usual(folder).warnings == (), f"{page.name}:{block.line}"


def test_every_variable_of_an_inventory_is_on_its_page() -> None:
    text = (ROOT / "docs" / "inventory.md").read_text()
    assert [name for name in MAGIC if f"`{name}`" not in text] == []


def test_the_messages_of_the_page_for_troubles_are_messages_of_ours() -> None:
    """What stands between dots, in a bold piece of code, is in the sources, but for names that they fill in."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    source = "".join(path.read_text() for path in (ROOT / "src" / "opsmop").rglob("*.py"))
    source = re.sub(r'"\s*f?"', "", source)  # texts that go on in the next line
    shown = [text for bold in re.findall(r"\*\*(.*?)\*\*", page) for text in re.findall(r"`([^`]+)`", bold)]
    pieces = [piece.strip(" ,") for text in shown for piece in text.split("...")]
    assert len(pieces) > 15
    assert [piece for piece in pieces if piece not in source] == []


@pytest.mark.parametrize("page", ["from-ansible.md", "from-pyinfra.md", "from-opsmop.md"])
def test_what_a_table_of_other_words_offers_is_there(page: str) -> None:
    rows = [line for line in (ROOT / "docs" / page).read_text().splitlines() if line.startswith("| ")]
    offered = [text for row in rows for text in re.findall(r"`([^`]+)`", row.split(" | ")[-1])]
    parsers = [policy_parser("site.py"), *(command_parser(command) for command in COMMANDS)]
    options = {option for parser in parsers for entry in parser._actions for option in entry.option_strings}
    parameters = {name for kind in types() for name in declared(kind)}
    methods = {*CONTROLLER_SIDE, *dir(Role), *dir(Policy), "set_resources", "set_handlers"}
    for text in offered:
        if words := re.findall(r"(?<!\S)--[a-z-]+", text):
            assert set(words) <= options, text
        if called := re.fullmatch(r"([a-z_]+)\(.*\)", text):
            assert called.group(1) in methods, text
        if kind := re.fullmatch(r"([A-Z]\w+)(\(.*\)|\.\w+.*)?", text):
            assert hasattr(opsmop, kind.group(1)), text
        if given := re.fullmatch(r"([a-z_]+)=.*", text):
            assert given.group(1) in parameters | {"tag"}, text
        if re.fullmatch(r"opsmop_\w+", text):
            assert text in MAGIC, text
    assert len(offered) >= 10


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "site" / "tutorial" / "index.html").is_file()
