"""Streams that end early, are full, narrow, or in another encoding; and terminals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.report.terminal import Terminal

POLICY = """
from opsmop.core.easy import *

class Web(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter()
    def main(self):
        File(f"OUT/{self.vars.own}", from_content="welcome to Köln\\n")
        Echo("grüße")
        Shell("mkfifo OUT/go-{{ own }}; read line < OUT/go-{{ own }}; true", unless="test ! -e OUT/wait")
        Shell("exit 3", ignore_errors=self.vars.own != "h2")

class Site(Policy):
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.py").write_text(
        POLICY.replace("OUT", str(tmp_path))
        .replace('Shell("mkfifo', 'Shell(T("mkfifo')
        .replace('true", unless', 'true"), unless')
    )
    with_hosts(tmp_path, 3)
    return tmp_path / "site.py"


def with_hosts(folder: Path, count: int) -> None:
    lines = [f'h{number} = {{ opsmop_connection = "local", own = "h{number}" }}' for number in range(1, count + 1)]
    (folder / "hosts.toml").write_text("[groups.all.hosts]\n" + "\n".join(lines) + "\n")


def surroundings(site: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(site.parent), "PATH": os.environ["PATH"], "TERM": "xterm-256color", **more}


def words(site: Path, *options: str) -> list[str]:
    return [sys.executable, str(site), "--push", "--apply", *options]


