"""The log in the home of the user who evaluates a role."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.ssh.hearing import Heard, nothing_served, order_for

from opsmop import Secret
from opsmop.demo.sshd import PrivateSshd
from opsmop.events import Warned
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct

POLICY = Path(__file__).parent / "policies" / "logged.py"
LOG = "~/.opsmop/opsmop.log"

Push = Callable[..., Heard]


@pytest.fixture(scope="module")
def policy() -> ModuleType:
    spec = importlib.util.spec_from_file_location("logged", POLICY)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["logged"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def push(home: Path, policy: ModuleType) -> Iterator[Push]:
    with PrivateSshd(home=home) as server:
        route = Route(
            host="web1",
            address=server.address,
            port=server.port,
            user=server.user,
            key_file=str(server.key_file),
            ssh_args=server.ssh_args,
            python=sys.executable,
        )
        transport = Direct()

        def pushed(role: str = "Site", log: str = LOG, mode: str = "apply", **variables: Any) -> Heard:
            order = order_for(getattr(policy, role)(), policy_file=str(POLICY), mode=mode, options={"log": log})
            known = {"place": str(home / "conf"), "broken": False, "password": Secret("hunter22"), **variables}
            heard = Heard()
            transport.evaluate(
                route, replace(order, inventory=(("the inventory", known),)), None, heard.events.append, nothing_served
            )
            return heard

        yield pushed
        transport.close()


def warnings(heard: Heard) -> list[str]:
    return [event.text for event in heard.events if isinstance(event, Warned)]


def test_the_log_has_what_a_local_run_shows_with_times_and_no_secrets(push: Push, home: Path) -> None:
    assert push().ending.status == "ok"
    assert warnings(push()) == []
    log = home / ".opsmop" / "opsmop.log"
    lines = log.read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    said = [line[21:] for line in lines]
    assert re.fullmatch(r"Applying Site on web1 \(run run1, Python 3\.\d+\.\d+\)", said[0])
    assert re.search(r"~ changed +web1 +File .*/conf +create", said[1])
    assert any("the password is ********" in line or "the password is" in line for line in said)
    assert "Site on web1: ok" in said
    assert sum(line.startswith("Applying") for line in said) == 2
    assert "hunter22" not in log.read_text()
    assert "\a" not in log.read_text()


def test_the_log_and_its_folder_are_the_users_alone(push: Push, home: Path) -> None:
    push()
    log = home / ".opsmop" / "opsmop.log"
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    log.chmod(0o644)
    push()
    assert log.stat().st_mode & 0o777 == 0o600


def test_check_and_failures_are_logged_too(push: Push, home: Path) -> None:
    push(mode="check")
    assert push(broken=True).ending.status == "failed"
    text = (home / ".opsmop" / "opsmop.log").read_text()
    assert "Checking Site on web1" in text
    assert re.search(r"would change +web1 +File", text)
    assert re.search(r"failed +web1 +File /dev/null/conf", text)
    assert "Z       logged.py:6: " in text
    assert not (home / "conf").exists()


@pytest.mark.parametrize("planted", ["file", "folder", "hard link", "fifo", "shared folder"])
def test_what_was_planted_is_not_followed_and_fails_nothing(push: Push, home: Path, planted: str) -> None:
    folder, victim = home / ".opsmop", home / "victim"
    victim.write_text("precious\n")
    if planted == "folder":
        (home / "elsewhere").mkdir()
        folder.symlink_to(home / "elsewhere")
    else:
        folder.mkdir(mode=0o700)
    if planted == "file":
        (folder / "opsmop.log").symlink_to(victim)
    elif planted == "hard link":
        (folder / "opsmop.log").hardlink_to(victim)
    elif planted == "fifo":
        import os

        os.mkfifo(folder / "opsmop.log")
    elif planted == "shared folder":
        folder.chmod(0o777)
    heard = push()
    assert heard.ending.status == "ok"
    assert len(warnings(heard)) == 1
    assert warnings(heard)[0].startswith(f"the log {LOG} cannot be written, and the role goes on without it: ")
    assert victim.read_text() == "precious\n"
    assert list(home.glob("elsewhere/*")) == []


def test_a_large_log_is_put_aside_and_three_of_them_are_kept(push: Push, home: Path) -> None:
    for _ in range(6):
        push("Lines", count=1200)
    logs = [path for path in (home / ".opsmop").iterdir() if path.name != "code"]
    assert sorted(path.name for path in logs) == [
        "opsmop.log",
        "opsmop.log.1",
        "opsmop.log.2",
        "opsmop.log.3",
    ]
    sizes = [path.stat().st_size for path in logs]
    assert max(sizes) < 1_100_000
    assert {path.stat().st_mode & 0o777 for path in logs} == {0o600}


def test_the_path_is_a_setting_and_an_empty_one_means_no_log(push: Push, home: Path) -> None:
    push(log="~/logs/site.log")
    assert "Site on web1: ok" in (home / "logs" / "site.log").read_text()
    push(log="")
    assert not list((home / ".opsmop").glob("*.log*"))
