"""A source is reduced to what travels, and its lines and columns stay where they are."""

from __future__ import annotations

import json
import subprocess
import textwrap

import pytest
from tests.ship.conftest import TARGETS

from opsmop.ship.reduce import reduced

SOURCE = '''\
"""The docstring with hunter2."""
from __future__ import annotations
import os, shutil
import vault as v
# a comment with hunter2
PASSWORD = "hunter2"; OTHER = lambda: "hunter2"
LONG = """
hunter2
"""

def stays():
    return "hunter2"

@decorate("hunter2",
          more="hunter2")
def kept(argument="é"):
    """Its own words."""
    # its own comment
    return os.path.join("kept", argument)  # at the end

def factory(pin=1234):
    """Says hunter2."""
    secret = f"hunter2 {pin}" "hunter2"
    both = ("hunter2"
            # hunter2
            "") if 0 else None
    def inner():
        return secret, "inner text"
    return inner

class Role(Base, key="hunter2"):
    """Says hunter2."""
    token = "hunter2"
    def stays(self):
        return "hunter2"
    @property
    def kept_too(self): return self.__token
    hook = dict(a="hunter2", b=lambda: "lambda text")

if PASSWORD == "hunter2":
    X = "hunter2"
    def chosen(): return "chosen text"
elif PASSWORD:
    X = "hunter2"
else:
    X = "hunter2"
try:
    import json
except ImportError: json = "hunter2"
'''
WANTED = {("kept", 14), ("inner", 27), ("kept_too", 36), ("<lambda>", 38), ("chosen", 42)}


def test_what_does_not_travel_is_blank_and_what_travels_is_whole() -> None:
    text = next(reduced(SOURCE, WANTED, {"os", "json"}))
    assert "hunter2" not in text
    assert "1234" not in text
    assert "vault" not in text
    assert "PASSWORD == " in text
    for kept in ("Its own words", "its own comment", "at the end", "inner text", "lambda text", "chosen text"):
        assert kept in text


def test_lines_and_columns_stay() -> None:
    text = next(reduced(SOURCE, WANTED, {"os", "json"}))
    before, after = SOURCE.splitlines(), text.splitlines()
    assert len(before) == len(after)
    for number in (16, 17, 18, 19, 27, 28, 37, 42):
        line = before[number - 1]
        assert after[number - 1].rstrip().endswith(line.strip()[-12:])
        assert after[number - 1].find(line.strip()[-12:]) == line.find(line.strip()[-12:])


def test_imports_that_decide_how_calls_are_compiled_stay_by_name() -> None:
    text = next(reduced(SOURCE, WANTED, {"os", "json"}))
    assert "import os" in text
    assert "import json" in text
    assert "shutil" not in text


def test_a_reduced_source_always_compiles() -> None:
    for wanted in ([place] for place in WANTED):
        for text in reduced(SOURCE, set(wanted), {"os"}):
            compile(text, "site.py", "exec", dont_inherit=True)


def test_syntax_of_another_version_may_stand_where_nothing_travels() -> None:
    source = textwrap.dedent("""
        def new(x):
            match x:
                case {"a": 1, "b": 2}: return "hunter2"
        def old(): return 1
    """)
    text = next(reduced(source, {("old", 5)}, set()))
    assert "match" not in text
    assert "def old(): return 1" in text


AROUND = [
    "if 1:\n    {}",
    "if 'hunter2':\n    {}",
    "if not 0:\n    {}",
    "if '':\n    x = 1\nelse:\n    {}",
    'if """""":\n    x = 1\nelse:\n    {}',
    "if b'':\n    x = 1\nelse:\n    {}",
    'if (""\n    ""):\n    x = 1\nelse:\n    {}',
    "if 0x0:\n    x = 1\nelse:\n    {}",
    "if 7 - 6:\n    {}",
    "if 7 - 7:\n    x = 'hunter2'\nelse:\n    {}",
    "if f'{x}':\n    x = 'hunter2'\nelse:\n    {}",
    "if f'''{x}\n''':\n    {}",
    "while 1:\n    {}",
    "while 'hunter2' and x:\n    {}",
]


MAKER = "def make(password='hunter2'):\n        PIN = 1234\n        return lambda: 'kept'"
FINDING = """
import json, sys
def names(code):
    yield code.co_name
    for constant in code.co_consts:
        if hasattr(constant, "co_name"):
            yield from names(constant)
texts = json.load(sys.stdin)
print(json.dumps([text for text in texts if "<lambda>" not in names(compile(text, "site.py", "exec"))]))
"""


def reduced_maker(around: str) -> str:
    source = around.replace("{}", MAKER) + "\n"
    line = next(number for number, text in enumerate(source.splitlines(), 1) if "lambda" in text)
    return next(reduced(source, {("<lambda>", line)}, set()))


@pytest.mark.parametrize("around", AROUND)
def test_what_branches_hold_besides_travelling_code_is_blank(around: str) -> None:
    text = reduced_maker(around)
    assert "hunter2" not in text
    assert "1234" not in text
    assert "lambda: 'kept'" in text


@pytest.mark.parametrize("version", TARGETS)
def test_no_compiler_drops_a_branch_that_travels(version: str) -> None:
    texts = json.dumps([reduced_maker(around) for around in AROUND])
    command = [TARGETS[version], "-I", "-S", "-c", FINDING]
    ran = subprocess.run(command, input=texts, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []
