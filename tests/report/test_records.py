"""Runs on record: what is kept, who can read it, and what can be made of it again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from opsmop.events import ResourceSpoke, RunStarted
from opsmop.records.recorder import Recorder, rotate

POLICY = """
from opsmop.core.easy import *
from opsmop import Secret

class Web(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter()
    def set_variables(self): return dict(password=Secret("xyzzy-plugh-1"))
    def main(self):
        File("OUT/conf", from_content=T("password={{ password }} given={{ given }}"))
        Shell(T("echo {{ password }} >&2; exit {{ status }}"))
        Shell("mkfifo OUT/go; read line < OUT/go", unless="test ! -e OUT/wait")

class Site(Policy):
    def set_variables(self): return dict(given="", status=3)
    def set_roles(self): return Roles(Web())

if __name__ == "__main__":
    Cli(Site())
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.py").write_text(POLICY.replace("OUT", str(tmp_path)))
    (tmp_path / "hosts.toml").write_text('[groups.all.hosts]\nhere = "opsmop_connection=local"\n')
    return tmp_path / "site.py"


def surroundings(site: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(site.parent), "PATH": os.environ["PATH"], "COLUMNS": "100", **more}


def ran(site: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=site.parent,
        env=surroundings(site, **environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def applied(site: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return ran(site, str(site), "--push", "--apply", *options, **environment)


def opsmop(site: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return ran(site, "-m", "opsmop", *words, **environment)


def folder(site: Path) -> Path:
    return site.parent / ".local" / "state" / "opsmop" / "runs"


def test_a_record_is_its_owners_alone_and_holds_no_secret(site: Path) -> None:
    applied(site, "--diff", "-v", "--extra-vars", "given=swordfish-9", "--extra-vars=given='sword fish'")
    (record,) = folder(site).iterdir()
    assert (record.stat().st_mode & 0o777, folder(site).stat().st_mode & 0o777) == (0o600, 0o700)
    text = record.read_text()
    assert "xyzzy" not in text
    first = json.loads(text.splitlines()[0])
    assert first["command"][-3:] == ["--extra-vars", "given=...", "--extra-vars=given=..."]
    assert "swordfish-9" not in first["command"]


def test_a_run_is_told_again_as_it_was_told_and_in_every_other_way(site: Path) -> None:
    done = applied(site)
    assert done.returncode == 1
    again = opsmop(site, "show")
    assert (again.returncode, again.stdout) == (0, done.stdout)
    (record,) = folder(site).iterdir()
    assert opsmop(site, "show", record.stem[-8:], "--output", "ndjson").stdout == record.read_text()
    assert json.loads(opsmop(site, "show", "--output", "json").stdout)["result"]["failed"] == 1
    assert "✗ failed   here  Shell echo ********" in opsmop(site, "show", "-v").stdout
    assert "\x1b[" in opsmop(site, "show", "--color", "always").stdout


def test_runs_are_listed_newest_first(site: Path) -> None:
    applied(site)
    applied(site, "--extra-vars", "status=0")
    heading, second, first = opsmop(site, "runs").stdout.splitlines()
    assert heading.split() == ["RUN", "BEGAN", "DID", "POLICY", "HOSTS", "FAILED", "STATUS", "TOOK"]
    assert second.split()[3:9] == ["apply", "push", "site.py", "1", "0", "0"]
    assert first.split()[3:9] == ["apply", "push", "site.py", "1", "1", "1"]
    assert len(opsmop(site, "runs", "-n", "1").stdout.splitlines()) == 2


def test_of_runs_that_began_in_one_second_the_last_is_the_newest(site: Path) -> None:
    applied(site)
    (only,) = folder(site).iterdir()
    for number, name in enumerate(("20260102T030405Z-ffffffff", "20260102T030405Z-00000000"), 1):
        path = only.with_name(f"{name}.ndjson")
        path.write_bytes(only.read_bytes())
        os.utime(path, (number, number))
    only.unlink()
    assert [line.split()[0][-8:] for line in opsmop(site, "runs").stdout.splitlines()[1:]] == ["00000000", "ffffffff"]


def test_a_page_is_written_where_it_was_asked_for(site: Path) -> None:
    applied(site)
    page = site.with_name("run.html")
    page.write_text("older and longer" * 100_000)
    assert opsmop(site, "report", "-o", "run.html").stdout == "run.html\n"
    assert page.stat().st_mode & 0o777 == 0o600, "it holds what is in files"
    assert (site.parent / "run.html").read_text().startswith("<!doctype html>")
    assert opsmop(site, "report", "-o", "-").stdout == (site.parent / "run.html").read_text()
    done = opsmop(site, "report", "-o", "/nowhere/run.html")
    assert (done.returncode, done.stderr) == (
        2,
        "opsmop: /nowhere/run.html: the page cannot be written: No such file or directory\n",
    )


@pytest.mark.parametrize("command", ["show", "report"])
def test_a_run_that_is_not_there_is_told_with_a_remedy(site: Path, command: str) -> None:
    done = opsmop(site, command, "nonsense")
    assert done.returncode == 2
    assert "there is no record of a run 'nonsense'" in done.stderr
    assert "opsmop runs lists them." in done.stderr
    applied(site)
    applied(site)
    done = opsmop(site, command, "20")
    assert (done.returncode, "2 runs have '20' in their names" in done.stderr) == (2, True)


def test_only_the_newest_are_kept_and_none_where_none_is_wanted(site: Path) -> None:
    for _ in range(3):
        applied(site, OPSMOP_RECORDS_KEEP="2")
    kept = sorted(folder(site).iterdir())
    assert len(kept) == 2
    applied(site, OPSMOP_RECORDS_KEEP="0")
    assert sorted(folder(site).iterdir()) == kept


def test_all_records_together_stay_below_a_size(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.ndjson").write_bytes(b"x" * 100)
    (tmp_path / "mine.txt").write_text("not a record")
    rotate(tmp_path, keep=100, largest=250)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.ndjson", "4.ndjson", "mine.txt"]


@pytest.mark.parametrize("where", ["/dev/null", "/proc/self"])
def test_a_record_that_cannot_be_written_changes_no_result(site: Path, where: str) -> None:
    done = applied(site, "--extra-vars", "status=0", XDG_STATE_HOME=where)
    assert done.returncode == 0
    assert "opsmop: there is no whole record of this run:" in done.stderr
    assert "RESULT failed=0" in done.stdout


def test_the_state_folder_is_where_xdg_says(site: Path) -> None:
    applied(site, XDG_STATE_HOME=str(site.parent / "state"))
    assert len(list((site.parent / "state" / "opsmop" / "runs").iterdir())) == 1
    assert "apply push" in opsmop(site, "runs", XDG_STATE_HOME=str(site.parent / "state")).stdout
    assert "No runs are on record" in opsmop(site, "runs").stderr


def test_a_run_that_was_killed_is_on_record_as_far_as_it_came(site: Path) -> None:
    (site.parent / "wait").touch()
    words = [sys.executable, str(site), "--local", "--apply", "--extra-vars", "status=0", "--host", "here"]
    with subprocess.Popen(words, cwd=site.parent, env=surroundings(site), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any("$ ran" in line for line in running.stdout)
        running.send_signal(signal.SIGKILL)
    (site.parent / "go").write_text("on\n")
    assert "not ended" in opsmop(site, "runs").stdout
    assert opsmop(site, "show").stdout.startswith("Applying site.py (local): Web\n")
    assert '"ended":false' in opsmop(site, "report", "-o", "-").stdout


def test_what_is_no_record_is_told_with_its_line(site: Path) -> None:
    applied(site)
    (record,) = folder(site).iterdir()
    record.write_text(record.read_text() + '{"v":1,"event":"RunFinished","exit_status":"x"}\n')
    for command in ("show", "runs", "report"):
        done = opsmop(site, command)
        assert done.returncode == 2
        assert f"{record}:" in done.stderr
        assert "this is no event of a run" in done.stderr


def test_what_only_looks_at_a_host_leaves_no_record(site: Path) -> None:
    for command in ("facts", "doctor"):
        assert opsmop(site, command, "here", "-i", "hosts.toml").stdout
    assert not folder(site).exists()


def test_validation_and_lists_leave_no_record(site: Path) -> None:
    ran(site, str(site), "--push", "--validate")
    ran(site, str(site), "--push", "--check", "--list-hosts")
    ran(site, str(site), "--push", "--check", "--limit-hosts", "nobody")
    assert not folder(site).exists()


def test_a_command_on_many_hosts_and_a_run_of_a_program_are_on_record_too(site: Path) -> None:
    done = opsmop(site, "run", "echo hello", "-i", "hosts.toml")
    assert done.returncode == 0, done.stderr
    program = site.with_name("program.py")
    program.write_text(
        "from opsmop import Settings, run\nfrom site_ import Site\nrun(Site(), Settings(mode='check'))\n"
    )
    site.with_name("site_.py").write_text(site.read_text())
    ran(site, str(program))
    listed = opsmop(site, "runs").stdout
    assert len([*folder(site).iterdir()]) == 2, listed
    shown = [opsmop(site, "show", path.stem).stdout for path in sorted(folder(site).iterdir())]
    assert any("echo hello" in text for text in shown), shown
    assert "  run 'echo hello' -i hosts.toml  " in listed, "which is no policy of anybody's"


def test_what_was_not_yet_written_is_written_when_a_run_ends_before_its_time(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 10)
    recorder(RunStarted(run="0123456789"))
    recorder(ResourceSpoke(id=1, text="the last words"))
    recorder.close()
    assert "the last words" in next(tmp_path.glob("*.ndjson")).read_text()


def test_records_that_another_run_removes_meanwhile_hinder_none(tmp_path: Path) -> None:
    (tmp_path / "gone.ndjson").symlink_to(tmp_path / "nowhere")  # listed, and not there when it is looked at
    recorder = Recorder(tmp_path, 1)
    recorder(RunStarted(run="0123456789"))
    recorder.close()
    assert recorder.error is None
    assert len([path for path in tmp_path.glob("*.ndjson") if path.exists()]) == 1
