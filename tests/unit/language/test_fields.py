"""Parameters: declared once, bound by position or name, refused by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from opsmop import Directory, Echo, Eval, File, Secret, Shell, T
from opsmop.errors import FieldError, PolicyError
from opsmop.language.fields import accepted, bind, declared, field, fits
from opsmop.language.resource import Resource

Evaluate = Callable[..., Any]


class Thing(Resource):
    """A type of these tests."""

    name: str = field(kw_only=False, doc="what it is called")
    port: int = field(default=80, kw_only=False, doc="where it listens")
    names: list[str] = field(default=(), doc="other names")
    level: str = field(default="low", choices=("low", "high"), doc="how much")
    word: Secret | None = field(default=None, sensitive=True, doc="what nobody may see")
    note: str = field(default="", template=True, doc="always a template")


def test_own_parameters_come_before_those_of_every_type() -> None:
    names = list(declared(Thing))
    assert names[:2] == ["name", "port"]
    assert {"method", "ignore_errors", "failed_when", "changed_when", "register", "signals"} <= set(names)


class Switch(Resource):
    """Another."""

    name: str = field(kw_only=False, doc="what it is called")
    to: str = field(default="", doc="where it leads")
    absent: bool = field(default=False, doc="there is to be no such thing")
    size: int = field(default=0, doc="how large")
    users: list[str] = field(default=[], doc="who")
    mark: str = field(default="", doc="a text")
    secret: str = field(default="", sensitive=True, doc="what nobody may see")


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"absent": "yes"}, "Write absent=True."),
        ({"absent": "False"}, "Write absent=False."),
        ({"size": "80"}, "Write size=80."),
        ({"users": "ann"}, "Write users=['ann']."),
        ({"mark": 8}, "Write mark='8'."),
        ({"size": "many"}, "size: how large."),
        ({"secret": 4711}, "secret: what nobody may see."),
    ],
)
def test_the_remedy_for_a_wrong_type_says_what_to_write(given: dict[str, Any], remedy: str) -> None:
    with pytest.raises(FieldError) as caught:
        bind(Switch, ("a",), given, "site.py:1")
    assert caught.value.remedy == remedy


def test_a_value_too_many_by_position_is_offered_the_first_parameter_by_name() -> None:
    with pytest.raises(FieldError) as caught:
        bind(Switch, ("/a", "/b"), {}, "site.py:1")
    assert caught.value.remedy == "Give the others by name: to='/b'?"


def test_values_bind_by_position_and_name_and_default() -> None:
    values = bind(Thing, ("web",), {"names": ["a"]}, "site.py:1")
    assert (values["name"], values["port"], values["names"], values["level"]) == ("web", 80, ["a"], "low")


@pytest.mark.parametrize(
    ("args", "given", "said", "remedy"),
    [
        ((), {}, "Thing needs 'name'", "what it is called"),
        (("a",), {"prot": 1}, "Thing has no parameter 'prot'", "Did you mean 'port'?"),
        (("a",), {"zzzz": 1}, "Thing has no parameter 'zzzz'", "Its parameters: changed_when, delay, failed_when"),
        (("a", 1, 2), {}, "Thing takes 2 value(s) by position (name, port), not 3", "Give the others by name."),
        (("a",), {"name": "b"}, "Thing was given 'name' twice", ""),
        (("a",), {"port": "80"}, "Thing(port=...) takes int, not str '80'", "Write port=80."),
        (("a",), {"port": True}, "Thing(port=...) takes int, not bool True", "port: where it listens."),
        (("a",), {"port": None}, "Thing(port=...) takes int, not NoneType None", "port: where it listens."),
        (("a",), {"names": "b"}, "Thing(names=...) takes list[str], not str 'b'", "Write names=['b']."),
        (("a",), {"names": [1]}, "Thing(names=...) takes list[str], not list [1]", "names: other names."),
        (("a",), {"level": "mid"}, "Thing(level=...) takes one of 'low', 'high', not 'mid'", ""),
        (("a",), {"word": 5}, "Thing(word=...) takes Secret | None, not int", "word: what nobody may see."),
        ((Secret("hunter22"),), {"port": Secret("hunter22")}, "Thing(port=...) takes int, not str", ""),
    ],
)
def test_what_does_not_bind_is_refused_by_name(
    args: tuple[Any, ...], given: dict[str, Any], said: str, remedy: str
) -> None:
    with pytest.raises(FieldError) as caught:
        bind(Thing, args, given, "site.py:7")
    assert caught.value.message.startswith(said)
    assert caught.value.remedy.startswith(remedy)
    assert caught.value.place == "site.py:7"
    assert "hunter22" not in str(caught.value)


def test_a_long_value_is_shortened_in_the_refusal() -> None:
    with pytest.raises(FieldError) as caught:
        bind(Thing, ("a",), {"port": "x" * 10_000}, "")
    assert len(str(caught.value)) < 300


def test_paths_are_taken_as_their_text() -> None:
    assert bind(Thing, (PurePosixPath("/a/b"),), {}, "")["name"] == "/a/b"


def test_late_values_are_taken_as_they_are_and_templates_made_of_texts() -> None:
    values = bind(Thing, (T("{{ a }}"),), {"port": Eval("1"), "names": [T("x")], "note": "{{ b }}"}, "")
    assert repr(values["name"]) == "T('{{ a }}')"
    assert values["note"].text == "{{ b }}"
    assert repr(values["names"]) == "[T('x')]"


@pytest.mark.parametrize(
    ("value", "text", "right"),
    [
        (1, "int | str | None", True),
        (None, "int | str | None", True),
        (1.5, "int | str | None", False),
        ({"a": "b"}, "dict[str, str]", True),
        ({"a": 1}, "dict[str, str]", False),
        ({"a": ["b"]}, "dict[str, list[str]]", True),
        ([1, "a"], "list[int | str]", True),
        (("a",), "list[str]", True),
        (object(), "Any", True),
        (len, "Callable[[Any], bool]", True),
        (3, "float", True),
        (object(), "SomethingNobodyKnows", True),
    ],
)
def test_annotations_are_read_as_text(value: Any, text: str, right: bool) -> None:
    assert fits(value, text) is right


def test_annotations_that_this_python_cannot_evaluate_do_no_harm(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from __future__ import annotations\n"
        "from opsmop.language.fields import bind, field\n"
        "from opsmop.language.resource import Resource\n"
        "class Odd(Resource):\n"
        "    name: Missing[int] | None | str = field(kw_only=False)\n"
        "print(bind(Odd, ('x',), {}, '')['name'])\n"
    )
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=True)
    assert done.stdout == "x\n"


def test_an_accepted_value_is_given_back() -> None:
    assert accepted(Thing, declared(Thing)["level"], "high", "") == "high"


def test_a_resource_outside_of_a_role_is_refused() -> None:
    with pytest.raises(PolicyError, match="Echo is constructed where no role is being evaluated"):
        Echo("x")


def test_a_refusal_names_resource_parameter_file_and_line(tmp_path: Path, evaluate: Evaluate) -> None:
    def main(_: object) -> None:
        File(tmp_path / "conf", from_contents="x")  # the line

    failure = evaluate(main).failure
    assert failure.message == "File has no parameter 'from_contents'"
    assert failure.remedy.startswith("Did you mean 'from_content'")
    file, _, line = failure.place.rpartition(":")
    assert Path(file).read_text().splitlines()[int(line) - 1].endswith("# the line")


def test_a_late_value_of_the_wrong_type_fails_its_resource(tmp_path: Path, evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Directory(tmp_path / "a", recursive=Eval("'yes'")) and None).failure
    assert failure.message == "Directory(recursive=...) takes bool, not str 'yes'"


def test_late_values_work_inside_lists_and_dictionaries(evaluate: Evaluate) -> None:
    done = evaluate(
        lambda _: Shell("echo $A; exit 3", env={"A": T("{{ a }}")}, ok_codes=[0, Eval("b")]) and None,
        layers=[("policy", {"a": "one", "b": 3})],
    )
    assert (done.last.output, done.last.rc) == ("one\n", 3)


def test_a_provider_is_chosen_by_name_and_one_that_is_not_there_is_refused(evaluate: Evaluate) -> None:
    failure = evaluate(lambda _: Shell("true", method="runshel") and None).failure
    assert failure.message == "Shell has no method 'runshel'"
    assert failure.remedy == "Did you mean 'runshell'?"
    assert evaluate(lambda _: Shell("true", method="runshell") and None).last.status == "ran"
