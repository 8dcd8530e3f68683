"""What a package manager has begun is let end, whatever happens to the role that asked for it."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fleet.debs import installed, offer_packages, package_text
from tests.fleet.harness import Fleet, Host
from tests.fleet.pushing import Pushed, apply, push

from opsmop.transport.direct import Direct

# Longer than a command is given to end after it was asked to (opsmop.target.machine.commands.GRACE).
SLOW = "touch /run/begun; sleep 8; touch /run/done"

Boot = Callable[..., Fleet]


@pytest.fixture
def bookworm(boot: Boot) -> Fleet:
    return boot("bookworm")


@pytest.fixture
def host(bookworm: Fleet) -> Host:
    (host,) = bookworm.hosts
    host.run(package_text("opsmop-slow", "1", script=SLOW))
    offer_packages(host)
    return host


@contextmanager
def begun(fleet: Fleet, host: Host, folder: Path, transport: Direct) -> Iterator[list[Pushed]]:
    """A push whose package is being configured; it has ended afterwards, and what became of it is in the list."""
    ended: list[Pushed] = []
    main = 'Package("opsmop-slow")'
    push_it = threading.Thread(target=lambda: ended.append(push(fleet, folder, main, transport=transport)))
    push_it.start()
    try:
        host.run("until test -e /run/begun; do sleep 0.05; done")
        assert host.run("test -e /run/done", check=False).returncode != 0
        yield ended
    finally:
        push_it.join()


def test_a_cancelled_role_lets_its_package_transaction_end_and_says_so(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    transport = Direct()
    with begun(bookworm, host, tmp_path, transport) as ended:
        transport.cancel()
    assert installed(host, "opsmop-slow") == "ii 1"
    assert "must not be ended in the middle and was awaited: it ended with exit status 0" in ended[0].failures[0]
    assert apply(bookworm, tmp_path, 'Package("opsmop-slow")').changes == []


def test_a_transaction_ends_though_its_controller_is_gone(bookworm: Fleet, host: Host, tmp_path: Path) -> None:
    transport = Direct()
    with begun(bookworm, host, tmp_path, transport):
        transport.close()
    host.run("until test -e /run/done; do sleep 0.05; done; while pgrep -x apt-get; do sleep 0.05; done")
    assert installed(host, "opsmop-slow") == "ii 1"


def test_a_transaction_that_was_killed_all_the_same_is_repaired_by_the_next_role(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    transport = Direct()
    with begun(bookworm, host, tmp_path, transport) as ended:
        host.run("pkill -KILL -x apt-get; pkill -KILL -x dpkg; pkill -KILL -f opsmop-slow.postinst")
    assert ended[0].failures
    assert not installed(host, "opsmop-slow").startswith("ii")
    made = apply(bookworm, tmp_path, 'Package("opsmop-slow")')
    assert made.changes[0] == "repair dpkg"
    assert installed(host, "opsmop-slow") == "ii 1"
    assert apply(bookworm, tmp_path, 'Package("opsmop-slow")').changes == []


def test_a_time_limit_lets_a_transaction_end_and_says_that_it_took_longer(
    bookworm: Fleet, host: Host, tmp_path: Path
) -> None:
    failed = push(bookworm, tmp_path, 'Package("opsmop-slow", timeout=4)')
    assert re.search(r"took longer than [\d.]+ seconds and ended with exit status 0", failed.failures[0])
    assert installed(host, "opsmop-slow") == "ii 1"
    assert apply(bookworm, tmp_path, 'Package("opsmop-slow", timeout=60)').changes == []
