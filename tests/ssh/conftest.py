"""A private sshd and real roles for tests that go over real connections."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opsmop.demo.sshd import PrivateSshd
from opsmop.language.role import Role
from opsmop.transport.base import Route
from opsmop.transport.direct import Direct

# Test folders are no packages; what tests share stands beside them.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.ssh.hearing import Heard, nothing_served, order_for, speaking


@pytest.fixture(scope="session")
def sshd() -> Iterator[PrivateSshd]:
    with PrivateSshd() as server:
        yield server


@pytest.fixture
def route(sshd: PrivateSshd) -> Route:
    """The way to the private sshd, as its user, with its key."""
    return Route(
        host="web1",
        address=sshd.address,
        port=sshd.port,
        user=sshd.user,
        key_file=str(sshd.key_file),
        ssh_args=sshd.ssh_args,
        python=sys.executable,
        connect_timeout=20,
        silence_timeout=20,
    )


@pytest.fixture
def behind(route: Route) -> Route:
    """The same, by way of another host: the private sshd once more, which reaches itself."""
    return replace(route, via=replace(route, host="bastion"))


@pytest.fixture
def here() -> Route:
    """A separate process of this machine."""
    return Route(host="web1", local=True, python=sys.executable, connect_timeout=20, silence_timeout=20)


@pytest.fixture(scope="session")
def roles() -> ModuleType:
    return speaking()


@pytest.fixture
def direct() -> Iterator[Direct]:
    transport = Direct()
    yield transport
    transport.close()


@pytest.fixture
def evaluate(direct: Direct) -> Callable[..., Heard]:
    """Evaluate a role and give what was heard."""

    def evaluated(route: Route, role: Role, *, heard: Heard | None = None, serve: Any = nothing_served) -> Heard:
        heard = heard if heard is not None else Heard()
        heard.traffic = direct.evaluate(route, order_for(role), None, heard.events.append, serve)
        return heard

    return evaluated
