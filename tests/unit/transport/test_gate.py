"""How many connections may be on their way, and when one is tried again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from opsmop.errors import ConnectError
from opsmop.transport.base import Route
from opsmop.transport.gate import Gate
from opsmop.transport.pipes import Waker

ROUTE = Route(host="web1", address="127.0.0.1", connect_timeout=1.0)


def test_waiting_for_its_turn_costs_a_connection_none_of_its_tries() -> None:
    waker = Waker()
    gate, first_is_through, tries = Gate(1, waker), threading.Event(), []

    def slow() -> Any:
        first_is_through.set()
        threading.Event().wait(1.2 * ROUTE.connect_timeout)
        return "connected"

    def dropped_once() -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectError("kex_exchange_identification: Connection closed by remote host", host="web2")
        return "connected"

    other = threading.Thread(target=lambda: gate.connected(ROUTE, slow))
    other.start()
    first_is_through.wait()
    assert gate.connected(replace(ROUTE, host="web2"), dropped_once) == "connected"
    other.join()
    assert len(tries) == 2


class Noting(Gate):
    """Notes how long it would rest, and does not."""

    def __init__(self) -> None:
        super().__init__(16, Waker())
        self.pauses: list[float] = []

    def _rest(self, pause: float, route: Route) -> None:
        self.pauses.append(pause)


def test_what_is_tried_again_waits_longer_each_time_and_never_in_step_with_others() -> None:
    gate = Noting()

    def refused() -> None:
        raise ConnectError("ssh: connect to host 10.0.0.1 port 22: Connection refused", host="web1")

    for number in range(20):
        with pytest.raises(ConnectError):
            gate.connected(replace(ROUTE, host=f"web{number}", connect_timeout=60), refused)
    for turn, longest in enumerate((0.4, 0.8, 1.6)):
        pauses = gate.pauses[turn::3]
        assert all(longest / 2 <= pause <= longest for pause in pauses)
        assert len(set(pauses)) > 10


@pytest.mark.parametrize("connects", [1, 3])
def test_never_more_connections_are_opening_than_may_whatever_sshd_they_meet(connects: int) -> None:
    gate, lock = Gate(connects, Waker()), threading.Lock()
    together, opening, most = threading.Barrier(connects), 0, 0

    def connect() -> None:
        nonlocal opening, most
        with lock:
            opening += 1
            most = max(most, opening)
        together.wait(10)  # as many as may come at once do
        with lock:
            opening -= 1

    ways = [replace(ROUTE, host=f"web{number}", address=f"10.0.0.{number}") for number in range(6)]
    with ThreadPoolExecutor(len(ways)) as pool:
        list(pool.map(lambda way: gate.connected(way, connect), ways))
    assert most == connects
