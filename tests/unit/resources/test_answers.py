"""Programs of our own on a machine that cannot run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from opsmop.errors import CommandFailed
from opsmop.resources.answers import answer, done
from opsmop.target.machine.real import RealMachine


class WithoutPython(RealMachine):
    """A machine whose Python the user who acts may not run."""

    def program(self, name: str) -> Sequence[str]:
        return "/no/such/python", "-c", "the whole program"


@pytest.mark.parametrize("ask", [answer, lambda *given: done(*given, [])])
def test_a_program_that_cannot_start_is_named_by_its_python_and_not_shown(ask: Any) -> None:
    with pytest.raises(CommandFailed) as caught:
        ask(WithoutPython(), "unpack", {})
    assert "cannot start /no/such/python" in caught.value.message
    assert "opsmop_python_path" in caught.value.remedy
    assert caught.value.command == "/no/such/python"
