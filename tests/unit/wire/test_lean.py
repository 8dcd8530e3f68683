"""What stands in for Python's library on hosts says the same as the library."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opsmop.wire import lean

PLAIN = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@given(some.dictionaries(some.text(), PLAIN))
def test_json_is_as_the_library_writes_it(value: dict[str, object]) -> None:
    assert lean.as_json(value) == json.dumps(value, separators=(",", ":"))


def test_what_json_cannot_hold_is_refused_in_the_same_words() -> None:
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        lean.as_json({"a": object()})


@given(some.lists(some.text()))
def test_a_command_is_told_as_the_library_tells_it(words: list[str]) -> None:
    assert lean.command_text(words) == shlex.join(words)


def test_a_value_is_made_once() -> None:
    asked: list[int] = []
    double = lean.cached(lambda number: asked.append(number) or 2 * number)
    assert [double(1), double(1), double(2)] == [2, 2, 4]
    assert asked == [1, 2]


def test_mapping_is_the_librarys() -> None:
    assert lean.Mapping is Mapping


# None in the place of a module makes its import fail (Python's reference, 5.3.1).
WITHOUT = (
    "import sys; sys.modules.update(_json=None); from opsmop.wire import lean; print(lean.as_json({'a': [1, None]}))"
)


def test_a_python_without_the_c_half_of_json_has_the_librarys() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ['{"a":[1,null]}']