OUTPUTS = ["console", "ndjson", "json", "junit", "github"]


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_reader_that_goes_early_changes_nothing_of_the_run_nor_of_its_status(site: Path, output: str) -> None:
    shell = f"{sys.executable} {site} --push --apply --output {output} | head -n 1 > first; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["/bin/bash", "-c", shell],
        cwd=site.parent, env=surroundings(site), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout == "1\n", "one host failed, and that is all"
    assert "Traceback" not in done.stderr
    assert "written" not in done.stderr
    assert [(site.parent / f"h{number}").exists() for number in (1, 2, 3)] == [True] * 3


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_full_disk_is_told_the_run_goes_on_and_its_status_is_not_0(site: Path, output: str) -> None:
    site.write_text(
        site.read_text().replace('"h2"', '"none"').replace("ignore_errors=self.vars.own != ", "ignore_errors=")
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            words(site, "--output", output),
            cwd=site.parent, env=surroundings(site), stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "opsmop: the output could not be written: No space left on device"
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert [(site.parent / f"h{number}").exists() for number in (1, 2, 3)] == [True] * 3


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"},
    ],
)
def test_an_encoding_without_signs_gets_others(site: Path, locale: dict[str, str]) -> None:
    done = subprocess.run(
        words(site), cwd=site.parent, env=surroundings(site, **locale), capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"  x failed " in done.stdout
    assert (b"gr\\xfc" in done.stdout) is not (b"gr\xfc\xdfe" in done.stdout), "what cannot be carried is spelled out"


@pytest.mark.parametrize("name", ["LC_ALL", "LANG"])
def test_a_terminal_in_the_c_locale_gets_no_signs(site: Path, name: str) -> None:
    terminal = Terminal(words(site), surroundings(site, **{name: "C"}), folder=str(site.parent))
    assert terminal.end() == 1
    assert "x failed" in terminal.screen.text
    assert "✗" not in terminal.written


@pytest.mark.parametrize("columns", [40, 61, 100, 250])
def test_a_terminal_shows_in_the_end_just_what_a_file_has(site: Path, columns: int) -> None:
    check = [sys.executable, str(site), "--local", "--host", "h2", "--check", "-v", "--diff"]
    terminal = Terminal(check, surroundings(site), columns, str(site.parent))
    assert terminal.end() == 0
    assert terminal.screen.moves > 0
    plain = subprocess.run(
        [sys.executable, "-m", "opsmop", "show", "-v", "--diff"],
        env=surroundings(site, COLUMNS=str(columns)), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert terminal.screen.text == plain.stdout


def test_a_file_has_names_whole_that_a_terminal_would_cut(site: Path) -> None:
    name = f"{site.parent}/{'long-' * 5}end"
    policy = site.with_name("long.py")
    policy.write_text(
        "from opsmop import *\n"
        f"class One(Role):\n    def main(self): File({name!r}, from_content='x')\n"
        "class Site(Policy):\n    def set_roles(self): return Roles(One())\n"
        "if __name__ == '__main__': Cli(Site())\n"
    )
    done = subprocess.run(
        [sys.executable, str(policy), "--local", "--apply"],
        env=surroundings(site), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert f"File {name}" in done.stdout, done.stdout


@pytest.mark.parametrize("columns", [5, 20])
def test_a_terminal_that_is_too_narrow_for_anything_does_no_harm(site: Path, columns: int) -> None:
    terminal = Terminal(words(site), surroundings(site), columns, str(site.parent))
    assert terminal.end() == 1
    assert "RESULT failed=1 unreachable=0 changed=2 ok=0 skipped=0" in terminal.written


def test_the_status_line_says_what_runs_longest(site: Path) -> None:
    with_hosts(site.parent, 1)
    (site.parent / "wait").touch()
    terminal = Terminal(words(site), surroundings(site), 100, str(site.parent))
    for seconds in ("1", "[2-9]"):
        terminal.until_match(rf"{seconds}\.[0-9] s  h1  Shell mkfifo")
    (site.parent / "go-h1").write_text("on\n")
    assert terminal.end() == 0
    assert "Shell mkfifo" not in terminal.screen.text.partition("Recap")[0].replace("changed  h1  Shell mkfifo", "")


def test_what_hooks_print_stands_among_the_lines_of_the_report(site: Path) -> None:
    text = site.read_text().replace(
        "    def main(self):", "    def before_contact(self, host): print('draining', host)\n    def main(self):"
    )
    site.write_text(text)
    terminal = Terminal(words(site), surroundings(site), 100, str(site.parent))
    assert terminal.end() == 1
    lines = terminal.screen.text.splitlines()
    assert sorted(line for line in lines if "draining" in line) == ["draining h1", "draining h2", "draining h3"]


def test_the_command_that_retries_goes_to_what_failed_only(site: Path) -> None:
    failed = subprocess.run(
        words(site), cwd=site.parent, env=surroundings(site), capture_output=True, text=True, timeout=120, check=False
    )
    (command,) = (line.partition(": ")[2] for line in failed.stdout.splitlines() if line.startswith("To retry"))
    environment = surroundings(site, PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    again = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=site.parent, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert again.stdout.splitlines()[-1] == "RESULT failed=1 unreachable=0 changed=0 ok=0 skipped=0"


def test_an_interrupted_run_is_a_whole_document(site: Path) -> None:
    with_hosts(site.parent, 1)
    (site.parent / "wait").touch()
    with subprocess.Popen(
        words(site, "--output", "json"),
        cwd=site.parent, env=surroundings(site), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        assert running.stderr is not None
        assert any("grüße" in line for line in running.stderr)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=60)
    document = json.loads(out)
    assert (running.returncode, document["exit_status"], document["result"]["cancelled"]) == (130, 130, 1)


def test_an_event_is_to_be_read_while_the_run_goes_on(site: Path) -> None:
    with_hosts(site.parent, 1)
    (site.parent / "wait").touch()
    with subprocess.Popen(
        words(site, "--output", "ndjson"),
        cwd=site.parent, env=surroundings(site), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        begun = next(line for line in running.stdout if '"ResourceStarted"' in line and "mkfifo" in line)
        assert json.loads(begun)["host"] == "h1"
        running.send_signal(signal.SIGINT)
        *_, last = running.communicate(timeout=60)[0].splitlines()
    assert (running.returncode, json.loads(last)["event"]) == (130, "RunFinished")


@pytest.mark.parametrize("where", [{"CI": "1"}, {"TERM": "dumb"}])
def test_where_nobody_watches_no_cursor_is_moved(site: Path, where: dict[str, str]) -> None:
    terminal = Terminal(words(site), surroundings(site, **where), folder=str(site.parent))
    assert terminal.end() == 1
    assert terminal.screen.moves == 0
    assert "\x1b[?" not in terminal.written


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [
        ([], {}, True),
        ([], {"NO_COLOR": "1"}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
    ],
)
def test_colours_are_as_was_asked_for_on_a_terminal(
    site: Path, options: list[str], environment: dict[str, str], *, colored: bool
) -> None:
    terminal = Terminal(words(site, *options), surroundings(site, **environment), folder=str(site.parent))
    assert terminal.end() == 1
    assert (re.search(r"\x1b\[[0-9;]*m", terminal.written) is not None) is colored


def test_ctrl_c_leaves_a_terminal_in_order(site: Path) -> None:
    with_hosts(site.parent, 1)
    (site.parent / "wait").touch()
    terminal = Terminal(words(site), surroundings(site), 100, str(site.parent))
    terminal.until("h1  Shell mkfifo")
    terminal.press("\x03")
    assert terminal.end() == 130
    assert terminal.screen.text.splitlines()[-1].startswith("RESULT failed=0 unreachable=0")
    assert "\x1b[?25l" not in terminal.written, "the cursor was never hidden"


def test_a_plain_run_imports_no_rich_and_a_terminal_only_then(site: Path) -> None:
    program = f"import sys; sys.argv = ['site.py', '--push', '--apply']; import runpy\ntry: runpy.run_path({str(site)!r}, run_name='__main__')\nexcept SystemExit: print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"import json\n{program}"],
        cwd=site.parent, env=surroundings(site), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    modules = json.loads(done.stdout.splitlines()[-1])
    assert "opsmop.report.console" in modules
    assert [name for name in modules if name.partition(".")[0] in ("rich", "xml", "pygments")] == []
