"""Faults are made on hosts of a fleet: what tests/fleet needs, this folder needs."""

from pathlib import Path

import pytest
from tests.fleet.conftest import LACKS, REQUIRED

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    if LACKS and REQUIRED:
        raise pytest.UsageError(f"OPSMOP_REQUIRE_FLEET=1, and tests/chaos cannot run: it needs {'; '.join(LACKS)}")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if LACKS and collection_path.is_relative_to(HERE) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LACKS:
        terminalreporter.write_line(f"LEFT OUT: tests/chaos (faults), which needs {'; '.join(LACKS)}", yellow=True)
