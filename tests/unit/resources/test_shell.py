"""Commands: how they run, end, and are told of."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import Command, Echo, Eval, ProviderError, Secret, Shell, T
from opsmop.target.machine.commands import MOST_KEPT

Evaluate = Callable[..., Any]


def shell_of(evaluate: Evaluate, *args: Any, **given: Any) -> Shell:
    """A command that was evaluated."""
    kept: list[Shell] = []
    done = evaluate(lambda _: kept.append(Shell(*args, **given)))
    assert done.ending.status == "ok", done.ending
    return kept[0]


def is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_result_has_status_and_output_as_they_came(evaluate: Evaluate) -> None:
    shell = shell_of(evaluate, "echo one; echo two >&2; echo; exit 3", ok_codes=[0, 3])
    assert (shell.rc, shell.stdout, shell.stderr) == (3, "one", "two")
    assert set(shell.data.split()) == {"one", "two"}
    assert shell.actions == ["run"]


def test_changed_is_a_property_that_may_be_called(evaluate: Evaluate) -> None:
    shell = shell_of(evaluate, "true")
    assert shell.changed
    assert shell.changed()
    assert not shell.failed
    assert not shell.failed()
    assert str(shell) == "Shell true"


def test_a_command_has_a_plain_environment_and_nothing_to_read(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEAKED", "1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    names = {line.partition("=")[0] for line in shell_of(evaluate, "env").stdout.splitlines()}
    assert names - {"PWD", "_", "SHLVL", "OLDPWD"} == {
        "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "USER",
    }  # fmt: skip
    assert shell_of(evaluate, "echo $LC_ALL; cat; pwd", env={"A": "b"}).stdout == "C.UTF-8\n/"
    assert shell_of(evaluate, "echo $A; cat; pwd", env={"A": "b"}, stdin="read", cwd="/usr").stdout == "b\nread/usr"


def test_a_command_has_no_terminal_and_its_own_group(evaluate: Evaluate) -> None:
    words = shell_of(
        evaluate, "echo $$; ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat; tty || true"
    ).data.split()
    assert words[0] == words[1]
    assert int(words[0]) != os.getpgrp()


def test_a_failing_command_says_status_command_and_output(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Shell("echo why; exit 4") and None).failure
    assert (failure.error, failure.rc, failure.output) == ("CommandFailed", 4, "why\n")
    assert "exit status 4" in failure.message
    assert failure.command.endswith("'echo why; exit 4'")
    assert failure.place.startswith(__file__)


def test_a_command_ended_by_a_signal_says_so(evaluate: Evaluate) -> None:
    assert "signal 9" in evaluate(lambda _: Shell("kill -KILL $$") and None).failure.message


def test_a_program_that_does_not_exist_is_named(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Shell("true", executable="/no-such-shell") and None).failure
    assert "cannot start /no-such-shell: No such file or directory" in failure.message
    assert "Package" in failure.remedy


def test_a_pipe_fails_with_any_of_its_commands_only_if_that_is_said(evaluate: Evaluate) -> None:
    assert shell_of(evaluate, "false | true", executable="/bin/bash").rc == 0
    strict = {"executable": "/bin/bash", "pipefail": True}
    failure = evaluate(lambda _: Shell("exit 3 | cat", **strict) and None).failure
    assert (failure.error, failure.rc) == ("CommandFailed", 3)
    assert shell_of(evaluate, "echo through | cat", **strict).stdout == "through"

    def hiding(_: object) -> None:
        word = Secret("hunter22")  # noqa: F841 - the template reads it
        Shell(T("exit 4 | : {{ word }}"), **strict)

    assert evaluate(hiding).failure.rc == 4, "a script that holds a secret goes another way"


def test_a_shell_without_pipefail_is_refused_before_the_command_runs(tmp_path: Path, evaluate: Evaluate) -> None:
    shell = tmp_path / "plain"
    shell.write_text('#!/bin/sh\ncase "$*" in *pipefail*) exit 2;; esac\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    mark = tmp_path / "mark"
    failure = evaluate(lambda _: Shell(f"touch {mark}", executable=str(shell), pipefail=True) and None).failure
    assert f"{shell} has no pipefail on this machine" in failure.message
    assert "/bin/bash" in failure.remedy
    assert not mark.exists()
    assert (
        evaluate(lambda _: Shell("x", executable=str(shell), pipefail=True, creates="/") and None).ending.status == "ok"
    )


def test_a_directory_that_a_command_cannot_run_in_is_named(tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Shell("true", cwd=tmp_path / "none") and None).failure
    assert f"cannot run in {tmp_path}/none: No such file or directory" in failure.message
    assert "Directory" in failure.remedy
    (tmp_path / "file").write_text("")
    failure = evaluate(lambda _: Shell("true", cwd=tmp_path / "file") and None).failure
    assert f"cannot run in {tmp_path}/file: Not a directory" in failure.message


def test_a_time_limit_ends_the_whole_process_group_and_says_so(tmp_path: Path, evaluate: Evaluate) -> None:
    script = f"sleep 300 & echo $! > {tmp_path}/child; trap '' TERM; echo begun; wait; sleep 300"
    failure = evaluate(lambda _: Shell(script, timeout=0.5) and None).failure
    assert "took too long and was ended" in failure.message
    assert failure.output == "begun\n"
    assert not is_alive(int((tmp_path / "child").read_text()))


def test_a_time_limit_holds_for_a_command_that_closed_its_output(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Shell("exec >&- 2>&-; sleep 300", timeout=0.5) and None).failure
    assert "took too long" in failure.message


def test_a_background_child_that_holds_the_pipes_does_not_hang_the_role(tmp_path: Path, evaluate: Evaluate) -> None:
    started = time.monotonic()
    shell = shell_of(evaluate, f"sleep 60 & echo $! > {tmp_path}/child; echo done")
    assert shell.stdout == "done"
    assert time.monotonic() - started < 30, "the child sleeps longer"
    child = int((tmp_path / "child").read_text())
    assert is_alive(child), "what a command leaves running on purpose stays"
    os.kill(child, 9)


def test_output_without_end_is_kept_by_its_end(evaluate: Evaluate) -> None:
    shell = shell_of(evaluate, "yes | head -c 50000000; echo; echo the end")
    assert len(shell.stdout) <= MOST_KEPT
    assert shell.stdout.endswith("the end")


def test_output_that_is_no_text_is_replaced_and_not_an_error(evaluate: Evaluate) -> None:
    assert shell_of(evaluate, r"printf 'a\377b'").stdout == "a\ufffdb"


def test_much_input_and_much_output_do_not_block_each_other(evaluate: Evaluate) -> None:
    text = "x" * 3_000_000
    assert shell_of(evaluate, "cat | wc -c", stdin=text).stdout.strip() == "3000000"
    assert shell_of(evaluate, "echo early", stdin=text).stdout == "early", "nobody has to read it all"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"creates": "/"}, "skipped"),
        ({"creates": "/no-such-path", "cmd": "true"}, "failed"),
        ({"removes": "/no-such-path"}, "skipped"),
        ({"removes": "/"}, "changed"),
        ({"unless": "true"}, "skipped"),
        ({"unless": "false"}, "changed"),
        ({"only_if": "false"}, "skipped"),
        ({"only_if": "true"}, "changed"),
        ({}, "ran"),
        ({"changed_when": False}, "ok"),
        ({"changed_when": True}, "changed"),
        ({"run_in_check": True}, "ok"),
    ],
)
def test_guards_say_whether_a_command_runs_and_how_it_counts(
    given: dict[str, Any], status: str, evaluate: Evaluate
) -> None:
    done = evaluate(lambda _: Shell(**{"cmd": "true", **given}) and None)
    if status == "failed":
        assert "still does not exist" in done.failure.message
    else:
        assert done.last.status == status


def test_a_command_that_never_counts_as_a_change_is_none_in_check(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        made = Shell("true", changed_when=False)
        Echo(f"changed: {bool(made.changed)}")
        Shell("true", changed_when=lambda result: result.rc == 0)

    done = evaluate(main, mode="check")
    assert [event.status for event in done.finished] == ["ok", "ok", "ran"]
    assert done.echoed == ["changed: False"]
    assert not done.finished[0].assumed


@pytest.mark.parametrize(
    ("judge", "failed"),
    [
        (True, True),
        (False, False),
        (lambda result: result.rc == 3, True),
        (lambda result: "fine" not in result.data, False),
        (Eval("rc == 3 and 'fine' in data"), True),
        (Eval("result.rc > limit"), False),
    ],
)
def test_failed_when_decides(judge: Any, failed: bool, evaluate: Evaluate) -> None:
    done = evaluate(lambda _: Shell("echo fine; exit 3", failed_when=judge) and None, layers=[("policy", {"limit": 5})])
    assert (done.ending.status == "failed") is failed


def test_failed_when_fails_a_command_that_succeeded_with_its_output(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Shell("echo broken", failed_when=Eval("'broken' in data")) and None).failure
    assert "failed_when says that it failed" in failure.message
    assert failure.output == "broken\n"


@pytest.mark.parametrize(
    ("judge", "changed"), [(False, False), (lambda result: "new" in result.stdout, True), (Eval("stdout == ''"), False)]
)
def test_changed_when_decides(judge: Any, changed: bool, evaluate: Evaluate) -> None:
    assert bool(shell_of(evaluate, "echo new", changed_when=judge).changed) is changed


def test_an_ignored_failure_lets_the_role_go_on_and_still_says_failed(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        failed = Shell("exit 4", ignore_errors=True)
        Echo(f"{failed.failed} {failed.rc} {failed.changed}")

    done = evaluate(main)
    assert done.echoed == ["True 4 False"]
    assert done.pairs()


def test_policy_code_may_catch_a_failure(evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        try:
            Shell("exit 4")
        except ProviderError as error:
            Echo(f"caught {error.resource} {error.rc}")  # type: ignore[attr-defined] # it is a CommandFailed

    done = evaluate(main)
    assert done.echoed == ["caught Shell exit 4 4"]
    assert done.ending.status == "ok"


def test_a_secret_reaches_the_command_and_no_report(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell(f"echo $WORD > {tmp_path}/seen; echo $WORD", env={"WORD": Secret("hunter22")})
        Shell(f"cat >> {tmp_path}/seen; exit 3", stdin=Secret("swordfish"), ignore_errors=True)
        Shell(f"cat {tmp_path}/seen", run_in_check=True)

    done = evaluate(main)
    assert (tmp_path / "seen").read_text() == "hunter22\nswordfish"
    assert done.last.output == "********\n********"
    assert "hunter22" not in done.wire()
    assert "swordfish" not in done.wire()


@pytest.mark.parametrize("guard", ["only_if", "unless"])
def test_a_guard_whose_time_ran_out_decides_nothing(evaluate: Evaluate, tmp_path: Path, guard: str) -> None:
    ran = tmp_path / "ran"
    failure = evaluate(lambda _: Shell(f"touch {ran}", timeout=0.3, **{guard: "sleep 300"}) and None).failure
    assert guard in failure.message
    assert "took too long" in failure.message
    assert not ran.exists()


def test_a_program_gets_its_arguments_as_they_are(evaluate: Evaluate) -> None:
    words = ["printf", "%s|", "it's", "$HOME", "a b", "*", ""]
    kept: list[Command] = []
    done = evaluate(lambda _: kept.append(Command(words)))
    assert kept[0].stdout == "it's|$HOME|a b|*||"
    assert done.last.name == """printf '%s|' 'it'"'"'s' '$HOME' 'a b' '*' ''"""
    assert done.last.status == "ran"


def test_a_program_takes_values_that_are_worked_out_later(evaluate: Evaluate) -> None:
    for words in (["echo", T("{{ port }}")], Eval("['echo', port | string]")):
        done = evaluate(lambda _: Command(words, run_in_check=True) and None, layers=[("policy", {"port": 80})])  # noqa: B023
        assert done.last.output == "80\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "not an empty list"), (["a", Secret("hunter22")], "no Secret as an argument"), ("ls -l", "takes list[str]")],
)
def test_what_is_no_program_with_arguments_is_refused(words: Any, said: str, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Command(words) and None).failure
    assert said in failure.message
    assert "hunter22" not in repr(failure)


@pytest.mark.parametrize("given", [{}, {"run_in_check": True}, {"executable": "/bin/bash"}])
def test_a_script_that_holds_a_secret_is_in_no_process_listing(
    given: dict[str, Any], tmp_path: Path, evaluate: Evaluate
) -> None:
    script = f"""cat /proc/$$/cmdline > {tmp_path}/seen; env > {tmp_path}/env
