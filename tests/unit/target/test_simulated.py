"""The machine of check mode: looks see what effects would have done, and the real machine beneath."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmop.errors import ProviderError
from opsmop.language.machine import Account, AccountGroup, Effect
from opsmop.target.machine import RealMachine
from opsmop.target.machine.simulated import SimulatedMachine

BO = Account("bo", 54321, "crew", "/home/bo", "/bin/sh")
ME = RealMachine().real_user()


@pytest.fixture
def machine() -> SimulatedMachine:
    return SimulatedMachine(RealMachine())


def test_a_planned_account_is_found_by_name_and_number(machine: SimulatedMachine) -> None:
    effects = [Effect("account", "bo", BO), Effect("group", "crew", AccountGroup("crew", 54322))]
    machine.run(["useradd", "bo"], effects=effects)
    assert machine.account("bo") == machine.account(54321) == machine.account("54321") == BO
    assert machine.account_group(54322) == AccountGroup("crew", 54322)
    assert machine.account(54322) is None


def test_a_number_that_was_given_up_is_free(machine: SimulatedMachine) -> None:
    root = machine.account("root")
    assert root is not None
    assert machine.account(0) == root
    machine.run(["usermod"], effects=[Effect("account", "root", Account("root", 54321, "root", "/root", "/bin/sh"))])
    assert machine.account(0) is None
    machine.run(["userdel"], effects=[Effect("account", "root", None)])
    assert machine.account("root") is machine.account(54321) is None


def test_a_planned_owner_may_own_and_one_whom_nothing_makes_may_not(machine: SimulatedMachine, tmp_path: Path) -> None:
    conf = str(tmp_path / "conf")
    with pytest.raises(ProviderError, match="there is no user 'bo'"):
        machine.write(conf, b"x", mode=0o600, owner="bo", group=None)
    machine.run(["useradd", "bo"], effects=[Effect("account", "bo", BO)])
    machine.write(conf, b"x", mode=0o600, owner="bo", group=None)
    status = machine.status(conf)
    assert status is not None
    assert (status.owner, status.mode, status.size, status.predicted) == ("bo", 0o600, 1, True)
    assert not (tmp_path / "conf").exists()


def test_what_is_written_is_read_and_listed_beside_what_is_there(machine: SimulatedMachine, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("real")
    machine.write(str(tmp_path / "planned"), b"planned", mode=0o644, owner=None, group=None)
    machine.make_directory(str(tmp_path / "made"), mode=0o755)
    assert machine.listing(str(tmp_path)) == ["made", "planned", "there"]
    assert machine.read(str(tmp_path / "planned")) == b"planned"
    assert machine.read(str(tmp_path / "there")) == b"real"
    assert machine.listing(str(tmp_path / "made")) == []


def test_what_is_removed_is_gone_with_all_in_it_and_may_be_made_anew(machine: SimulatedMachine, tmp_path: Path) -> None:
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    tree, deep = str(tmp_path / "tree"), str(tmp_path / "tree" / "deep")
    machine.write(f"{deep}/planned", b"", mode=0o644, owner=None, group=None)
    machine.remove_tree(tree)
    assert machine.status(tree) is machine.status(deep) is machine.status(f"{deep}/planned") is None
    with pytest.raises(ProviderError, match="does not exist"):
        machine.write(f"{tree}/new", b"", mode=0o644, owner=None, group=None)
    machine.make_directory(tree, mode=0o700)
    assert machine.listing(tree) == []
    assert machine.status(deep) is None
    assert (tmp_path / "tree" / "deep").exists()


def test_amending_keeps_the_rest_and_the_content(machine: SimulatedMachine, tmp_path: Path) -> None:
    (tmp_path / "conf").write_text("real")
    (tmp_path / "conf").chmod(0o600)
    machine.set_mode(str(tmp_path / "conf"), 0o640)
    machine.set_owner(str(tmp_path / "conf"), "root", None)
    status = machine.status(str(tmp_path / "conf"))
    assert status is not None
    assert (status.mode, status.owner, status.size) == (0o640, "root", 4)
    assert machine.read(str(tmp_path / "conf")) == b"real"
    assert (tmp_path / "conf").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ProviderError, match="there will be nothing there"):
        machine.set_mode(str(tmp_path / "missing"), 0o640)


def test_a_command_does_not_run_and_says_so(machine: SimulatedMachine, tmp_path: Path) -> None:
    completed = machine.run(["touch", str(tmp_path / "x")], effects=[])
    assert (completed.rc, completed.known, completed.command) == (None, False, f"touch {tmp_path}/x")
    assert not (tmp_path / "x").exists()


def test_doubt_is_counted_only_where_an_answer_may_change(machine: SimulatedMachine, tmp_path: Path) -> None:
    machine.status("/usr/no-such-thing")
    machine.which("no-such-command")
    machine.look("package", "x", lambda: None)
    machine.ask(["true"])
    assert machine.assumptions == 0, "nothing is planned yet"
    machine.run(["install"], effects=[Effect("package", "x", value="1", brings="installation")])
    machine.status(str(tmp_path / "missing"))
    machine.status("/srvice")
    assert machine.look("package", "x", lambda: None) == "1"
    assert machine.which("sh")
    assert machine.assumptions == 0, "no package brings what is elsewhere"
    machine.status("/usr/bin/env")
    assert machine.assumptions == 1, "an installation may replace what is already there"
    machine.assumptions = 0
    for ask in (
        lambda: machine.status("/usr/no-such-thing"),
        lambda: machine.which("no-such-command"),
        lambda: machine.account("no-such-user"),
        lambda: machine.look("service", "x", lambda: "stopped"),
        lambda: machine.ask(["true"]),
    ):
        before = machine.assumptions
        ask()
        assert machine.assumptions == before + 1
    machine.run(["anything"], effects=[Effect("command", "anything", brings="anything")])
    before = machine.assumptions
    machine.status("/usr/bin/env")
    assert machine.assumptions == before + 1


def test_what_the_evaluating_user_may_not_write_is_refused(machine: SimulatedMachine) -> None:
    with pytest.raises(ProviderError, match="is not a directory"):
        machine.write("/etc/passwd/x", b"", mode=0o644, owner=None, group=None)
    with pytest.raises(ProviderError, match="does not exist"):
        machine.make_directory("/no-such-directory/x", mode=0o755)


def test_what_was_behind_a_link_that_is_to_go_is_not_behind_what_takes_its_place(
    machine: SimulatedMachine, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("x")
    (tmp_path / "link").symlink_to("real")
    behind = str(tmp_path / "link" / "file")
    found = machine.status(behind)
    assert found is not None
    machine.remove(str(tmp_path / "link"))
    assert machine.status(behind) is None
    machine.make_directory(str(tmp_path / "link"), mode=0o755)
    assert machine.status(behind) is None
    machine.write(behind, b"new", mode=0o644, owner=None, group=None)
    assert (machine.read(behind), machine.listing(str(tmp_path / "link"))) == (b"new", ["file"])
    assert machine.read(str(tmp_path / "real" / "file")) == b"x"
