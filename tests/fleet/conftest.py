"""`boot("bookworm", "bullseye")` gives a test a fleet of its own; without root the whole folder is left out, aloud."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from opsmop.transport.direct import Direct

# The harness is a package of the checkout, also for `python3 -m tests.fleet`, and not of the installed project.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fleet.harness import Fleet, missing
from tests.ssh.hearing import speaking

LACKS = missing()
REQUIRED = os.environ.get("OPSMOP_REQUIRE_FLEET") == "1"
HERE = Path(__file__).parent

Boot = Callable[..., Fleet]


def pytest_configure(config: pytest.Config) -> None:
    if LACKS and REQUIRED:
        raise pytest.UsageError(f"OPSMOP_REQUIRE_FLEET=1, and tests/fleet cannot run: it needs {'; '.join(LACKS)}")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if LACKS and collection_path.is_relative_to(HERE) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LACKS:
        terminalreporter.write_line(f"LEFT OUT: tests/fleet (real hosts), which needs {'; '.join(LACKS)}", yellow=True)


@pytest.fixture
def boot() -> Iterator[Boot]:
    """Boot clean hosts of the named releases; they are gone when the test ends."""
    with ExitStack() as stack:
        yield lambda *releases, **details: stack.enter_context(Fleet(releases, **details))


@pytest.fixture(scope="session")
def roles() -> ModuleType:
    return speaking()


@pytest.fixture
def direct() -> Iterator[Direct]:
    transport = Direct()
    yield transport
    transport.close()
