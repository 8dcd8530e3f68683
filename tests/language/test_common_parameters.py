"""Language, section 5: the parameters that every type takes, on several types."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop import (
    Block,
    Change,
    Command,
    Directory,
    Download,
    Echo,
    Eval,
    File,
    Git,
    Line,
    Link,
    Provider,
    Resource,
    Secret,
    Shell,
    Sysctl,
    T,
    WaitFor,
    field,
)
from opsmop.errors import ProviderError
from opsmop.events import ResourceFailed

Evaluate = Callable[..., Any]
TYPES: dict[str, Callable[..., object]] = {
    "File": lambda place, **given: File(place / "made", from_content="x", **given),
    "Directory": lambda place, **given: Directory(place / "made", **given),
    "Shell": lambda place, **given: Shell(f"touch {place}/made", **given),
    "Command": lambda place, **given: Command(["touch", f"{place}/made"], **given),
    "Link": lambda place, **given: Link(place / "made", to="/", **given),
    "Line": lambda place, **given: Line(place / "made", "x", create=True, **given),
    "Block": lambda place, **given: Block(place / "made", "x", create=True, **given),
    "Sysctl": lambda place, **given: Sysctl("vm.swappiness", 60, now=False, kept_in=place / "made", **given),
}


class Flaky(Resource):
    """A type of a policy's own that fails a few times."""

    name: str = field(kw_only=False, doc="a file that counts")
    failures: int = field(default=2, doc="how often it fails")


class Lasting(Resource):
    """A type that never comes to what it is to be, and would say what that is."""

    name: str = field(kw_only=False, doc="what it is called")


class NeverThere(Provider, provides=Lasting):
    def plan(self) -> Any:
        yield Change("set", lambda: None, before="hidden-before", after="hidden-after")


class Failing(Provider, provides=Flaky):
    def plan(self) -> Any:
        yield Change("count", self._count, kind="act")

    def _count(self) -> None:
        counted = Path(self.resource.name)
        number = int(counted.read_text() or "0") if counted.exists() else 0
        counted.write_text(str(number + 1))
        if number < self.resource.failures:
            raise ProviderError(f"failure {number + 1}")


@pytest.fixture(params=TYPES)
def construct(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., object]:
    return lambda **given: TYPES[request.param](tmp_path, **given)


@pytest.mark.parametrize("mode", ["check", "apply"])
@pytest.mark.parametrize(
    ("guards", "done"),
    [
        ({"only_if": "true"}, True),
        ({"only_if": "false"}, False),
        ({"unless": "true"}, False),
        ({"unless": "false"}, True),
        ({"only_if": "true", "unless": "true"}, False),
        ({"only_if": True}, True),
        ({"only_if": Eval("port > 80")}, False),
        ({"unless": Eval("port > 80")}, True),
        ({"only_if": T("test {{ port }} = 80")}, True),
    ],
)
def test_guards_decide_whether_there_is_anything_to_do(
    construct: Any, guards: dict[str, Any], done: bool, mode: str, tmp_path: Path, evaluate: Evaluate
) -> None:
    ended = evaluate(lambda _: construct(**guards) and None, mode, layers=[("policy", {"port": 80})])
    assert (ended.last.status == "skipped") is not done
    assert bool(ended.last.changes) is done
    assert ended.changes(assumed=True) == []
    assert (tmp_path / "made").exists() is (done and mode == "apply")


def test_a_guard_runs_for_real_in_check_and_is_assumed_after_a_plan(
    construct: Any, tmp_path: Path, evaluate: Evaluate
) -> None:
    def main(_: object) -> None:
        File(tmp_path / "before")
        construct(only_if=f"touch {tmp_path}/looked; test ! -e {tmp_path}/before")

    check = evaluate(main, "check")
    assert (tmp_path / "looked").exists()
    assert (check.last.status, check.last.assumed) == ("changed", True)
    assert evaluate(main, "apply").last.status == "skipped"


def test_a_guard_whose_time_ran_out_decides_nothing(construct: Any, tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: construct(only_if="sleep 300", timeout=0.3) and None).failure
    assert "only_if" in failure.message
    assert "took too long" in failure.message
    assert not (tmp_path / "made").exists()


def test_a_failure_is_tried_again_and_told(tmp_path: Path, evaluate: Evaluate) -> None:
    done = evaluate(lambda _: Flaky(str(tmp_path / "count"), retries=2, delay=0) and None)
    assert (tmp_path / "count").read_text() == "3"
    assert [change[2] for change in done.changes()] == ["count"]
    assert [text.partition(" failed ")[2] for text in done.warnings] == [
        "(failure 1); trying again",
        "(failure 2); trying again",
    ]
    assert "try 1 of 3" in done.warnings[0]
    assert done.pairs()


