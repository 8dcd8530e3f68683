"""Evaluates code as the main() of a role on this machine."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsmop.events import EvaluationFinished, Event, ResourceFailed, ResourceFinished
from opsmop.language.additions import Additions
from opsmop.language.role import Role
from opsmop.target.run_role import run_role
from opsmop.transport.files import Depot, FileRules, Served
from opsmop.transport.files.near import Near
from opsmop.wire.order import Order


class Evaluated:
    """What came of it."""

    def __init__(self, ending: EvaluationFinished, events: list[Event], values: list[Any]) -> None:
        self.ending, self.events, self.values = ending, events, values

    @property
    def value(self) -> Any:
        """What the code returned."""
        assert self.ending.status == "ok", self.ending.failure
        assert self.values, self.ending
        return self.values[0]

    @property
    def failure(self) -> str:
        """Place, message and remedy of what it raised."""
        assert self.ending.failure is not None, self.values
        failure = self.ending.failure
        return f"{failure.place}: {failure.message}\n{failure.remedy}"

    def resources(self) -> list[Any]:
        return [event for event in self.events if isinstance(event, (ResourceFinished, ResourceFailed))]


Evaluate = Callable[..., Evaluated]


@pytest.fixture
def evaluate(facts_dir: Path) -> Evaluate:
    """Evaluates a function as a role's main()."""

    def evaluate(
        code: Callable[[], Any], mode: str = "apply", additions: Additions | None = None, **options: Any
    ) -> Evaluated:
        values: list[Any] = []

        class Asking(Role):
            def main(self) -> None:
                values.append(code())

        order = Order("run", "here", "Asking", mode, options={"facts_dir": str(facts_dir), **options})
        events: list[Event] = []
        live = (Asking(), (), additions or Additions())
        ending = run_role(order, events.append, Near(Served(FileRules(()), Depot(), print), order), live=lambda: live)
        return Evaluated(ending, events, values)

    return evaluate


@pytest.fixture
def facts_dir(tmp_path: Path) -> Path:
    """The directory of user facts; it is not made yet."""
    return tmp_path / "facts.d"


@pytest.fixture
def write(facts_dir: Path) -> Callable[..., Path]:
    """Writes a user fact."""

    def write(name: str, content: str | bytes, *, executable: bool = False) -> Path:
        facts_dir.mkdir(exist_ok=True)
        facts_dir.chmod(0o755)
        path = facts_dir / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(0o755 if executable else 0o644)
        assert stat.S_ISREG(path.stat().st_mode)
        return path

    return write
