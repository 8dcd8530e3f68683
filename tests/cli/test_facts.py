"""Facts in policies that are run as the programs that they are, and facts by themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

OLDEST = 9  # Python 3.9

POLICY = """
from opsmop.core.easy import *

inventory = TomlInventory("hosts.toml")
PREFIX = "queue"

class Queue(Fact):
    def __init__(self, name): self.name = name
    def length(self): return self._once("length", lambda: int(self._machine.ask(["echo", "3"]).stdout))
    def title(self): return f"{PREFIX} {self.name}"

mail = Queue("mail")

def shouted(text): return f"{text.upper()}!"

class Web(Role):
    def inventory(self): return inventory.filter(groups="web")
    def main(self):
        Echo("{{ Mail.title() }} has {{ Mail.length() }}, twice {{ twice(Mail.length()) }}, {{ name | shouted }} {{ 'x' | mine }}")
        Echo(f"in Python {mail.title()} {mail.length()}")
        Echo("user {{ UserFacts.j.a.b }} {{ UserFacts.t.a.b }} {{ UserFacts.y.a.b }} {{ UserFacts.x.a.b }}")
        Echo("fell {{ Chaos.random() }}")
        DebugFacts()

class Site(Policy):
    def fact_context(self): return dict(Mail=mail)
    def template_globals(self): return dict(twice=lambda n: n * 2, name="ops")
    def template_filters(self): return dict(shouted=shouted, mine=self.own)
    def own(self, text): return f"[{text}]"
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""