def test_the_last_failure_is_the_one_that_is_told(tmp_path: Path, evaluate: Evaluate) -> None:
    failed = evaluate(lambda _: Flaky(str(tmp_path / "count"), failures=9, retries=1, delay=0) and None)
    assert failed.failure.message == "failure 2"


def test_a_command_is_tried_again_until_its_result_will_do(tmp_path: Path, evaluate: Evaluate) -> None:
    script = f"echo x >> {tmp_path}/lines; wc -l < {tmp_path}/lines"
    for number, until in enumerate((lambda result: int(result.stdout) > 2, Eval("stdout | int > 5")), start=1):
        evaluate(lambda _: Shell(script, until=until, delay=0) and None)  # noqa: B023 - evaluated at once
        assert len((tmp_path / "lines").read_text().splitlines()) == 3 * number


def test_what_never_will_do_fails_with_what_it_printed(tmp_path: Path, evaluate: Evaluate) -> None:
    script = f"echo x >> {tmp_path}/lines; echo not yet"
    failure = evaluate(lambda _: Shell(script, until=lambda r: "done" in r.data, retries=4, delay=0) and None).failure
    assert "`until` does not hold after 5 tries" in failure.message
    assert failure.output == "not yet\n"
    assert (tmp_path / "lines").read_text() == "x\n" * 5


def test_between_two_tries_time_passes(tmp_path: Path, evaluate: Evaluate) -> None:
    started = time.monotonic()
    evaluate(lambda _: Flaky(str(tmp_path / "count"), retries=2, delay=0.25) and None)
    assert time.monotonic() - started >= 0.5


