"""What stands in for Python's library on hosts says the same as the library."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opsmop.wire import lean

SOURCES = str(Path(lean.__file__).parents[2])
PLAIN = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
)


@given(some.dictionaries(some.text(), PLAIN))
def test_json_is_as_the_library_writes_it(value: dict[str, object]) -> None:
    assert lean.as_json(value) == json.dumps(value, separators=(",", ":"))


@given(PLAIN)
def test_json_is_read_as_the_library_reads_it(value: object) -> None:
    for written in (json.dumps(value), json.dumps(value, separators=(",", ":"), ensure_ascii=False)):
        assert lean.from_json(written) == value


@given(PLAIN, some.text(max_size=3), some.integers(min_value=0))
def test_what_is_no_json_is_refused_wherever_the_library_refuses_it(value: object, more: str, cut: int) -> None:
    written = json.dumps(value)
    for text in (written + more, more + written, written[: cut % (len(written) + 1)]):
        try:
            expected = json.loads(text)
        except ValueError:
            with pytest.raises(ValueError):  # noqa: PT011 - in whatever words
                lean.from_json(text)
        else:
            assert lean.from_json(text) == expected


def test_what_json_cannot_hold_is_refused_in_the_same_words() -> None:
    with pytest.raises(TypeError, match="Object of type object is not JSON serializable"):
        lean.as_json({"a": object()})


@given(some.lists(some.text()))
def test_a_command_is_told_as_the_library_tells_it(words: list[str]) -> None:
    assert lean.command_text(words) == shlex.join(words)
    assert [lean.quoted(word) for word in words] == [shlex.quote(word) for word in words]


@given(some.text())
def test_a_text_is_written_in_json_as_the_library_writes_it(text: str) -> None:
    assert lean.as_json(text) == json.dumps(text)


def test_a_value_is_made_once() -> None:
    asked: list[int] = []
    double = lean.cached(lambda number: asked.append(number) or 2 * number)
    assert [double(1), double(1), double(2)] == [2, 2, 4]
    assert asked == [1, 2]


def test_mapping_is_the_librarys() -> None:
    assert lean.Mapping is Mapping


# None in the place of a module makes its import fail (Python's reference, 5.3.1).
WITHOUT = (
    "import sys; sys.modules.update(_json=None); from opsmop.wire import lean; "
    "print(lean.as_json({'a': [1, None]}), lean.from_json('{\"b\": [2, null]}'))"
)


def test_a_python_without_the_c_half_of_json_has_the_librarys() -> None:
    assert said_by(WITHOUT) == """{"a":[1,null]} {'b': [2, None]}"""


REFUSING = """
from opsmop.wire.lean import from_json
for text in ('{"a" 8}', '{"a": [1, 2', '', 'x', '1 2'):
    try:
        from_json(text)
    except ValueError as error:
        print(type(error).__name__)
"""


def test_json_is_refused_in_the_librarys_words_where_nobody_has_imported_it() -> None:
    assert said_by(REFUSING).split() == ["JSONDecodeError"] * 5


PICKLE = r"""
import sys
from opsmop.wire.lean import pickle as alone
assert "functools" not in sys.modules and "collections" not in sys.modules
import functools, pickle
assert alone.Unpickler is pickle.Unpickler and functools.wraps
print(pickle.loads(alone.dumps(functools.partial(int, "11", base=2)))(), alone.loads(b"c__builtin__\nset\n.").__name__)
"""


def test_pickle_comes_without_functools_and_works_with_it() -> None:
    assert said_by(PICKLE) == "3 set"


WITHOUT_PICKLE = """
import sys
sys.modules["_pickle"] = None
from opsmop.wire.lean import pickle as alone
import functools, pickle
print(alone is pickle, alone.loads(alone.dumps([1])), functools.wraps.__module__)
"""


def test_a_python_without_the_c_half_of_pickle_has_the_librarys() -> None:
    assert said_by(WITHOUT_PICKLE) == "True [1] functools"


def said_by(program: str) -> str:
    command = [
        sys.executable,
        "-E",
        "-s",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, sys.argv[1])\n" + program,
        SOURCES,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
