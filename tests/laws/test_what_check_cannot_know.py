"""Check says what it knows, marks what it assumes, and invents nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from opsmop import (
    Change,
    Directory,
    Echo,
    File,
    FileTests,
    Provider,
    ProviderError,
    Resource,
    Role,
    Shell,
    T,
    field,
)
from opsmop.language.machine import Effect

Evaluate = Callable[..., Any]


class Installed(Resource):
    """Stands for a package: what it brings cannot be known before."""

    name: str = field(kw_only=False)


class Install(Provider, provides=Installed):
    def plan(self):  # noqa: ANN201
        marker = self.resource.name
        if not self.machine.look("installed", marker, lambda: self.machine.status(marker) is not None):
            effect = Effect("installed", marker, value=True, brings="installation")
            yield Change("install", lambda: self.machine.run(["touch", marker], effects=[effect]) and None)


def test_a_file_after_an_unguarded_command_is_assumed(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        File(tmp_path / "before", from_content="x")
        Shell(f"echo x > {tmp_path}/conf")
        File(tmp_path / "conf", from_content="x\n")

    check = evaluate(main, "check")
    assert [change[1] for change in check.changes(assumed=False)] == [
        str(tmp_path / "before"),
        f"echo x > {tmp_path}/conf",
    ]
    assert [change[1] for change in check.changes(assumed=True)] == [str(tmp_path / "conf")]
    apply = evaluate(main, "apply")
    assert set(apply.changes()) < set(check.changes()), "an assumed change may turn out unnecessary"


def test_a_command_that_its_guard_stopped_makes_nothing_assumed(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell("true", creates=str(tmp_path))
        File(tmp_path / "conf", from_content="x\n")

    assert evaluate(main, "check").changes(assumed=True) == []


def test_a_guard_that_looks_at_a_planned_directory_knows(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Directory(tmp_path / "made")
        Shell("true", creates=str(tmp_path / "made"))

    check = evaluate(main, "check")
    assert check.changes(assumed=True) == []
    assert [event.status for event in check.finished] == ["changed", "skipped"]


def test_a_guard_that_is_a_command_is_assumed_after_a_plan(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        File(tmp_path / "conf")
        Shell("true", unless=f"test -e {tmp_path}/conf")

    check = evaluate(main, "check")
    assert check.last.assumed
    assert check.changes(assumed=True) == [("Shell", "true", "run", "", "")]
    assert len(evaluate(main, "apply").changes()) == 1


def test_a_branch_on_a_command_that_would_run_is_previewed(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        if Shell("true").changed:
            Echo("taken")

    assert evaluate(main, "check").echoed == ["taken"]


def test_a_branch_on_the_output_of_a_command_that_did_not_run_is_assumed(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        if Shell("echo yes").data != "yes":
            File(tmp_path / "conf")
        Directory(tmp_path / "later")

    check = evaluate(main, "check")
    assert [change[0] for change in check.changes(assumed=True)] == ["File", "Directory"]


def test_a_branch_on_a_file_that_a_command_may_make_is_assumed(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell(f"touch {tmp_path}/made")
        made = FileTests.exists(tmp_path / "made")
        Echo("made" if made else "not made")

    check = evaluate(main, "check")
    assert check.echoed == ["not made"]
    assert check.last.assumed


def test_a_message_that_asks_a_doubtful_fact_is_assumed_and_what_follows_is_not(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    def main(_: object) -> None:
        Installed(str(tmp_path / "package"))
        Echo("{{ FileTests.exists('/usr/bin/no-such-command') }}")
        Echo("known")

    check = evaluate(main, "check")
    assert [event.assumed for event in check.finished] == [False, True, False]


def test_an_exception_after_an_unknown_value_is_the_end_of_prediction_and_no_failure(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    def main(_: object) -> None:
        answer = Shell("echo 42")
        int(answer.data)  # the line

    check = evaluate(main, "check")
    assert check.ending.status == "ok"
    line = int(check.ending.beyond.rpartition(":")[2])
    assert Path(__file__).read_text().splitlines()[line - 1].endswith("# the line")
    assert evaluate(main, "apply").ending.beyond == ""


def test_a_failure_before_any_unknown_value_was_read_is_a_failure(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell("echo 42")
        int("")

    assert evaluate(main, "check").failure.error == "ValueError"


def test_the_exit_status_of_a_command_that_did_not_run_is_none_and_its_output_empty(evaluate: Evaluate) -> None:
    seen: list[object] = []

    def main(_: object) -> None:
        answer = Shell("echo 42; exit 3", ok_codes=[3])
        seen.extend([answer.rc, answer.data, answer.stdout, answer.stderr, bool(answer.changed)])

    evaluate(main, "check")
    evaluate(main, "apply")
    assert seen == [None, "", "", "", True, 3, "42", "42", "", True]


def test_commands_that_did_not_run_are_not_judged(evaluate: Evaluate) -> None:
    def judge(_: object) -> bool:
        raise AssertionError("there is nothing to judge")

    def main(_: object) -> None:
        Shell("true", changed_when=judge, failed_when=judge)

    check = evaluate(main, "check")
    assert check.changes(assumed=True) == [("Shell", "true", "run", "", "")]


def test_what_fails_in_check_after_a_planned_installation_is_announced_and_not_failed(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    def main(_: object) -> None:
        Installed(str(tmp_path / "package"))
        File("/etc/no-such-package.d/conf", from_content="x")
        File(tmp_path / "elsewhere" / "conf", from_content="x")

    check = evaluate(main, "check")
    failures = [event.name for event in check.events if type(event).__name__ == "ResourceFailed"]
    assert failures == [str(tmp_path / "elsewhere" / "conf")], "no package brings what is elsewhere"
    assert "/etc/no-such-package.d/conf" in check.wire()


def test_a_file_in_a_directory_that_a_planned_package_may_bring_is_shown_as_it_will_be(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    """The package, its configuration and its service: what a first check of most roles is about."""

    def main(_: object) -> None:
        Installed(str(tmp_path / "package"))
        if File("/etc/no-such-package.d/conf", from_content="port = 1\n", mode=0o640).changed:
            File("/etc/no-such-package.d/sub/more", from_file="files/conf")
        Directory("/etc/no-such-package.d/own", mode=0o700)

    check = evaluate(main, "check", files={"files/conf": b"x"})
    assert check.changes(assumed=False) == [("Installed", str(tmp_path / "package"), "install", "", "")]
    assert check.changes(assumed=True) == [
        ("File", "/etc/no-such-package.d/conf", "create", "", "9 bytes, 0640"),
        ("File", "/etc/no-such-package.d/sub/more", "create", "", "1 bytes, 0644"),
        ("Directory", "/etc/no-such-package.d/own", "create", "", "0700, and 1 above it"),
    ]
    assert "+port = 1" in check.wire()
    assert not Path("/etc/no-such-package.d").exists()


def test_a_file_where_no_package_puts_anything_is_certain_after_an_installation(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    def main(_: object) -> None:
        Installed(str(tmp_path / "package"))
        File(tmp_path / "conf", from_content=T("x"))

    assert evaluate(main, "check").changes(assumed=True) == []


def test_a_way_down_to_what_is_missing_and_up_again_leads_nowhere(tmp_path: Path, evaluate: Evaluate) -> None:
    for mode in ("check", "apply"):
        failure = evaluate(lambda _: File(f"{tmp_path}/missing/../conf", from_content="x") and None, mode).failure
        assert "cannot write" in failure.message, mode
    (tmp_path / "made").mkdir()
    main = lambda _: File(f"{tmp_path}/made/../conf", from_content="x") and None  # noqa: E731
    assert evaluate(main, "check").changes() == evaluate(main).changes()
    assert (tmp_path / "conf").read_text() == "x"


def test_check_refuses_what_apply_would_refuse(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        File(tmp_path / "missing" / "conf", from_content="x")

    check, apply = evaluate(main, "check").failure, evaluate(main, "apply").failure
    assert check.error == apply.error == ProviderError.__name__
    assert "missing" in check.message
    assert "missing" in apply.message


def test_an_owner_whom_nothing_makes_is_refused_in_check_too(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        File(tmp_path / "conf", owner="no-such-user")

    assert "no-such-user" in evaluate(main, "check").failure.message
    assert "no-such-user" in evaluate(main, "apply").failure.message
    assert list(tmp_path.iterdir()) == [], "and half of it is not left behind"


def test_what_stands_in_an_assumed_directory_is_assumed(evaluate: Evaluate, tmp_path: Path) -> None:
    """A command that did not run may make the directory with files of its own in it."""

    def main(role: Role) -> None:
        Shell(f"mkdir -p {tmp_path}/app && touch {tmp_path}/app/present")
        Directory(f"{tmp_path}/app")
        Directory(f"{tmp_path}/app/inner")
        File(f"{tmp_path}/app/inner/present", from_content="x")
        File(f"{tmp_path}/app/present", absent=True)

    checked = evaluate(main, "check")
    assert all(event.assumed for event in checked.finished[1:])
    assert [event.status for event in checked.finished[1:]] == ["changed", "changed", "changed", "ok"]


def test_what_is_refused_on_the_control_machine_is_no_assumption(evaluate: Evaluate) -> None:
    """Whether the policy has a file does not depend on a command that did not run."""

    def main(role: Role) -> None:
        Shell("true")
        File("/tmp/never-written", from_file="files/missing")

    assert evaluate(main, "check").failure.error == "FileRefusedError"


def test_the_distribution_is_certain_even_after_a_planned_installation(evaluate: Evaluate, tmp_path: Path) -> None:
    def main(role: Role) -> None:
        Installed(str(tmp_path / "package"))
        File(tmp_path / "conf", from_content=T("{{ Platform.codename() }} {{ Platform.os_distribution() }}"))

    assert [change[1] for change in evaluate(main, "check").changes(assumed=False)] == [
        str(tmp_path / "package"),
        str(tmp_path / "conf"),
    ]
