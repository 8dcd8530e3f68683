"""Language, section 5: what every resource accepts, and what its object then says."""

from __future__ import annotations

from typing import Any

import pytest

ONE = """
class One(Role):
    def inventory(self): return inventory
    def set_handlers(self): return Handlers(told=Echo("told"))
    def main(self):
{main}

class Site(Policy):
    def set_roles(self): return Roles(One(port=80))
"""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('Command(["ls"], pipefail=True)', ["Command has no parameter 'pipefail'", "Shell(..., pipefail=True)"]),
        ('Command("ls -l")', ["Command(argv=...) takes list[str], not str", 'Command(["ls", "-l"]); Shell("ls -l")']),
        ('Git("/x", repo="/y")', ["Git has no parameter 'repo'", "repository="]),
        ('Link("/x", target="/y")', ["Link has no parameter 'target'", "to="]),
        ('File("/x", mod=0o644)', ["File has no parameter 'mod'", "Did you mean 'mode'"]),
        ('File("/x", mode=1.5)', ["File(mode=...) takes int | str | None, not float 1.5"]),
        ("File()", ["File needs 'name'", "where it stands on the target"]),
        ('File("/x", "y")', ["takes 1 value(s) by position (name), not 2"]),
        ('File("/x", from_content="a", absent=True)', ["takes only one of"]),
        ('Shell("true", timeout="long")', ["Shell(timeout=...)"]),
        ('File("relative")', ["relative"]),
        ('Service("x")', ["nothing is said of it"]),
        ('File("/x", mode="0999")', ["not octal digits"]),
    ],
)
def test_a_wrong_parameter_names_resource_parameter_file_and_line(both: Any, wrong: str, said: list[str]) -> None:
    seen = both(ONE.format(main=f"        {wrong}"))
    assert [part for part in said if part not in seen.failure] == []
    assert ".py:10: FieldError" in seen.failure


def test_a_slip_of_a_mode_is_a_warning(both: Any) -> None:
    seen = both(ONE.format(main='        File(f"{OUT}/a", from_content="", mode=0x755)'))
    assert "0o755 is probably meant" in seen.result.warnings[0]


def test_ignored_errors_do_not_stop_the_role_and_are_told(both: Any) -> None:
    main = """
        failed = Shell("echo why >&2; exit 3", ignore_errors=True)
        Echo(f"{failed.failed} {failed.changed} {failed.rc} {failed.stderr}")
    """
    seen = both(ONE.format(main=main))
    assert seen.echoed[0].startswith("True ")
    assert seen.echoed[0].endswith(" 3 why")
    assert [(one.status, one.ignored) for one in seen.result.resources] == [("failed", True), ("ok", False)]
    assert seen.result.ok


def test_a_failure_can_be_caught_and_uncaught_it_ends_the_role(both: Any) -> None:
    main = """
        try:
            Shell("exit 3")
        except ProviderError as error:
            Echo(f"caught {error.resource} {error.rc}")
        Shell("exit 4")
        Echo("never")
    """
    seen = both(ONE.format(main=main))
    assert seen.echoed == ["caught Shell exit 3 3"]
    assert "exit status 4" in seen.failure
    assert seen.result.failed == ("here",)


def test_failed_when_and_changed_when_take_a_bool_or_a_callable(both: Any) -> None:
    main = """
        one = Shell("exit 3", failed_when=False, changed_when=False)
        two = Shell("echo new", changed_when=lambda r: "new" in r.stdout, failed_when=lambda r: r.rc != 0)
        three = Shell("true", failed_when=lambda r: True, ignore_errors=True)
        Echo(f"{one.changed} {one.failed} {two.changed} {three.failed}")
    """
    seen = both(ONE.format(main=main))
    assert seen.echoed == ["False False True True"]
    assert [status for _, _, status in seen.endings] == ["ok", "changed", "failed", "ok"]


def test_what_a_guard_kept_from_running_is_not_judged(both: Any) -> None:
    main = """
        Shell("x", creates="/etc/passwd", failed_when=lambda r: r.rc > 1, until=lambda r: r.rc == 0)
        Shell("x", creates="/etc/passwd", failed_when=Eval("rc > 1"), changed_when=True)
        Shell("x", only_if="false", failed_when=Eval("rc != 0"))
        File(f"{OUT}/a", unless=True, changed_when=True)
    """
    seen = both(ONE.format(main=main))
    assert [status for _, _, status in seen.endings] == ["skipped"] * 4


def test_changed_is_taken_wherever_a_bool_is(both: Any) -> None:
    main = """
        conf = File(f"{OUT}/a", from_content="x")
        Shell("true", only_if=conf.changed)
        Shell("true", unless=conf.changed)
        Shell("true", changed_when=conf.changed)
        Shell("true", only_if=Eval("conf.changed"))
        Directory(f"{OUT}/b", recursive=conf.changed, mode=0o755)
    """
    seen = both(ONE.format(main=main))
    assert [status for _, _, status in seen.endings] == [
        "changed",
        "changed",
        "skipped",
        "changed",
        "changed",
        "changed",
    ]


