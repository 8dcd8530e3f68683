"""What commands tell programs: one document on stdout, in both spellings; and readers that go early."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import opsmop.report
from opsmop.cli.commands import COMMANDS, Command, command_named
from opsmop.cli.options import TO_DEFAULTS
from opsmop.cli.parser import command_parser, policy_parser

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]
RUN = json.loads((Path(opsmop.report.__file__).parent / "schema" / "run.json").read_text())
POLICY = """
from opsmop.core.easy import *

class Web(Role):
    def inventory(self): return TomlInventory("inventory.toml").filter(groups="web")
    def set_variables(self): return dict(port=8080, key=Secret("very-hidden"), where=[Secret("very-hidden")])
    def main(self): Echo("port {{ port }}")

class Later(Role):
    def inventory(self): return TomlInventory("inventory.toml").filter(groups="web")
    def main(self): Echo("later")

class Site(Policy):
    def set_roles(self): return Roles(Web(), Later())
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "inventory.toml").write_text(
        '[groups.web.hosts]\na = "opsmop_connection=local rack=3"\nb = "opsmop_connection=local"\n'
    )
    (tmp_path / "site.py").write_text(POLICY)
    return tmp_path / "site.py"


def told(opsmop: Opsmop, *words: str) -> Any:
    """What the command says to programs, which is the same in both spellings."""
    said = [opsmop(*words, *spelling).stdout for spelling in (["--json"], ["--output", "json"])]
    lasting = [re.sub(r"[\d.]+ [kMGT]?B free", "some free", text) for text in said]  # others use the disk meanwhile
    assert lasting[0] == lasting[1]
    return json.loads(said[0])


def test_variables_are_told_by_role_with_their_origins_and_without_secrets(opsmop: Opsmop, site: Path) -> None:
    document = told(opsmop, "vars", str(site), "--host", "a")
    assert list(document) == ["Web", "Later"]
    assert document["Web"]["port"] == {"value": 8080, "origin": "Web.set_variables()"}
    assert document["Later"]["rack"] == {"value": "3", "origin": "inventory host a"}
    assert document["Web"]["key"]["value"] == "Secret(********)"
    assert "very-hidden" not in json.dumps(document)
    assert told(opsmop, "vars", str(site), "--host", "a", "port")["Web"] == {"port": document["Web"]["port"]}


def test_records_are_told_with_what_was_typed(opsmop: Opsmop, site: Path) -> None:
    assert told(opsmop, "runs") == []
    assert opsmop("apply", str(site), "--push").returncode == 0
    (run,) = told(opsmop, "runs")
    assert (run["mode"], run["reach"], run["policy"]) == ("apply", "push", str(site))
    assert (run["hosts"], run["failed"], run["exit_status"]) == (2, 0, 0)
    assert run["command"][-3:] == ["apply", str(site), "--push"]
    assert json.loads(opsmop("show", run["run"], "--output", "json").stdout)["started"] == run["began"]


def test_facts_hosts_and_settings_are_told(opsmop: Opsmop, site: Path) -> None:
    assert told(opsmop, "facts", "Platform.system") == told(
        opsmop, "facts", "a", "Platform.system", "-i", "inventory.toml"
    )
    assert set(told(opsmop, "inventory", "list", "-i", "inventory.toml")) == {"a", "b"}
    assert told(opsmop, "config", "push_serial")["push_serial"]["origin"] == "built in"


def test_a_doctor_tells_each_finding(opsmop: Opsmop, site: Path) -> None:
    document = told(opsmop, "doctor", "a", "-i", "inventory.toml")
    assert (document["host"], document["wrong"]) == ("a", any(f["grade"] == "wrong" for f in document["findings"]))
    assert {"login", "Python"} <= {finding["what"] for finding in document["findings"] if finding["grade"] == "ok"}


def test_validation_names_the_roles_that_it_looked_at(opsmop: Opsmop, site: Path) -> None:
    document = json.loads(opsmop("validate", str(site), "--push", "--output", "json").stdout)
    jsonschema.Draft202012Validator(RUN).validate(document)
    assert document["roles"] == ["Web", "Later"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("vars", "site.py", "--host", "a", "--output", "junit"), "opsmop vars tells console or json"),
        (("vars", "site.py", "--host", "nobody", "--output", "json"), "no role goes to a host 'nobody'"),
        (("runs", "--output", "xml"), "--output 'xml' means nothing here"),
        (("inventory", "list", "-i", "absent.toml", "--output", "json"), "absent.toml"),
    ],
)
def test_what_is_wrong_is_told_on_stderr_alone(opsmop: Opsmop, site: Path, words: tuple[str, ...], said: str) -> None:
    done = opsmop(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    "words", [("docs", "File"), ("docs",), ("runs",), ("config",), ("facts",), ("vars", "site.py", "--host", "a")]
)
def test_a_reader_that_goes_early_does_no_harm(opsmop: Opsmop, site: Path, words: tuple[str, ...]) -> None:
    assert opsmop("apply", str(site), "--push").returncode == 0
    gone, ours = os.pipe()
    os.close(gone)
    done = subprocess.run(
        [sys.executable, "-m", "opsmop", *words],
        cwd=site.parent,
        env={**os.environ, "HOME": str(site.parent)},
        stdout=ours,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, "")


IDLE = {
    "validate": {"--ask-ssh-pass", "--workers", "--serial", "--detailed-exitcode", "--retry", "--force-lock", "--diff"},
    "check": {"--force-lock"},
    "apply": {"--detailed-exitcode"},
    "retry": {"--detailed-exitcode", "--retry", "--host"},
    "vars": {"--ask-sudo-pass", "--workers", "--serial", "--detailed-exitcode", "--retry", "--list-hosts", "--verbose"},
}


@pytest.mark.parametrize("name", IDLE)
def test_help_shows_no_option_that_does_nothing_there_though_all_are_taken(name: str) -> None:
    text = command_parser(command_named(name)).format_help()
    assert {option for option in IDLE[name] if f"{option} " in text or f"{option}\n" in text} == set()
    whole = {option for entry in policy_parser("x")._actions for option in entry.option_strings}
    taken = {option for entry in command_parser(command_named(name))._actions for option in entry.option_strings}
    assert whole - taken <= {"--validate", "--check", "--apply", "--vars", "--local", "--push"}


def test_every_command_that_tells_data_tells_programs_too() -> None:
    silent = {"demo", "report", "docs", "init", "completion"}
    for command in COMMANDS:
        assert ("--output FORMAT" in command_parser(command).format_help()) == (command.name not in silent), (
            command.name
        )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_no_option_is_taken_and_passed_over(command: Command) -> None:
    if command.home in ("opsmop.commands.policies", "opsmop.demo"):  # which hand on what was typed, as it was
        return
    files = [importlib.import_module(name).__file__ for name in (command.home, "opsmop.commands.targets")]
    read = {name for file in files for name in re.findall(r"\bgiven\.(\w+)", Path(str(file)).read_text())}
    read |= {option.replace("-", "_") for option in TO_DEFAULTS}
    assert {entry.dest for entry in command_parser(command)._actions} - {"help", "verb"} <= read
