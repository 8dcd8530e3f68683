"""Policies run from programs: `from opsmop import run, Settings`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import opsmop
from opsmop import File, HostResult, Policy, ResourceResult, Role, Roles, Settings, Shell, run
from opsmop.errors import HostsFailed, PolicyError, UsageError
from opsmop.events import Event, RunFinished, RunStarted

PROGRAM = """
import sys
from opsmop import *

class One(Role):
    def inventory(self): return None
    def main(self):
        Echo("{{ word }}")
        print("printed")

class Site(Policy):
    def set_roles(self): return Roles(One(word=self.constructor_variables["word"]))

class Other(Policy):
    def set_roles(self): return Roles(One(word="other"))

first = run(Site(word="first"))
second = run(Other(), Settings(mode="apply"))
sys.stderr.write(f"{first.resources[0].output} {second.resources[0].output} {first.exit_status}")
"""


class Here(Role):
    def main(self) -> Any:
        made = File(f"{self.vars.out}/made", from_content="x")
        Shell("exit 3", ignore_errors=True)
        return {"changed": bool(made.changed)}


class Failing(Role):
    def main(self) -> None:
        Shell("echo why; exit 4")


class Site(Policy):
    def set_roles(self) -> Roles:
        return Roles(Here(), *([Failing()] if self.constructor_variables.get("fail") else []))


def test_the_result_has_typed_values_per_host_and_resource(tmp_path: Path) -> None:
    events: list[Event] = []
    result = run(Site(out=str(tmp_path)), Settings(mode="apply", host="me"), events=events.append)
    (host,) = result.of_host("me")
    assert isinstance(host, HostResult)
    assert (host.role, host.status, host.value, result.ok, result.changed) == (
        "Here",
        "ok",
        {"changed": True},
        True,
        True,
    )
    made, failed = host.resources
    assert isinstance(made, ResourceResult)
    assert (made.type, made.name, made.status, made.changed) == ("File", f"{tmp_path}/made", "changed", True)
    assert (made.file, [change.name for change in made.changes]) == (__file__, ["create"])
    assert (failed.status, failed.ignored, failed.rc) == ("failed", True, 3)
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert result.require_ok() is result


def test_without_settings_it_is_a_check_of_this_machine(tmp_path: Path) -> None:
    assert run(Site(out=str(tmp_path))).changed
    assert not list(tmp_path.iterdir())


def test_a_host_that_failed_is_in_the_result_and_raises_where_it_is_asked_to(tmp_path: Path) -> None:
    result = run(Site(out=str(tmp_path), fail=True), Settings(mode="apply", host="me"))
    assert (result.ok, result.exit_status, result.failed) == (False, 1, ("me",))
    failure = result.hosts[-1].failure
    assert failure is not None
    assert failure.rc == 4
    assert result.resources[-1].output == "why\n"
    with pytest.raises(HostsFailed, match="me"):
        result.require_ok()


def test_what_is_wrong_before_anything_runs_is_raised() -> None:
    with pytest.raises(PolicyError, match="role Here does not say which hosts"):
        run(Site(), Settings(reach="push"))
    with pytest.raises(UsageError, match="not a policy"):
        run(Site)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="says nothing that can be run"):
        run(Site(), Settings(mode="aply"))


@pytest.mark.parametrize("name", ["tags", "skip_tags", "limit_groups", "limit_hosts"])
def test_one_text_in_the_place_of_several_is_refused_and_not_taken_apart(name: str) -> None:
    wrong: dict[str, Any] = {name: "web"}
    with pytest.raises(UsageError, match=r"takes several texts, not the text 'web'") as caught:
        run(Site(), Settings(**wrong))
    assert caught.value.remedy == f"Write {name}=('web',)."


def test_settings_that_are_none_are_refused() -> None:
    settings: Any = {"mode": "apply"}
    with pytest.raises(UsageError, match="which are no settings"):
        run(Site(), settings)


def test_what_the_callable_raises_comes_out_and_the_next_run_is_not_harmed(tmp_path: Path) -> None:
    def refuse(event: Event) -> None:
        raise ZeroDivisionError(type(event).__name__)

    with pytest.raises(ZeroDivisionError, match="RunStarted"):
        run(Site(out=str(tmp_path)), events=refuse)
    assert run(Site(out=str(tmp_path))).ok


def test_two_policies_in_one_process_and_nothing_is_printed(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "first other 0")


def test_a_star_import_of_the_older_spelling_brings_no_run() -> None:
    names: dict[str, object] = {}
    exec("from subprocess import run\nfrom opsmop.core.easy import *", names)
    assert names["run"] is subprocess.run
    assert opsmop.run is run


def test_the_hosts_that_failed_are_remembered_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "hosts.toml").write_text(
        "[groups.all.hosts]\na = 'opsmop_connection=local'\nb = 'opsmop_connection=local'\n"
    )
    program = tmp_path / "program.py"
    program.write_text(REMEMBERING)
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "('b',) ('b',) ()\n", done.stderr


REMEMBERING = """
from pathlib import Path
from opsmop import *

FOLDER = str(Path(__file__).parent)

class One(Role):
    def inventory(self): return TomlInventory("hosts.toml").filter()
    def set_variables(self): return dict(folder=FOLDER)
    def should_contact(self, host):
        host.values["me"] = host.name
        return True
    def main(self):
        Shell(f"test {self.vars.me} = a -o -e {self.vars.folder}/mended")

class Site(Policy):
    def set_roles(self): return Roles(One())

first = run(Site(), Settings(mode="apply", reach="push"))
again = Settings(mode="apply", reach="push", limit_hosts=("@failed",))
second = run(Site(), again)
Path(FOLDER, "mended").touch()
third = run(Site(), again)
print(first.failed, second.failed, third.failed)
"""