echo '{{{{ word }}}}' > {tmp_path}/got; exit 3"""

    def main(_: object) -> None:
        word = Secret("hunter22")  # noqa: F841 - the template reads it
        Shell(T(script), ignore_errors=True, **given)
        Echo("{{ word }}")

    done = evaluate(main)
    assert (tmp_path / "got").read_text() == "hunter22\n"
    assert "hunter22" not in (tmp_path / "seen").read_text()
    assert "hunter22" not in (tmp_path / "env").read_text()
    assert "hunter22" not in done.wire()
    assert "echo '********'" in done.wire(), "the command is told as it was written"


def test_data_is_what_came_on_both_streams_as_the_command_interleaved_it(evaluate: Evaluate) -> None:
    said = shell_of(evaluate, "for i in $(seq 300); do echo out $i; echo err $i >&2; echo again $i >&2; done")
    numbers = range(1, 301)
    assert said.data.split("\n") == [f"{word} {i}" for i in numbers for word in ("out", "err", "again")]
    assert said.stdout.split("\n") == [f"out {i}" for i in numbers]
    assert said.stderr.split("\n") == [f"{word} {i}" for i in numbers for word in ("err", "again")]


def test_streams_can_be_opened_by_their_names(evaluate: Evaluate) -> None:
    said = shell_of(evaluate, "echo out > /dev/stdout; echo err > /dev/stderr")
    assert (said.stdout, said.stderr) == ("out", "err")


def test_a_write_of_any_size_comes_whole(evaluate: Evaluate) -> None:
    program = "import os; os.write(2, b'e' * 10); os.write(1, b'o' * 300000); os.write(2, b'f' * 10)"
    said = shell_of(evaluate, f"{sys.executable} -c {shlex.quote(program)}")
    assert said.data == "e" * 10 + "o" * 300_000 + "f" * 10


def test_a_child_in_the_background_that_holds_a_stream_does_not_hold_the_command(evaluate: Evaluate) -> None:
    said = shell_of(evaluate, "echo before; (sleep 30; echo late) & echo after >&2")
    assert said.data == "before\nafter"
