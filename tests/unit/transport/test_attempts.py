"""A password that was refused is not told again, and nobody waits longer than for one attempt."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from opsmop.errors import AuthenticationError, ConnectError, SudoError, TransportError
from opsmop.language.secrets import Secret
from opsmop.transport.attempts import Attempts
from opsmop.transport.base import Route

LOGIN = Route("web1", user="ann", ssh_password=Secret("one"))
SUDO = Route("web1", user="ann", become="root", sudo_password=Secret("two"))
MANY = 8


class Host:
    """Counts who comes, and keeps the first until all others had the time to come too."""

    def __init__(self, error: TransportError | None = None) -> None:
        self.met, self._error = 0, error
        self.all_there = threading.Event()

    def __call__(self) -> str:
        self.met += 1
        self.all_there.wait(0.3)
        if self._error is not None:
            raise self._error
        return "connected"


def refused(kind: type[TransportError]) -> TransportError:
    error = kind("web1 refuses it", host="web1", remedy="Give another.")
    error.password_refused = True
    return error


def all_at_once(attempts: Attempts, route: Route, host: Host) -> list[Any]:
    def one(_: int) -> Any:
        try:
            return attempts.connected(route, host)
        except TransportError as error:
            return type(error), error.message, error.host, error.remedy

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


@pytest.mark.parametrize(("route", "kind"), [(LOGIN, AuthenticationError), (SUDO, SudoError)])
def test_a_refused_password_is_told_once_by_all_together_and_never_again(route: Route, kind: Any) -> None:
    attempts, host = Attempts(), Host(refused(kind))
    told = (kind, "web1 refuses it", "web1", "Give another.")
    assert all_at_once(attempts, route, host) == [told] * MANY
    assert all_at_once(attempts, replace(route, role_timeout=route.role_timeout), host) == [told] * MANY
    assert host.met == 1


def test_a_login_that_was_refused_is_refused_whoever_is_become_there() -> None:
    attempts, host = Attempts(), Host(refused(AuthenticationError))
    for route in (LOGIN, replace(LOGIN, become="root"), replace(LOGIN, become="root", sudo_password=Secret("two"))):
        with pytest.raises(AuthenticationError):
            attempts.connected(route, host)
    assert host.met == 1


def test_another_password_is_another_attempt() -> None:
    attempts, host = Attempts(), Host(refused(AuthenticationError))
    for password in ("one", "two"):
        with pytest.raises(AuthenticationError):
            attempts.connected(replace(LOGIN, ssh_password=Secret(password)), host)
    assert host.met == 2


def test_a_right_password_keeps_nobody_waiting_for_another() -> None:
    attempts, host = Attempts(), Host()
    assert all_at_once(attempts, LOGIN, host) == ["connected"] * MANY
    together = threading.Barrier(MANY)
    assert all_at_once(attempts, LOGIN, lambda: together.wait(5) >= 0) == [True] * MANY  # type: ignore[arg-type]


def test_who_waited_for_a_host_that_is_not_there_shares_its_failure_and_later_ones_try_again() -> None:
    attempts, host = Attempts(), Host(ConnectError("web1 cannot be reached", host="web1"))
    assert {told[0] for told in all_at_once(attempts, LOGIN, host)} == {ConnectError}
    assert host.met == 1
    with pytest.raises(ConnectError):
        attempts.connected(LOGIN, host)
    assert host.met == 2


def test_logins_without_passwords_wait_for_nobody() -> None:
    together = threading.Barrier(MANY)
    assert all_at_once(Attempts(), Route("web1"), lambda: together.wait(5) >= 0) == [True] * MANY  # type: ignore[arg-type]
