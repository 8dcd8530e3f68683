"""`--validate` finds what is wrong in every branch of every role; it contacts no host and runs no `main()`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.language.conftest import loaded

from opsmop import RunResult, Settings, run

POLICY = """
COLOR = "blue"

class One(Role):
    def inventory(self): return inventory
    def set_handlers(self): return Handlers(restart_app=Echo("restarted"))
    def main(self):
        port = 80
        Shell(f"touch {OUT}/ran")
        if Platform.system() == "Plan 9":
            WRONG

class Two(Role):
    def inventory(self): return inventory
    def main(self): Echo("{{ COLOR is defined }}")

class Site(Policy):
    def set_variables(self): return dict(env="prod")
    def set_roles(self): return Roles(One(), Two())
"""


def validated(both: Any, text: str, files: dict[str, str] | None = None, reach: str = "push") -> tuple[RunResult, Path]:
    site = both.write(text, files or {})
    both.out.mkdir(exist_ok=True)
    result = run(loaded(site).Site(), Settings(mode="validate", reach=reach))
    assert not list(both.out.iterdir())
    return result, site


def line_of(site: Path, text: str) -> int:
    return next(number for number, row in enumerate(site.read_text().splitlines(), 1) if text in row)


@pytest.mark.parametrize("reach", ["local", "push"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('File("/a", mod=1)', "File has no parameter 'mod'"),
        ('Command(["ls"], pipefail=True)', "Command has no parameter 'pipefail'"),
        ('Fiel("/a")', "nothing defines Fiel(...)"),
        ("File(mode=0o644)", "File needs 'name'"),
        ('File("/a", "b")', "by position"),
        ('Shell("true", register="a-b")', "Shell(register=...) takes a variable's name, not 'a-b'"),
        ("File(f'/{port}', mode=1.5)", "File(mode=...) takes"),
        ('File("/a", mode="0999")', "not octal digits"),
        ('File("a", from_content=COLOR)', "absolute path"),
        ('Service("x")', "nothing is said of it"),
        ('File("/a", from_content="x", absent=True)', "takes only one of"),
        ('File(f"/{port}", from_file="files/absent")', "'files/absent': No such file"),
        ('File("/a", from_template="templates/broken.j2")', "does not parse"),
        ('File("/a", from_template="templates/outer.j2")', "does not parse"),
        ('Echo("{{ port")', "does not parse"),
        ('Echo("{{ port | nofilter }}")', "nofilter"),
        ('Shell(T("{% if %}"))', "does not parse"),
        ('Shell("true", env={"A": T("{{")})', "does not parse"),
        ('Shell("true", failed_when=Eval("rc >"))', "does not parse"),
        ('File("/a", signals="restart_ap")', "no handler of that name"),
        ("User('x', uid='many')", "User(uid=...) takes"),
        ('File(f"/{port}", from_content=T("{{ port }}"), absent=True)', "takes only one of"),
        ('File(f"/{port}", mode="0999", owner=port)', "not octal digits"),
        ("Service(port, started=False, restarted=True)", "goes with neither"),
        ('User(f"u{port}", remove=True)', "goes with absent=True"),
    ],
)
def test_a_fault_in_a_branch_that_may_never_run_is_found(both: Any, wrong: str, said: str, reach: str) -> None:
    files = {"templates/broken.j2": "a\n{% if %}", "templates/outer.j2": "{% include 'templates/broken.j2' %}"}
    result, site = validated(both, POLICY.replace("WRONG", wrong), files, reach)
    assert len(result.findings) == 1, result.findings
    error = result.findings[0]
    assert said in error.message
    assert error.place in (f"{site}:{line_of(site, wrong)}", "templates/broken.j2:2")
    assert (result.exit_status, result.ok) == (2, False)


def test_a_fault_of_something_sensitive_is_told_without_its_parameters(both: Any) -> None:
    wrong = 'Line("/a", "hidden-new", regexp="^hidden-old", owner=port, sensitive=True)'
    (error,) = validated(both, POLICY.replace("WRONG", wrong))[0].findings
    assert "regexp='********' does not match the line" in error.message
    assert "hidden" not in str(error)


@pytest.mark.parametrize(
    "right",
    [
        'File("/a", **dict(mode=0o644))',
        "import json as j; from os.path import join; j.loads(join('1')); [one() for one in [str]]; (lambda f: f())(int)",
        "exec = print; exec('x'); super(); type(self)()",
        'File(*["/a"], mode="0644")',
        'Git("/a", repository="/b")',
        'File(name=f"/{port}", owner=port, from_content=COLOR)',
        'Echo("{{ env }} {{ port }} {{ Platform.system() }} {{ range(3) }} {{ maybe | default(1) }}")',
        'Service("x", started=bool(port))',
        'Service("x", restarted=bool(port), reloaded=bool(env))',
        'User("x", absent=bool(port), remove=True)',
        'User(f"u{port}", password_hash=port, home=port)',
        'File(port, from_content=T("{{ port }}"), mode=port)',
        'Package([port], version="1", purge=bool(port))',
        'Group(f"g{port}", system=True)',
        'File = lambda *_: None; File("/a", "b")',
        'File("/a", from_template="templates/fine.j2", signals="restart_app", changed_when=lambda r: True)',
        'File("/a", from_template="templates/fine.j2", encoding=str(port), newline=str(port), trim_blocks=bool(port))',
    ],
)
def test_what_is_right_is_left_alone(both: Any, right: str) -> None:
    files = {"templates/fine.j2": "{% for x in [1] %}{{ x }}{% endfor %}{{ env }}"}
    result, _ = validated(both, POLICY.replace("WRONG", right), files)
    assert (result.findings, result.warnings, result.exit_status) == ((), (), 0)


def test_a_method_that_no_provider_has_is_found(both: Any) -> None:
    text = "class Own(Provider, provides=Package):\n    def plan(self): return iter(())\n" + POLICY
    wrong = 'Package("x", method="atp")'
    result, site = validated(both, text.replace("WRONG", f"{wrong}; Package('y', method='own', version=str(port))"))
    (error,) = result.findings
    assert (error.message, error.place) == ("Package has no method 'atp'", f"{site}:{line_of(site, wrong)}")
    assert error.remedy == "Did you mean 'apt'?"


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("    def main(self):\n        return File('/a')", "main() of Two returns a resource"),
        ("    main = lambda self: File('/a')", "main() of Two returns a resource"),
        (
            "    def set_resources(self): Resources(File('/a'))",
            "set_resources() of Two constructs resources and returns",
        ),
        (
            "    def set_handlers(self):\n        a = File('/a')",
            "set_handlers() of Two constructs resources and returns",
        ),
    ],
)
def test_what_is_returned_in_vain_or_not_returned_is_found(both: Any, method: str, said: str) -> None:
    text = POLICY.replace("WRONG", "pass").replace('    def main(self): Echo("{{ COLOR is defined }}")', method)
    result, site = validated(both, text)
    (error,) = result.findings
    assert said in error.message
    assert error.place == f"{site}:{line_of(site, chr(47) + 'a')}"


def test_a_method_whose_name_is_nearly_one_that_is_asked_for_is_a_warning_said_once(both: Any) -> None:
    methods = "    def set_variable(self): ...\n    def seriel(self): return 3\n    def inventory_(self): ...\n"
    text = (
        POLICY.replace("WRONG", "self.inventory_()")
        .replace("    def set_handlers", methods + "    def set_handlers")
        .replace("Roles(One(), Two())", "Roles(One(), One(), Two())")
    )
    result, site = validated(both, text)
    assert result.findings == ()
    assert sorted(result.warnings) == [
        f"{site}:{line_of(site, 'set_variable(')}: nothing calls set_variable() of One\n  Did you mean set_variables()?",
        f"{site}:{line_of(site, 'seriel(')}: nothing calls seriel() of One\n  Did you mean serial()?",
    ]


def test_templates_that_others_name_are_found_missing_at_their_line_unless_they_may_be(both: Any) -> None:
    text = POLICY.replace(
        "WRONG", 'File("/a", from_template="templates/a.j2"); File("/b", from_template="templates/b.j2")'
    )
    files: dict[str, Any] = {
        "templates/a.j2": "{% include 'none.j2' ignore missing %}{% include ['none.j2', 'templates/c.j2'] %}\n\n"
        "{% import 'templates/none.j2' as words %}\n{{ prot }}",
        "templates/b.j2": b"\xff {{ env }}",
        "templates/c.j2": "",
    }
    result, site = validated(both, text, files)
    missing, binary = sorted(result.findings, key=lambda error: error.place, reverse=True)
    assert missing.place == "templates/a.j2:3"
    assert "'templates/none.j2': No such file" in missing.message
    assert binary.place == f"{site}:{line_of(site, 'b.j2')}"
    assert (binary.message, binary.remedy) == (
        "the template templates/b.j2 is not UTF-8 text (byte 0)",
        "Use from_file for a file that is no template.",
    )
    assert ["templates/a.j2:4: nothing defines 'prot'" in warning for warning in result.warnings] == [True]


@pytest.mark.parametrize("said", ["{'restart_app': Echo('x')}", "dict(restart_app=Echo('x'))", "[Echo('x')]"])
def test_handlers_that_are_no_handlers_are_found(both: Any, said: str) -> None:
    text = POLICY.replace("WRONG", "pass").replace('Handlers(restart_app=Echo("restarted"))', said)
    result, site = validated(both, text)
    (error,) = result.findings
    assert "set_handlers() of One returns a" in error.message
    assert (error.place, error.remedy) == (f"{site}:{line_of(site, said)}", "Return Handlers(name=resource, ...).")


def test_everything_is_found_in_one_run(both: Any) -> None:
    text = POLICY.replace("WRONG", 'File("/a", mod=1, mode=1.5); Echo("{{")').replace(
        "    def inventory(self): return inventory\n    def main(self): Echo",
        "    def set_variables(self): return None\n    def main(self): Echo",
    )
    result, _ = validated(both, text)
    said = "\n".join(map(str, result.findings))
    wanted = ["no parameter 'mod'", "File(mode=...)", "does not parse", "Two.set_variables() returned NoneType"]
    wanted.append("role Two does not say which hosts it is for")
    assert [part for part in wanted if part not in said] == []
    assert len(result.findings) == len(wanted)


def test_a_template_variable_that_nothing_defines_is_a_warning(both: Any) -> None:
    text = POLICY.replace("WRONG", 'File("/a", from_template="templates/a.j2"); Echo("{{ prot }} {{ port }}")')
    result, site = validated(both, text, {"templates/a.j2": "{{ envi }}{{ env }}"})
    assert result.ok
    assert len(result.warnings) == 2
    assert "nothing defines 'prot'" in result.warnings[1]
    assert f"{site}:{line_of(site, 'prot')}" in result.warnings[1]
    assert "templates/a.j2:1: nothing defines 'envi'" in result.warnings[0]


def test_a_template_is_read_as_its_resource_says(both: Any) -> None:
    own = 'variable_delimiters=["[[", "]]"], block_delimiters=["<%", "%>"]'
    calls = [
        f'File("/a", from_template="templates/a.j2", {own})',
        'File("/b", from_template="templates/b.j2", block_delimiters=[str(port), "%>"])',
        'File("/d", from_template="templates/b.j2", block_delimiters=["{{", "}}"])',
        'File("/e", from_content="x", trim_blocks=True)',
    ]
    files = {
        "templates/a.j2": "{% if %}\n[[ envi ]] {{ nothing }}<% include 'templates/part.j2' %>",
        "templates/part.j2": "{{ nothing }}\n<% if %>",
        "templates/b.j2": "{% if %}",
    }
    result, _ = validated(both, POLICY.replace("WRONG", "; ".join(calls)), files)
    assert ["templates/a.j2:2: nothing defines 'envi'" in warning for warning in result.warnings] == [True]
    said = " ".join(f"{error.place} {error.message}" for error in result.findings)
    assert len(result.findings) == 3, said
    for part in (
        "templates/part.j2:2 the template does not parse",
        "told apart by {{, {{, {#",
        "trim_blocks= goes with",
    ):
        assert part in said


def test_a_template_whose_syntax_only_a_run_would_tell_is_not_guessed_at(both: Any) -> None:
    more = 'File("/c", from_template="templates/b.j2", **dict(block_delimiters=["<%", "%>"]))'
    result, _ = validated(both, POLICY.replace("WRONG", more), {"templates/b.j2": "{% if %}"})
    assert (result.findings, result.warnings) == ((), ())


def test_braces_of_a_variable_in_a_text_that_is_no_template_are_a_warning(both: Any) -> None:
    wrong = 'File("/a", from_content="port={{ port }}")'
    fine = "Shell(\"docker ps --format '{{ .Names }} {{ json }}'\"); File('/b', from_content=T('{{ port }}'))"
    result, site = validated(both, POLICY.replace("WRONG", f"{wrong}; {fine}"))
    (warning,) = result.warnings
    assert "File(from_content=...) takes '{{ port }}' as it is written" in warning
    assert "Write from_content=T(...) for a template." in warning
    assert f"{site}:{line_of(site, wrong)}" in warning


def test_a_template_that_is_included_sees_what_the_one_around_it_names(both: Any) -> None:
    text = POLICY.replace("WRONG", 'File("/a", from_template="templates/a.j2")')
    outer = "{% for one in [1] %}{% include 'templates/b.j2' %}{% endfor %}"
    result, _ = validated(both, text, {"templates/a.j2": outer, "templates/b.j2": "{{ one }}{{ two }}"})
    assert ["nothing defines 'two'" in warning for warning in result.warnings] == [True]
    assert "Defined are: , " not in result.warnings[0]


def test_a_file_that_the_rules_do_not_serve_is_found_in_push_mode(both: Any) -> None:
    text = POLICY.replace("WRONG", 'File("/a", from_file="inventory.toml"); File("/b", from_file="old.bak")')
    result, _ = validated(both, text, {"old.bak": "x"})
    assert [("controller's own" in one.message, ".bak" in one.message) for one in result.findings] == [
        (True, False),
        (False, True),
    ]
    assert validated(both, text, {"old.bak": "x"}, "local")[0].ok


def test_code_of_other_modules_and_bases_is_looked_at_too(both: Any) -> None:
    text = "import helping\n" + POLICY.replace("class One(Role)", "class One(helping.Base)").replace(
        "WRONG", "helping.hand()"
    )
    helping = (
        "from opsmop import *\n\nclass Base(Role):\n    def more(self):\n        File('/a', mod=1)\n\n"
        "def hand():\n    inner = lambda: Echo('{{')\n    return inner()\n"
    )
    result, _ = validated(both, text, {"helping.py": helping})
    assert sorted(Path(one.place).name for one in result.findings) == ["helping.py:5", "helping.py:8"]


def test_hosts_reached_through_unknown_ones_or_in_circles_are_found(both: Any) -> None:
    (both.folder / "inventory.toml").write_text(
        '[groups.all.hosts]\na = "opsmop_via=b"\nb = "opsmop_via=a"\nc = "opsmop_via=gate"\ngat = ""\n'
    )
    result, _ = validated(both, POLICY.replace("WRONG", "pass"))
    said = "\n".join(map(str, result.findings))
    assert "opsmop_via leads in a circle: a -> b" in said
    assert "c: opsmop_via names 'gate', which is no host of the inventory" in said
    assert "Did you mean 'gat'?" in said


def test_what_cannot_travel_has_the_name_that_the_policy_has_for_it(both: Any) -> None:
    text = (
        POLICY.replace("WRONG", "self.lock.acquire()")
        .replace("    def main(self):\n        port", "    lock = None\n    def main(self):\n        port")
        .replace('dict(env="prod")', "dict(env=[threading.Lock()])")
        .replace("Roles(One(), Two())", "Roles(self.locked(One(gate=threading.Event())))")
        .replace("COLOR =", "import threading\nCOLOR =")
    ) + "    def locked(self, role): role.lock = threading.Lock(); return role\n"
    text += "    def template_globals(self): return dict(lock=threading.Lock())\n"
    result, _ = validated(both, text)
    assert sorted(error.message.partition(" cannot")[0] for error in result.findings) == [
        "One(...) gives the variable gate (a threading.Event), which",
        "Site.set_variables() gives the variable env[0] (a _thread.lock), which",
        "fact_context(), template_globals() or template_filters() gives something, which",
        "self.lock (a _thread.lock), which",
    ]


def test_what_cannot_travel_is_found_in_push_mode(both: Any) -> None:
    text = POLICY.replace("WRONG", "lock.acquire()").replace(
        "COLOR =", "import threading\nlock = threading.Lock()\nCOLOR ="
    )
    result, _ = validated(both, text)
    assert ["lock" in str(one) for one in result.findings] == [True]
    more = text.replace("lock.acquire()", "lock.acquire(); gate.wait(); lock.release()")
    result, site = validated(both, more.replace("lock =", "gate = threading.Event()\nlock ="))
    assert sorted("gate" in one.message for one in result.findings) == [False, True]
    assert not any("--validate" in one.remedy for one in result.findings)
    assert {one.place for one in result.findings} == {f"{site.name}:{line_of(site, 'gate.wait()')}"}
    assert validated(both, text, reach="local")[0].ok