@pytest.mark.parametrize("judge", ["T('{{ rc != 0 }}')", "'rc != 0'"])
def test_a_text_is_no_judge(both: Any, judge: str) -> None:
    assert (
        "takes a bool, an Eval or a callable of the result, not a text"
        in both(ONE.format(main=f"        Shell('true', failed_when={judge})")).failure
    )


def test_what_changed_and_then_failed_fires_its_signals_all_the_same(both: Any) -> None:
    main = """
        File(f"{OUT}/a", from_content="x", failed_when=True, signals="told", ignore_errors=True)
    """
    seen = both(ONE.format(main=main))
    assert [status for _, _, status in seen.endings] == ["failed", "ok"]
    assert seen.echoed == ["told"]


def test_a_command_whose_words_cannot_be_passed_on_fails_like_any_other(both: Any) -> None:
    main = """
        Shell("echo a\\0b", ignore_errors=True)
        Shell("echo \\udc80\\ud800", ignore_errors=True)
        Shell("true")
    """
    seen = both(ONE.format(main=main))
    assert [status for _, _, status in seen.endings] == ["failed", "failed", "ran"]
    assert "cannot start '/bin/sh': embedded null byte" in seen.result.resources[0].failure.message


def test_a_secret_may_be_larger_than_what_is_said_at_once(both: Any) -> None:
    main = """
        File(f"{OUT}/key", from_content=Secret("k" * 1500000))
    """
    assert (both(ONE.format(main=main)).out / "key").stat().st_size == 1500000


def test_a_shell_without_guards_ran_and_its_signals_fire_one_with_a_guard_is_silent_once_done(both: Any) -> None:
    main = """
        Shell("true", signals="told")
        Shell(f"touch {OUT}/a", creates=f"{OUT}/a")
        Shell(f"touch {OUT}/a", creates=f"{OUT}/a")
    """
    seen = both(ONE.format(main=main))
    assert [status for _, _, status in seen.endings] == ["ran", "changed", "skipped", "ok"]
    assert seen.echoed == ["told"]


def test_the_object_is_the_result(both: Any) -> None:
    main = """
        done = Shell("echo out; echo err >&2")
        Echo(f"{sorted(done.data.split())} {done.stdout!r} {done.stderr!r} {done.rc} {done.actions} {done}")
    """
    seen = both(ONE.format(main=main))
    assert seen.echoed == ["['err', 'out'] 'out' 'err' 0 ['run'] Shell echo out; echo err >&2"]


def test_in_check_a_shell_does_not_run_and_has_no_output(both: Any) -> None:
    main = """
        done = Shell(f"touch {OUT}/a")
        looked = Shell("echo seen", run_in_check=True)
        Echo(looked.data)
        Echo(f"{done.changed}")
        Echo(f"{done.rc} {done.data!r}")
    """
    seen = both(ONE.format(main=main), mode="check")
    assert seen.echoed == ["seen", "True", "None ''"]
    assert not (seen.out / "a").exists()


def test_in_check_what_lies_in_a_planned_directory_is_planned(both: Any) -> None:
    main = """
        Directory(f"{OUT}/new")
        conf = File(f"{OUT}/new/a", from_content="x", signals="told")
        if conf.changed:
            Echo("branch")
    """
    seen = both(ONE.format(main=main), mode="check")
    assert [status for _, _, status in seen.endings] == ["changed", "changed", "ok", "ok"]
    assert seen.echoed == ["branch", "told"]
    assert list(seen.out.iterdir()) == []


def test_in_check_an_exception_after_an_unknown_value_is_a_limit_of_prediction_and_no_failure(both: Any) -> None:
    main = """
        count = Shell("echo 3").data
        Echo(int(count) * "x")
    """
    seen = both(ONE.format(main=main), mode="check")
    assert seen.ending.status == "ok"
    assert seen.ending.beyond.endswith(":12")
    assert both(ONE.format(main=main)).echoed == ["xxx"]


def test_a_method_is_a_short_name_a_class_or_refused_with_what_is_close(both: Any) -> None:
    seen = both("""
        class Mine(Provider, provides=Echo, short="mine"):
            def plan(self):
                yield Change("shout", lambda: None, kind="act")

        class One(Role):
            def inventory(self): return inventory
            def main(self):
                Echo("by class", method=Mine)
                Echo("by name", method="say")
                Echo("wrong", method="sya")

        class Site(Policy):
            def set_roles(self): return Roles(One())
        """)
    assert seen.endings == [("Echo", "by class", "changed"), ("Echo", "by name", "ok"), ("Echo", "wrong", "failed")]
    assert "Echo has no method 'sya'" in seen.failure
    assert "'say'" in seen.failure


def test_secrets_are_masked_wherever_they_would_show(both: Any) -> None:
    main = """
        word = Secret("very-hidden")
        Shell(T("echo {{ word }} && exit 3"), ignore_errors=True)
        File(f"{OUT}/a", from_content=word)
        Echo("{{ word }}")
    """
    seen = both(ONE.format(main=main))
    assert "very-hidden" not in repr(seen.events)
    assert (seen.out / "a").read_text() == "very-hidden"