def pythons() -> list[str]:
    """Every Python here that can be a target."""
    found = sorted(Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3"))
    return [sys.executable, *(str(path) for path in found if int(path.parts[-3].split(".")[1]) >= OLDEST)]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    hosts = [f'web{n} = "opsmop_connection=local opsmop_python_path={path}"' for n, path in enumerate(pythons())]
    (tmp_path / "hosts.toml").write_text("[groups.web.hosts]\n" + "\n".join(hosts) + "\n")
    facts = tmp_path / "facts"
    facts.mkdir(mode=0o755)
    (facts / "j.json").write_text('{"a": {"b": 1}}')
    (facts / "t.toml").write_text("[a]\nb = 2\n")
    (facts / "y.yaml").write_text("a: {b: 3}\n")
    (facts / "x.sh").write_text("#!/bin/sh\nprintf 'a:\\n  b: 4\\n'\n")
    (facts / "x.sh").chmod(0o755)
    path = tmp_path / "site.py"
    path.write_text(POLICY)
    return path


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(site.parent), "OPSMOP_FACTS_DIR": str(site.parent / "facts")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=site.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def said(output: str, word: str) -> list[str]:
    """What follows `word` in the lines that have it, sorted: hosts come in any order."""
    return sorted(line.partition(word)[2].strip() for line in output.splitlines() if word in line)


@pytest.mark.parametrize("mode", ["--check", "--apply"])
@pytest.mark.parametrize("reach", ["--local", "--push"])
def test_facts_globals_and_filters_of_a_policy_travel(site: Path, reach: str, mode: str) -> None:
    done = run(site, str(site), reach, mode)
    assert done.returncode == 0, done.stdout + done.stderr
    hosts = 1 if reach == "--local" else len(pythons())
    assert said(done.stdout, "queue mail has") == ["3, twice 6, OPS! [x]"] * hosts
    assert said(done.stdout, "in Python queue mail") == ["3"] * hosts
    assert said(done.stdout, "user ") == ["1 2 3 4"] * hosts
    assert said(done.stdout, "Platform.system:") == ["Linux"] * hosts
    assert said(done.stdout, "UserFacts.t:") == ["{'a': {'b': 2}}"] * hosts
    assert said(done.stdout, "Mail.title:") == ["queue mail"] * hosts


def test_a_seed_repeats_chance_per_host_in_check_and_apply(site: Path) -> None:
    seeded = [
        said(run(site, str(site), "--push", mode, "--seed", "7").stdout, "fell ") for mode in ("--check", "--apply")
    ]
    assert seeded[0] == seeded[1]
    assert len(set(seeded[0])) == len(pythons())
    assert said(run(site, str(site), "--push", "--apply", "--seed", "8").stdout, "fell ") != seeded[0]
    assert said(run(site, str(site), "--push", "--apply").stdout, "fell ") != seeded[0]


@pytest.mark.parametrize("line", ["SYSTEM = Platform.system()", "USERS = UserFacts.j"])
def test_a_fact_at_module_level_is_an_error_that_says_where_to_put_it(site: Path, line: str) -> None:
    site.write_text(POLICY.replace('PREFIX = "queue"', line))
    done = run(site, "-m", "opsmop", "check", str(site), "--push")
    assert done.returncode == 2
    assert "is asked where no role is being evaluated" in done.stderr
    assert "in main(), or in what main() calls" in done.stderr


def test_a_fact_in_set_variables_is_an_error_in_push_mode_and_this_machines_in_local_mode(site: Path) -> None:
    addition = (
        "class Web(Role):\n    def set_variables(self): return dict(port=UserFacts.j.a.b, system=Platform.system())"
    )
    policy = POLICY.replace("class Web(Role):", addition).replace("fell", "on {{ system }}:{{ port }} fell")
    site.write_text(policy)
    pushed = run(site, str(site), "--push", "--check")
    assert pushed.returncode == 2
    place = policy[: policy.index("UserFacts.j.a")].count("\n") + 1
    assert f"site.py:{place}: UserFacts is asked where no role is being evaluated" in pushed.stderr, pushed.stderr
    assert "ask UserFacts in main(), or in what main() calls" in pushed.stderr
    local = run(site, str(site), "--local", "--check")
    assert local.returncode == 0, local.stdout + local.stderr
    assert "on Linux:1 fell" in local.stdout


@pytest.mark.parametrize(
    ("method", "returned", "message"),
    [
        ("fact_context", "[1]", "Site.fact_context() returned list, not a dict"),
        ("fact_context", "dict(Platform=mail)", "Platform is a fact already"),
        ("fact_context", "dict(Mail=Queue)", "Mail is the class Queue, not a fact"),
        ("fact_context", "1 / 0", "Site.fact_context() raised ZeroDivisionError"),
        ("fact_context", "{'a b': mail}", "'a b' cannot be a name in a template"),
        ("template_globals", "None", "Site.template_globals() returned NoneType, not a dict"),
        ("template_filters", "dict(a=1)", "Site.template_filters(): a is int, which cannot be called"),
        ("template_globals", "dict(lock=__import__('threading').Lock())", "lock"),
    ],
)
def test_an_addition_that_cannot_be_is_refused_before_any_host(
    site: Path, method: str, returned: str, message: str
) -> None:
    lines = [
        f"    def {method}(self): return {returned}" if line.startswith(f"    def {method}(") else line
        for line in POLICY.splitlines()
    ]
    site.write_text("\n".join(lines))
    done = run(site, str(site), "--push", "--apply")
    assert (done.returncode, done.stdout.count("web0")) == (2, 0), done.stdout + done.stderr
    assert message in done.stderr


def test_facts_by_themselves_are_a_table_or_json(site: Path) -> None:
    (site.parent / "facts" / "bad.json").write_text("{")
    table = run(site, "-m", "opsmop.facts")
    assert table.returncode == 0
    assert said(table.stdout, "Platform.system ") == ["Linux"]
    assert "UserFacts.bad cannot be found out" in table.stderr
    assert "bad.json:1: this user fact is not JSON" in table.stderr
    whole = json.loads(run(site, "-m", "opsmop.facts", "--json").stdout)
    assert whole["Platform"]["cpus"] >= 1
    assert whole["UserFacts"] == {
        "bad": None,
        "j": {"a": {"b": 1}},
        "t": {"a": {"b": 2}},
        "x": {"a": {"b": 4}},
        "y": {"a": {"b": 3}},
    }


@pytest.mark.parametrize(
    ("words", "status", "out", "err"),
    [
        (("Platform.system",), 0, "Linux\n", ""),
        (("UserFacts.t", "--json"), 0, '{\n  "a": {\n    "b": 2\n  }\n}\n', ""),
        (("UserFacts.bad",), 1, "", "this user fact is not JSON"),
        (("Platform.sistem",), 2, "", "Did you mean 'Platform.system'"),
        (("Platfrom",), 2, "", "Did you mean 'Platform'"),
        (("--wrong",), 2, "", "unrecognized arguments: --wrong"),
    ],
)
def test_one_fact_by_itself(site: Path, words: tuple[str, ...], status: int, out: str, err: str) -> None:
    (site.parent / "facts" / "bad.json").write_text("{")
    done = run(site, "-m", "opsmop.facts", *words)
    assert (done.returncode, done.stdout) == (status, out)
    assert err in done.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Chaos", "it gives another answer each time"),
        ("Chaos.random", "it gives another answer each time"),
        ("FileTests.exists", "it is asked about a path"),
        ("UserFacts.q", "Did you mean 'UserFacts."),
        ("Platform.codenam", "Did you mean 'Platform.codename'"),
    ],
)
def test_a_fact_that_has_nothing_to_show_says_why(site: Path, name: str, why: str) -> None:
    done = run(site, "-m", "opsmop", "facts", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr


def test_a_machine_without_user_facts_says_where_they_would_be(site: Path) -> None:
    for path in (site.parent / "facts").iterdir():
        path.unlink()
    done = run(site, "-m", "opsmop.facts", "UserFacts")
    assert (done.returncode, done.stdout) == (2, "")
    assert "UserFacts cannot be shown: there is none of that name" in done.stderr
    assert "/etc/opsmop/facts.d" in done.stderr
