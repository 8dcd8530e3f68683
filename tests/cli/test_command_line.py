"""Policies run as the programs that they are."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

POLICY = """
from opsmop.core.easy import *

inventory = TomlInventory("inventory/hosts.toml")

class Web(Role):
    def inventory(self): return inventory.filter(groups="web")
    def set_variables(self): return dict(port=8080)
    def main(self):
        conf = File(f"{self.vars.out}/app.conf", from_file="files/app.conf")
        Echo("port {{ port }} color {{ color }} extra {{ extra }} env {{ env }}")
        return {"port": self.vars.port}

class Second(Role):
    def inventory(self): return inventory.filter(groups="web")
    def set_variables(self): return dict(heard=self.results["here"]["port"])
    def main(self):
        Echo("heard {{ heard }}")
        if self.vars.extra == "break":
            raise RuntimeError("x" * 3_000_000)

class Site(Policy):
    def set_variables(self): return dict(env="prod")
    def set_roles(self): return Roles(Web(color="blue", tag="web"), Second(tag="late"))

if __name__ == "__main__":
    Cli(Site(out="OUT"))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("inventory", "files", "out", "elsewhere", "home"):
        (tmp_path / name).mkdir()
    (tmp_path / "inventory" / "hosts.toml").write_text('[groups.web.hosts]\nhere = "opsmop_connection=local"\n')
    (tmp_path / "files" / "app.conf").write_text("content\n")
    path = tmp_path / "site.py"
    path.write_text(POLICY.replace("OUT", str(tmp_path / "out")))
    return path


