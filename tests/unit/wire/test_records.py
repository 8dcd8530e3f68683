"""Our own dataclasses behave as the standard library's, on every supported Python."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import opsmop
from opsmop.events import ChangeReport, Failure, ResourceFinished
from opsmop.wire import records
from opsmop.wire.records import dataclass, field, fields, is_dataclass, replace


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Named(Point):
    y: int = 5
    name: str = ""


@dataclass
class Open:
    x: int = 1


@dataclasses.dataclass(frozen=True)
class Theirs(Point):
    z: int = 3


def test_values_come_by_position_by_name_by_default_and_by_factory() -> None:
    assert Point(1) == Point(x=1, y=2, tags=[])
    assert Point(1).tags is not Point(1).tags
    assert Named(1, 2, [], "n") == Named(x=1, y=2, name="n")
    assert Named(1).y == 5


@pytest.mark.parametrize(("arguments", "named"), [((), {}), ((1, 2, [], 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1})])
def test_what_does_not_fit_the_fields_is_refused(arguments: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="Point"):
        Point(*arguments, **named)  # type: ignore[arg-type]


def test_frozen_values_cannot_be_changed_and_can_be_keys() -> None:
    point = Failure(message="m")
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.message = "n"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.message
    assert {point: 1}[Failure(message="m")] == 1


def test_other_values_can_be_changed_and_are_no_keys() -> None:
    value = Open()
    value.x = 2
    assert value == Open(2)
    with pytest.raises(TypeError):
        hash(value)


def test_equal_means_same_class_and_same_values() -> None:
    assert Point(1) != Point(2)
    assert Point(1) != Named(1, 2)
    assert repr(Open(3)) == "Open(x=3)"


def test_replace_changes_some_values() -> None:
    assert replace(Named(1, name="n"), x=9) == Named(9, name="n")
    assert replace(Theirs(1), z=4) == Theirs(1, z=4)


def test_the_standard_library_takes_them_for_its_own() -> None:
    assert dataclasses.is_dataclass(Point)
    assert is_dataclass(Theirs(1))
    assert [entry.name for entry in dataclasses.fields(Named)] == ["x", "y", "tags", "name"]
    assert dataclasses.replace(Point(1), y=9) == Point(1, 9)
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 2, "tags": []}
    assert records.asdict(Point(1, Point(3), [Point(4)])) == dataclasses.asdict(Point(1, Point(3), [Point(4)]))
    assert dataclasses.fields(Point) == dataclasses.fields(Point), "made once"
    assert Theirs(1, 2, ["t"], 4).z == 4
    assert [entry.name for entry in fields(Theirs)] == ["x", "y", "tags", "z"]


def test_they_can_be_copied_pickled_and_matched() -> None:
    point = Point(1, 2, ["t"])
    assert copy.deepcopy(point) == point == pickle.loads(pickle.dumps(point))
    match point:
        case Point(x, y):
            assert (x, y) == (1, 2)


def test_fields_tell_names_types_and_defaults() -> None:
    assert [(entry.name, entry.type, entry.default) for entry in fields(Open)] == [("x", "int", 1)]
    assert fields(Point)[0].default is records.MISSING


def test_an_event_is_what_the_standard_library_would_have_made() -> None:
    event = ResourceFinished(name="n", changes=(ChangeReport(name="c"),))
    twin = type(event).__record__.twin()  # type: ignore[attr-defined]
    given = {entry.name: getattr(event, entry.name) for entry in fields(event)}
    assert vars(twin(**given)) == vars(event)


def test_no_inspect_is_imported_for_the_events() -> None:
    program = "import sys; import opsmop.events, opsmop.language.machine; print(*sys.modules)"
    sources = str(Path(opsmop.__file__).parents[1])  # -S leaves out the .pth files, and what they import
    said = subprocess.run(
        [sys.executable, "-S", "-c", program], env={"PYTHONPATH": sources}, capture_output=True, text=True, check=True
    ).stdout
    assert not {"dataclasses", "inspect"} & set(said.split())
