"""`opsmop docs`: what a type of resource takes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from opsmop.language.fields import declared
from opsmop.reference import types

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("kind", types(), ids=lambda kind: kind.__name__)
def test_every_parameter_of_every_type_is_told(opsmop: Opsmop, kind: type) -> None:
    done = opsmop("docs", kind.__name__.lower(), COLUMNS="72")
    assert done.returncode == 0, done.stderr
    told = {line.split(":")[0].strip() for line in done.stdout.splitlines() if line.startswith("  ") and line[2] != " "}
    assert set(declared(kind)) <= told


def test_without_a_name_all_types_are_listed(opsmop: Opsmop) -> None:
    lines = opsmop("docs").stdout.splitlines()
    assert {line.split()[0] for line in lines[:-2]} == {kind.__name__ for kind in types()}


def test_an_unknown_type_is_2_and_says_what_is_close(opsmop: Opsmop) -> None:
    done = opsmop("docs", "Fiel")
    assert (done.returncode, done.stderr) == (2, "opsmop: there is no type 'Fiel'\n  Did you mean 'File'?\n")
