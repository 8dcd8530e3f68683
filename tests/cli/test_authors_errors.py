"""The errors that a policy's author meets: few lines that say what, where and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """
from opsmop.core.easy import *

class One(Role):
    def main(self):
        File("OUT/a", from_file="files/a")

class Site(Policy):
    def set_roles(self):
        return Roles(One())

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("files", "out", "elsewhere", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "files" / "a").write_text("content")
    path = tmp_path / "site.py"
    path.write_text(POLICY.replace("OUT", str(tmp_path / "out")))
    return path


def run(site: Path, *words: str, cwd: str = "elsewhere") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=site.parent / cwd,
        env={**os.environ, "HOME": str(site.parent / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def changed(site: Path, old: str, new: str) -> int:
    """Replace a line's text; gives the line's number."""
    text = site.read_text()
    assert old in text
    site.write_text(text.replace(old, new))
    return next(number for number, row in enumerate(site.read_text().splitlines(), 1) if new.splitlines()[0] in row)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('from_file="files/a"', 'form_file="files/a"', ["File has no parameter 'form_file'", "'from_file'"]),
        ('from_file="files/a"', "mode=[1]", ["File(mode=...) takes int | str | None, not list [1]"]),
        ('from_file="files/a"', 'from_file="files/b"', ["'files/b': No such file", "files/b"]),
        ("File(", "Fiel(", ["NameError", "'Fiel'"]),
        ("File(", "__import__('sys').exit(3); File(", ["main() ended the program: sys.exit(3)", "Return from main()"]),
        ("File(", "1 / 0; File(", ["ZeroDivisionError", "division by zero"]),
        ("File(", "self.vars.prot; File(", ["'prot' is not defined"]),
    ],
    ids=["parameter", "type", "file", "typo", "exit", "exception", "variable"],
)
def test_an_error_in_main_names_its_line_and_is_1(site: Path, old: str, new: str, said: list[str]) -> None:
    line = changed(site, old, new)
    done = run(site, str(site), "--local", "--check")
    assert done.returncode == 1, done.stdout + done.stderr
    assert [part for part in said if part not in done.stdout] == [], done.stdout
    assert f"site.py:{line}" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) < 25


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("return Roles(One())", "return 1 / 0", ["Site.set_roles() raised ZeroDivisionError"]),
        ("return Roles(One())", "return One()", ["returned One, not Roles", "Return Roles(MyRole(), ...)."]),
        ("Roles(One())", "Roles(One)", ["is the class One, not a role of it", "Write One()."]),
        ("Roles(One())", "Roles(Site())", ["is Site, not a role"]),
        ("def set_roles", "def set_rols", ["Site does not define set_roles()", "Define it"]),
        ("def main", "def set_variables(self): return 3\n    def main", ["set_variables() returned int, not a dict"]),
    ],
    ids=["exception", "no roles", "class", "policy", "typo", "variables"],
)
def test_an_error_before_the_roles_is_2_and_few_lines(site: Path, old: str, new: str, said: list[str]) -> None:
    changed(site, old, new)
    done = run(site, str(site), "--local", "--check")
    assert done.returncode == 2, done.stdout + done.stderr
    assert [part for part in said if part not in done.stderr] == [], done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 5


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ made.chnged }}", "File has no attribute 'chnged'. Did you mean 'changed'"),
        ("{{ Platform.hostnam() }}", "has no attribute 'hostnam'. Did you mean 'hostname'"),
        ("{{ table.prot }}", "the table has no attribute 'prot'. Did you mean 'port'?"),
        ("{{ made.nothing_like_it_at_all }}", "File has no attribute 'nothing_like_it_at_all'"),
    ],
)
def test_a_wrong_attribute_in_a_template_names_the_nearest_right_one(site: Path, template: str, said: str) -> None:
    changed(site, '"OUT/a"'.replace("OUT", str(site.parent / "out")), f'"{site.parent}/out/a", register="made"')
    line = changed(site, "class Site", f"        table = dict(port=1)\n        Echo({template!r})\n\nclass Site")
    done = run(site, str(site), "--local", "--check")
    assert done.returncode == 1
    assert said in " ".join(done.stdout.split())
    assert f"site.py:{line + 1}" in done.stdout


