"""The demonstration, run as a person would run it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jinja2
import markupsafe
import pytest
import tomli
import yaml

import opsmop
from opsmop.demo.show import Step, faults_of

RUN = "import sys; from opsmop.cli import command; sys.exit(command(['demo', *sys.argv[1:]]))"
RESULTS = [
    "RESULT failed=0 unreachable=0 changed=3 ok=0 skipped=0",
    "RESULT failed=0 unreachable=0 changed=3 ok=0 skipped=0",
    "RESULT failed=0 unreachable=0 changed=0 ok=3 skipped=0",
]
OUTSIDER = "opsmop-outsider"


@dataclass(frozen=True)
class Place:
    """Where someone runs the demonstration: nothing else of theirs is written to."""

    home: Path
    temporary: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "COLUMNS")}
        return {**kept, "HOME": str(self.home), "TMPDIR": str(self.temporary), "PYTHONDONTWRITEBYTECODE": "1"}

    def left(self) -> list[str]:
        """What is left in the place, and the processes that belong to it."""
        files = [str(path) for folder in (self.home, self.temporary) for path in folder.rglob("*")]
        return files + [f"process {process}" for process in _processes_naming(str(self.temporary))]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "home", tmp_path / "temporary")
    made.home.mkdir()
    made.temporary.mkdir()
    return made


def _processes_naming(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in said and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def demonstrate(
    place: Place, *words: str, before: tuple[str, ...] = (), **more: str
) -> subprocess.CompletedProcess[str]:
    python = more.pop("python", sys.executable)
    return subprocess.run(
        [*before, python, "-c", RUN, *words],
        check=False,
        env={**place.environment, **more},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_check_apply_and_apply_again_go_as_they_should_and_leave_nothing(place: Place) -> None:
    ended = demonstrate(place)
    assert (ended.stderr, ended.returncode) == ("", 0), ended.stdout
    lines = ended.stdout.splitlines()
    assert [line for line in lines if line.startswith("RESULT")] == RESULTS
    assert [line for line in lines if line.startswith("$ ")] == [
        "$ python3 site.py --push --check",
        "$ python3 site.py --push --apply",
        "$ python3 site.py --push --apply",
    ]
    assert lines[-1] == "All of it went as it should."
    assert place.left() == []


def test_what_is_kept_is_what_the_policy_says(place: Place) -> None:
    ended = demonstrate(place, "--keep")
    assert ended.returncode == 0, ended.stdout
    (folder,) = place.temporary.iterdir()
    assert ended.stdout.splitlines()[-1] == f"Kept: {folder}"
    hosts = folder / "hosts"
    made = sorted(str(path.relative_to(hosts)) for path in hosts.rglob("*") if path.is_file())
    assert made == ["db1/data/key", *(f"{host}/{name}" for host in ("web1", "web2") for name in _WEB_FILES)]
    conf = hosts / "web2/etc/app.conf"
    assert conf.read_text().splitlines()[:3] == [
        "# The second server, kept by OpsMop",
        "listen = 8081",
        "database = db1",
    ]
    assert (conf.stat().st_mode & 0o7777, (hosts / "db1/data").stat().st_mode & 0o7777) == (0o640, 0o700)
    assert (hosts / "web1/app.log").read_text() == "restarted\n"
    assert list(place.home.iterdir()) == []


_WEB_FILES = ("app.log", "etc/app.conf", "etc/built-for", "www/index.html", "www/live.html")


@pytest.mark.parametrize(
    ("wish", "variable", "coloured"), [("always", "NO_COLOR", True), ("never", "FORCE_COLOR", False)]
)
def test_the_wish_for_colours_reaches_the_push(place: Place, wish: str, variable: str, coloured: bool) -> None:
    ended = demonstrate(place, "--color", wish, **{variable: "1"})
    assert ended.returncode == 0, ended.stdout
    assert ("\x1b[" in ended.stdout) is coloured


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_ends_it_and_leaves_nothing(place: Place, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN], env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Checking"):
                break
        process.send_signal(number)
        rest = process.stdout.read()
    assert process.returncode == 128 + number, rest
    assert "Traceback" not in rest
    assert place.left() == []


def test_a_reader_that_has_gone_ends_it_and_leaves_nothing(place: Place) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN], env=place.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (1, "")
    assert place.left() == []


def test_what_goes_otherwise_than_it_should_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hosts").mkdir()
    (tmp_path / "policy").mkdir()
    program = "open('../hosts/x', 'w').close()\nprint('RESULT failed=1')\nraise SystemExit(1)\n"
    (tmp_path / "policy" / "site.py").write_text(program)
    step = Step("A title", "Words.", ("--push",), "RESULT failed=0", touches=False, lesson="all is well")
    faults = ["the exit status is 1, not 0", "the last line should be: RESULT failed=0", "the hosts were touched"]
    assert faults_of(1, step, tmp_path, dict(os.environ)) == faults
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("WRONG")] == [f"WRONG: {fault}" for fault in faults]
    assert "all is well" not in said


@pytest.fixture
def outsider(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """Words before a command that make it run as somebody who is not root: as who we are, or as a user made for it."""
    if os.geteuid() != 0:
        yield ()
        return
    words = ("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/sh", OUTSIDER)
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    try:
        yield ("runuser", "-u", OUTSIDER, "--")
    finally:
        subprocess.run(("userdel", OUTSIDER), check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def elsewhere(outsider: tuple[str, ...]) -> Iterator[Path]:
    """A folder that the outsider owns, with a copy of what a push needs: this checkout may be closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="opsmop-elsewhere-"))
    for package in (opsmop, jinja2, markupsafe, tomli, yaml):
        assert package.__file__ is not None
        source = Path(package.__file__).parent
        shutil.copytree(source, folder / "lib" / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("home", "temporary"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    if outsider:
        entry = pwd.getpwnam(OUTSIDER)
        for name in ("home", "temporary"):
            os.chown(folder / name, entry.pw_uid, entry.pw_gid)
    yield folder
    shutil.rmtree(folder)


def _python_of(outsider: tuple[str, ...]) -> str:
    """A Python that the outsider may run; ours may lie in root's home."""
    new_enough = "import sys; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        probe = subprocess.run([*outsider, python, "-I", "-c", new_enough], check=False, capture_output=True, cwd="/")
        if probe.returncode == 0:
            return python
    raise AssertionError("no Python 3.11 or newer that another user may run")


def test_it_needs_no_root_no_home_and_no_installation(outsider: tuple[str, ...], elsewhere: Path) -> None:
    place = Place(elsewhere / "home", elsewhere / "temporary")
    python = _python_of(outsider)
    ended = demonstrate(place, before=outsider, python=python, PYTHONPATH=str(elsewhere / "lib"))
    assert (ended.stderr, ended.returncode) == ("", 0), ended.stdout
    assert [line for line in ended.stdout.splitlines() if line.startswith("RESULT")] == RESULTS
    assert place.left() == []


def test_its_policy_folder_is_part_of_what_is_installed() -> None:
    policy = Path(opsmop.__file__).parent / "demo" / "policy"
    names = sorted(
        str(path.relative_to(policy)) for path in policy.rglob("*") if path.is_file() and path.suffix != ".pyc"
    )
    assert names == ["files/index.html", "inventory.toml", "site.py", "templates/app.conf.j2"]