def run(site: Path, *arguments: str, command: bool = False) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "opsmop", *arguments] if command else [sys.executable, str(site), *arguments]
    return subprocess.run(
        words,
        cwd=site.parent / "elsewhere",
        env={**os.environ, "HOME": str(site.parent / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("reach", [("--local", "--host", "here"), ("--push",)])
def test_check_changes_nothing_apply_changes_and_a_second_apply_is_silent(site: Path, reach: tuple[str, ...]) -> None:
    made = site.parent / "out" / "app.conf"
    extra = ("--extra-vars", "extra='a b' color=red", "--detailed-exitcode")
    checked = run(site, *reach, "--check", *extra)
    assert (checked.returncode, made.exists()) == (3, False), checked.stdout + checked.stderr
    assert "port 8080 color red extra a b env prod" in checked.stdout
    assert "heard 8080" in checked.stdout
    applied = run(site, *reach, "--apply", *extra[:2])
    assert (applied.returncode, made.read_text()) == (0, "content\n"), applied.stdout + applied.stderr
    assert "changed=1" in applied.stdout.splitlines()[-1]
    again = run(site, *reach, "--apply", *extra[:2])
    assert (again.returncode, again.stderr) == (0, "")
    assert "changed=0" in again.stdout.splitlines()[-1]


@pytest.mark.parametrize("reach", [("--local", "--host", "here"), ("--push",)])
def test_a_remote_exception_of_any_size_ends_in_1_and_names_the_authors_line(
    site: Path, reach: tuple[str, ...]
) -> None:
    done = run(site, *reach, "--apply", "--extra-vars", "extra=break")
    assert done.returncode == 1
    line = POLICY.splitlines().index('            raise RuntimeError("x" * 3_000_000)') + 1
    assert f"site.py:{line}" in done.stdout
    assert len(done.stdout) < 1_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--validate or --check or --apply"),
        (("--check",), "--local or --push is missing"),
        (("--check", "--push", "-i", "hosts.toml"), "in its roles' inventory()"),
        (("--check", "--push", "--inventory", "hosts.toml"), "in its roles' inventory()"),
        (("--check", "--apply", "--push"), "not allowed with"),
        (("--check", "--push", "--tag", "x"), "--tag"),
        (("--check", "--push", "--tags", "wep"), "Did you mean 'web'?"),
        (("--check", "--push", "--limit-hosts", "hre"), "--limit-hosts 'hre' matches nothing"),
        (("--check", "--push", "--limit-hosts", "a,,b"), "empty word"),
        (("--check", "--push", "--limit-hosts", "@absent"), "the file cannot be read: No such file"),
        (("--check", "--push", "--limit-hosts", "@/dev/null"), "the file names nothing"),
        (("--check", "--push", "--limit-groups", "@failed"), "only hosts are remembered"),
        (("--check", "--push", "--retry"), "no host is remembered on which site.py failed"),
        (("--check", "--push", "--retry", "--limit-hosts", "here"), "no host is remembered on which site.py failed"),
        (("--check", "--local", "--limit-hosts", "here"), "mean nothing with --local"),
        (("--check", "--local", "--host", "her"), "Did you mean 'here'?"),
        (("--check", "--push", "--host", "here"), "--host goes with --local"),
        (("--check", "--push", "--serial", "0"), "--serial '0' is no number of hosts"),
        (("--check", "--push", "--serial", "1,101%"), "--serial '101%' is no number of hosts"),
        (("--check", "--local", "--serial", "1"), "--serial goes with --push"),
        (("--apply", "--push", "--detailed-exitcode"), "goes with --check"),
        (("--check", "--push", "--extra-vars", "@absent.json"), "absent.json"),
    ],
)
def test_a_wrong_command_line_is_2_and_says_why_in_few_lines(
    site: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = run(site, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 4


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ('Roles(Web(color="blue", tag="web"), Second(tag="late"))', "[Web()]", ("returned list, not Roles",)),
        ("def set_roles(self): return", "def set_roles(self): 1 / 0; return", ("ZeroDivisionError", "site.py:24")),
        ('filter(groups="web")', 'filter(groups="wep")', ("role Web", "Did you mean 'web'?")),
        ('return inventory.filter(groups="web")', "return None", ("does not say which hosts",)),
        ("Cli(Site(", "Cli(Site) or (Site(", ("not a policy", "Write Cli(Site()).")),
        ('TomlInventory("inventory/hosts.toml")', 'TomlInventory("hosts.toml")', ("hosts.toml", "cannot be read")),
        (
            "set_variables(self): return dict(port=8080)",
            "set_variables(self): import sys; sys.exit(0)",
            ("SystemExit",),
        ),
    ],
)
def test_a_wrong_policy_is_2_before_any_host_is_contacted(
    site: Path, old: str, new: str, messages: tuple[str, ...]
) -> None:
    text = site.read_text()
    assert old in text
    site.write_text(text.replace(old, new))
    done = run(site, "--push", "--apply")
    assert done.returncode == 2, done.stdout + done.stderr
    assert [message for message in messages if message not in done.stderr] == []
    assert "RESULT" not in done.stdout or "ok=0" in done.stdout


def test_what_cannot_travel_in_the_last_role_is_refused_before_the_first_contacts_a_host(site: Path) -> None:
    text = site.read_text().replace("class Second", "import threading\nlock = threading.Lock()\n\nclass Second")
    site.write_text(text.replace('Echo("heard {{ heard }}")', "lock.acquire()"))
    done = run(site, "--push", "--apply", "--extra-vars", "extra=1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'lock'" in done.stderr
    assert not (site.parent / "out" / "app.conf").exists()


def test_tags_select_roles(site: Path) -> None:
    done = run(site, "--push", "--check", "--tags", "web", "--extra-vars", "extra=1")
    assert done.returncode == 0
    assert "Second" not in done.stdout


def test_list_hosts_shows_batches_and_contacts_nobody(site: Path) -> None:
    done = run(site, "--push", "--apply", "--list-hosts")
    assert (done.returncode, done.stdout) == (0, "Web\n  batch 1: here\nSecond\n  batch 1: here\n")


def test_validate_finds_what_is_wrong_in_every_role_and_contacts_nobody(site: Path) -> None:
    assert run(site, "--push", "--validate").returncode == 0
    text = site.read_text().replace("return dict(port=8080)", "return None")
    text = text.replace('Echo("heard {{ heard }}")', "inventory.hosts()")
    site.write_text(text)
    done = run(site, "--push", "--validate")
    assert done.returncode == 2
    assert "Web.set_variables() returned NoneType" in done.stderr
    assert "inventory" in done.stderr.replace("returned NoneType", "")
    assert "Found wrong: 2" in done.stderr


def test_the_command_runs_the_same_policy(site: Path) -> None:
    done = run(site, "check", str(site), "--push", "--extra-vars", "extra=1", command=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "heard 8080" in done.stdout


def test_the_command_runs_a_file_that_only_defines_a_policy(site: Path) -> None:
    site.write_text(site.read_text().partition("if __name__")[0])
    done = run(site, "check", str(site), "--push", "--extra-vars", f"extra=1 out={site.parent}", command=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (", "site.py:1: the policy does not parse"),
        ("x = 1", "has no policy"),
        ("1 / 0", "ZeroDivisionError"),
        (
            "import opsmop\nclass Site(opsmop.Policy):\n    def __init__(self, color): pass",
            "site.py: Site() raised TypeError",
        ),
        ("import opsmop\nclass Site(opsmop.Policy):\n    def __init__(self): 1 / 0", "site.py:3: Site() raised Zero"),
    ],
)
def test_the_command_refuses_a_file_that_it_cannot_run(site: Path, text: str, message: str) -> None:
    site.write_text(text)
    done = run(site, "check", str(site), "--push", command=True)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 0, "Examples:"),
        (("--help",), 0, "Examples:"),
        (("--version",), 0, "opsmop 0."),
        (("aply", "site.py"), 2, "no command 'aply'"),
        (("check",), 2, "like this: opsmop check site.py --push"),
        (("check", "absent.py", "--push"), 2, "no policy file"),
        (("check", "--help"), 0, "Examples:"),
    ],
)
def test_the_command_says_what_it_takes(site: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = run(site, *arguments, command=True)
    assert done.returncode == code
    assert message in done.stdout + done.stderr


def test_help_begins_with_examples_and_imports_no_engine(site: Path) -> None:
    done = run(site, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Examples:\n  python3 site.py --push --check")
    names = "print([n for n in sys.modules if n.startswith(('opsmop.', 'jinja2', 'tomllib', 'inspect'))])"
    code = f"import atexit, sys, opsmop.cli; atexit.register(lambda: {names}); opsmop.cli.run(None, ['--help'])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    known = [f"opsmop.{name}" for name in ("errors", "cli", "cli.options", "cli.parser")]
    assert sorted(ast.literal_eval(loaded.stdout.splitlines()[-1])) == sorted(known)


def waiting(site: Path, reach: tuple[str, ...]) -> tuple[subprocess.Popen[str], Path]:
    """A policy whose role has begun a long command."""
    begun = site.parent / "out" / "begun"
    text = site.read_text().replace('"port {{', '"')
    text = text.replace(
        '        Echo("',
        f'        Shell("echo $$ > {begun}.new; mv {begun}.new {begun}; sleep 300")\n        Echo("',
        1,
    )
    site.write_text(text)
    process = subprocess.Popen(
        [sys.executable, str(site), *reach, "--apply"],
        env={**os.environ, "HOME": str(site.parent / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: begun.exists() or process.poll() is not None)
    assert begun.exists(), process.communicate()
    return process, begun


def until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("reach", [("--local", "--host", "here"), ("--push",)])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_cleanly_with_a_recap_and_leaves_no_process(
    site: Path, reach: tuple[str, ...], number: int, status: int
) -> None:
    process, begun = waiting(site, reach)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status, out + err
    assert "RESULT" in out
    assert "cancelled=1" in out
    until(lambda: gone(int(begun.read_text())))


@pytest.mark.parametrize("reach", [("--local", "--host", "here"), ("--push",)])
def test_a_second_signal_ends_the_run_at_once_and_leaves_no_process(site: Path, reach: tuple[str, ...]) -> None:
    process, begun = waiting(site, reach)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 143)
    assert "ended at once" in err
    until(lambda: gone(int(begun.read_text())))


@pytest.mark.parametrize("command", ["check", "apply", "validate", "vars", "retry"])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no policy is given"),
        (".", ". is a folder, not a policy"),
        ("hosts.toml", "hosts.toml is data, not a policy"),
    ],
)
def test_what_can_be_no_policy_is_refused_by_that_name(site: Path, command: str, name: str, message: str) -> None:
    options = () if command in ("retry", "vars") else ("--push",)
    done = run(site, command, name, *options, command=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"opsmop: {message}")
    assert f"opsmop {command} site.py" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "--help", "--version", "docs", "docs File", "config", "facts", "check --help", "runs --help", "completion bash",
        "inventory list -i one.toml", "run true -i one.toml", "vars site.py --local",
    ],
)  # fmt: skip
def test_output_that_cannot_be_written_is_said_in_one_line(site: Path, words: str) -> None:
    (site.parent / "one.toml").write_text('[groups.all.hosts]\none = "opsmop_connection=local"\n')
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "opsmop", *words.split()],
            cwd=site.parent, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
            env={**os.environ, "HOME": str(site.parent), "XDG_STATE_HOME": str(site.parent / "state")},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "opsmop: the output could not be written: No space left on device\n")


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        ("--verison", "opsmop has no option --verison", "Did you mean '--version'?"),
        ("check site.py --push --dfif", "there is no option --dfif", "Did you mean '--diff'?"),
        (
            "inventory list -i absent.toml",
            "{site}/elsewhere/absent.toml: the inventory cannot be read: No such file or directory",
            "",
        ),
        ("config --jsn", "there is no option --jsn", "Did you mean '--json'?"),
        ("apply nope.py --lcoal", "there is no option --lcoal", "Did you mean '--local'?"),
        ("check", "POLICY is missing", "opsmop check site.py --push"),
        ("check --push", "POLICY is missing", "opsmop check site.py --push"),
        ("inventory", "list or graph or show is missing", "opsmop inventory list"),
        ("completion", "bash or zsh or fish is missing", "opsmop completion bash"),
        ("inventory lst", "'lst' means nothing here", "Did you mean 'list'?"),
        ("check site.py --push --color=alwys", "--color 'alwys' means nothing here", "Did you mean 'always'?"),
        ("runs -n 0", "-n/--number: '0' is no number from 1 up", "opsmop runs"),
        ("run ls -l /srv", "unrecognized arguments: -l /srv", "opsmop run 'ls -l /srv'"),
        ("run uptime --timeout x", "--timeout: 'x' is no number of seconds above 0", "opsmop run uptime"),
    ],
)
def test_a_slip_in_a_command_line_is_told_in_our_words(site: Path, words: str, message: str, remedy: str) -> None:
    done = run(site, *words.split(), command=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"opsmop: {message.format(site=site.parent)}\n")
    assert "relative to the policy" not in done.stderr
    assert remedy in done.stderr


def test_help_of_a_command_is_that_commands(site: Path) -> None:
    assert run(site, "help", "apply", command=True).stdout == run(site, "apply", "--help", command=True).stdout
    assert "opsmop has no command 'aply'" in run(site, "help", "aply", command=True).stderr


def test_a_slip_in_the_defaults_is_told_as_the_file_writes_it(site: Path) -> None:
    (site.parent / "opsmop.toml").write_text("[push]\nserail = 1\nwokers = 2\n[psuh]\nworkers = 2\n")
    done = run(site, "check", str(site), "--local", command=True)
    said = done.stdout + done.stderr
    assert "Did you mean 'workers'?" in said
    assert "Did you mean 'push'?" in said
    assert "push_" not in said