def test_an_error_of_the_control_machine_is_told_once(site: Path) -> None:
    changed(site, "    def main", "    def set_variables(self): 1 / 0\n    def main")
    done = run(site, str(site), "--local", "--check")
    assert done.returncode == 2
    assert (done.stdout + done.stderr).count("ZeroDivisionError") == 1
    assert "Stopped: an error on the control machine" in done.stdout
    assert "RESULT" not in done.stdout


def test_cli_without_a_policy_says_what_to_write(site: Path) -> None:
    changed(site, "    Cli(Site())", "    Cli()")
    done = run(site, str(site), "--local", "--check")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "opsmop: Cli was given None, not a policy\n  Write Cli(MyPolicy()).\n"


def test_an_interruption_that_policy_code_raises_is_no_success(site: Path) -> None:
    changed(site, "File(", "raise KeyboardInterrupt; File(")
    done = run(site, str(site), "--local", "--check")
    assert done.returncode == 130
    assert "Stopped: interrupted" in done.stdout


def test_what_main_returns_must_be_plain(site: Path) -> None:
    changed(site, "File(", "return object(); File(")
    done = run(site, str(site), "--local", "--check")
    assert done.returncode == 1
    assert "main() of One returned what JSON cannot hold, of type object" in " ".join(done.stdout.split())


def test_a_syntax_error_names_file_and_line(site: Path) -> None:
    line = changed(site, "def set_roles(self):", "def set_roles(self)")
    done = run(site, "-m", "opsmop", "check", str(site), "--local")
    assert done.returncode == 2
    assert f"site.py:{line}: the policy does not parse" in done.stderr
    assert len(done.stderr.splitlines()) <= 3


def test_cli_ends_the_program_so_a_second_one_is_never_reached(site: Path) -> None:
    changed(site, "    Cli(Site())", "    Cli(Site(name='first'))\n    Cli(Site(name='second'))")
    done = run(site, str(site), "--local", "--apply")
    assert done.returncode == 0
    assert done.stdout.count("RESULT") == 1


def test_cli_may_be_called_twice_by_who_catches_its_end(site: Path) -> None:
    twice = "    for name in ('first', 'second'):\n        try: Cli(Site(name=name))\n        except SystemExit as end: print('end', end.code)"
    changed(site, "    Cli(Site())", twice)
    done = run(site, str(site), "--local", "--apply")
    assert done.stdout.count("end 0") == done.stdout.count("RESULT") == 2, done.stdout + done.stderr


@pytest.mark.parametrize("cwd", [".", "elsewhere"])
def test_relative_paths_work_from_any_directory_and_as_a_module(site: Path, cwd: str) -> None:
    made = site.parent / "out" / "a"
    for words in (
        (str(site),),
        (
            "-c",
            f"import sys, runpy; sys.path.insert(0, {str(site.parent)!r}); runpy.run_module('site_policy', run_name='__main__', alter_sys=True)",
        ),
    ):
        (site.parent / "site_policy.py").write_text(site.read_text())
        made.unlink(missing_ok=True)
        done = run(site, *words, "--local", "--apply", cwd=cwd)
        assert (done.returncode, made.read_text()) == (0, "content"), done.stdout + done.stderr
    made.unlink()
    done = run(site, "-m", "site_policy", "--local", "--apply", cwd=".")
    assert (done.returncode, made.read_text()) == (0, "content"), done.stdout + done.stderr


@pytest.mark.parametrize("name", ["queue.py", "signal.py", "select/__init__.py"])
@pytest.mark.parametrize("command", [False, True])
def test_a_file_that_hides_a_module_of_pythons_is_named_without_a_traceback(
    site: Path, name: str, command: bool
) -> None:
    hiding = site.parent / name
    hiding.parent.mkdir(exist_ok=True)
    hiding.write_text("mine = 1")
    words = ("-m", "opsmop", "check", str(site), "--local") if command else (str(site), "--local", "--check")
    done = run(site, *words)
    module = name.partition("/")[0].removesuffix(".py")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"opsmop: {hiding} hides Python's own module '{module}': ")
    assert "Rename it" in done.stderr
    assert "Traceback" not in done.stderr