def test_check_judges_nothing_that_did_not_run_and_tries_no_guess_again(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        Shell("true", until=lambda _: False, delay=1000)
        Shell("false", run_in_check=True, retries=3, delay=1000)

    check = evaluate(main, "check")
    assert [change.name for event in check.finished for change in event.changes] == ["run", "cannot be predicted"]


def test_what_check_can_know_is_tried_again_as_apply_would(tmp_path: Path, evaluate: Evaluate) -> None:
    script = f"echo x >> {tmp_path}/lines; test $(wc -l < {tmp_path}/lines) = 3"
    assert (
        evaluate(lambda _: Shell(script, run_in_check=True, retries=2, delay=0) and None, "check").ending.status == "ok"
    )


def test_changes_of_a_try_that_failed_afterwards_are_told(tmp_path: Path, evaluate: Evaluate) -> None:
    tried = itertools.count()
    done = evaluate(
        lambda _: File(tmp_path / "made", failed_when=lambda _: not next(tried), retries=1, delay=0) and None
    )
    assert [change[2] for change in done.changes()] == ["create"]
    assert done.last.status == "changed"


def test_a_time_limit_holds_for_every_command_of_a_resource_together(tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Shell("sleep 300", unless="sleep 0.2; false", timeout=0.5) and None).failure
    assert "took too long and was ended" in failure.message


@pytest.mark.parametrize("given", [{"retries": -1}, {"delay": -0.5}, {"timeout": -1}, {"retries": Eval("0 - 1")}])
def test_less_than_nothing_is_refused(construct: Any, given: dict[str, Any], evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: construct(**given) and None).failure
    assert failure.error == "FieldError"
    assert "takes nothing less than 0, not -" in failure.message


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_a_user_who_does_not_exist_cannot_act(construct: Any, mode: str, tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: construct(run_as="no-such-user") and None, mode).failure
    assert "there is no user 'no-such-user' on this machine to act as" in failure.message
    assert "User" in failure.remedy
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_what_is_sensitive_shows_neither_command_nor_content_nor_output(
    mode: str, tmp_path: Path, evaluate: Evaluate
) -> None:
    (tmp_path / "conf").write_text("hidden-old\n")

    def main(_: object) -> None:
        Shell("echo hidden-word; exit 3", sensitive=True, ignore_errors=True, run_in_check=True)
        File(tmp_path / "conf", from_content="hidden-new\n", sensitive=True)
        Shell("echo hidden-too", sensitive=True)
        Echo("hidden-message", sensitive=True)
        Sysctl("net.no.such", "hidden-value", ignore_missing=True, kept_in=tmp_path / "hid.conf", sensitive=True)
        Lasting(str(tmp_path), sensitive=True, ignore_errors=True)

    done = evaluate(main, mode)
    assert "hidden" not in done.wire()
    assert [event.name for event in done.finished if event.type == "Shell"] == ["********"]


def test_what_is_as_it_was_after_a_change_has_not_converged_and_says_what_differs(
    tmp_path: Path, evaluate: Evaluate
) -> None:
    done = evaluate(lambda _: Lasting(str(tmp_path)) and None)
    assert done.failure.error == "NotConvergedError"
    assert "still differs: set (hidden-before -> hidden-after)" in done.failure.message
    (ended,) = [event for event in done.events if isinstance(event, ResourceFailed)]
    assert [change.name for change in ended.changes] == ["set"], "what was made is told"
    assert evaluate(lambda _: Lasting(str(tmp_path)) and None, "check").ending.status == "ok"


@pytest.mark.parametrize("mode", ["check", "apply"])
def test_an_error_of_what_is_sensitive_holds_none_of_its_parameters(
    mode: str, tmp_path: Path, evaluate: Evaluate
) -> None:
    address = "http://ann:hidden-word@127.0.0.1:1/x"

    def main(_: object) -> None:
        Git(tmp_path / "git", repository=address, sensitive=True, ignore_errors=True, retries=1, delay=0)
        Download(tmp_path / "file", url=address, sensitive=True, ignore_errors=True)
        WaitFor(path=tmp_path / "none", regexp="hidden-word", timeout=0, sensitive=True, ignore_errors=True)
        File(tmp_path / "no" / "conf", from_content="x", owner="root", sensitive=True, ignore_errors=True)
        try:
            Git(tmp_path / "git", repository=address, sensitive=True)
        except ProviderError as error:
            Echo(str(error))
        Line(tmp_path / "conf", "hidden-new", regexp="^hidden-old", sensitive=True)

    done = evaluate(main, mode)
    assert "hidden" not in done.wire()
    assert "asking ******** what it has failed" in done.wire()
    assert str(tmp_path / "no") in done.wire(), "where it stands is told"
    assert "Line" in done.failure.message


@pytest.mark.parametrize("late", ["hidden-new", T("{{ word }}")])
def test_what_is_wrong_with_something_sensitive_is_said_without_it(
    late: object, tmp_path: Path, evaluate: Evaluate
) -> None:
    done = evaluate(
        lambda _: Line(tmp_path / "conf", late, regexp="^hidden-old", sensitive=True) and None,
        layers=[("policy", {"word": "hidden-new"})],
    )
    assert "Line" in done.failure.message
    assert "hidden" not in done.wire()


def test_results_are_registered_and_signals_fire_whatever_the_type(construct: Any, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        construct(register="done")
        Echo("{{ done.changed }}")

    assert evaluate(main).echoed == ["True"]


def test_a_secret_may_stand_in_what_a_sensitive_resource_runs(tmp_path: Path, evaluate: Evaluate) -> None:
    done = evaluate(lambda _: Shell("cat", stdin=Secret("very-hidden"), sensitive=True) and None)
    assert "very-hidden" not in done.wire()


def test_guards_tries_and_the_small_types_are_the_same_in_both_modes(both: Any) -> None:
    seen = both("""
        class One(Role):
            def inventory(self): return inventory
            def set_variables(self): return dict(port=80, word=Secret("very-hidden"))
            def main(self):
                word = self.vars.word
                Directory(f"{OUT}/d", mode="u=rwx,go=", only_if=Eval("port == 80"))
                File(f"{OUT}/d/conf", from_content="a = 1\\n", unless=T("test {{ port }} = 81"))
                Line(f"{OUT}/d/conf", T("port = {{ port }}"), regexp="^port =")
                Block(f"{OUT}/d/conf", T("word = {{ word }}"), title="secrets")
                Replace(f"{OUT}/d/conf", "^a = .*", "a = 2", validate="grep -q port %s")
                Link(f"{OUT}/link", to="d")
                Command(["cat", f"{OUT}/link/conf"], register="read")
                Shell("exit 1", retries=1, delay=0, ignore_errors=True)
                WaitFor(path=f"{OUT}/link/conf", regexp="^port = 80$", timeout=1)
                Echo("{{ read.stdout.count('=') }}", sensitive=False, only_if="true")

        class Site(Policy):
            def set_roles(self): return Roles(One())
    """)
    kinds = ["Directory", "File", "Line", "Block", "Replace", "Link", "Command", "Shell", "WaitFor", "Echo"]
    assert [kind for kind, _, _ in seen.endings] == kinds
    assert seen.echoed == ["3"]
    assert (seen.out / "d" / "conf").read_text() == (
        "a = 2\nport = 80\n# BEGIN secrets\nword = very-hidden\n# END secrets\n"
    )
    assert "very-hidden" not in repr(seen.events)


def test_a_value_that_turns_out_to_be_a_secret_is_hidden_too(tmp_path: Path, evaluate: Evaluate) -> None:
    done = evaluate(
        lambda _: File(tmp_path / "conf", from_content=Eval("word")) and None,
        layers=[("policy", {"word": Secret("very-hidden")})],
    )
    assert "very-hidden" not in done.wire()
    assert (tmp_path / "conf").read_text() == "very-hidden"
