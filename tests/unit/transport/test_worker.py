"""What a worker tells of an evaluation that fails."""

from __future__ import annotations

import json
import pickle
import socket
from typing import Any

from opsmop.transport.base import Route
from opsmop.transport.files import Depot, FileRules
from opsmop.transport.worker import FAILED, JOB, evaluate, read_message, send_message
from opsmop.wire.order import Order


class Broken:
    """Says what the system says where nobody foresaw it."""

    def evaluate(self, *_: Any) -> None:
        raise PermissionError(13, "Permission denied", "/srv/app/private")


def test_an_error_of_the_system_is_told_and_not_taken_for_a_controller_that_has_gone() -> None:
    here, there = socket.socketpair()
    with here:
        order = Order(run="1", host="web1", role="Web", mode="apply")
        send_message(here, JOB, pickle.dumps((Route("web1"), order.to_bytes(), None, FileRules(()))))
        evaluate(Broken(), Depot(), there)  # type: ignore[arg-type]
        kind, payload = read_message(here)
    assert kind == FAILED
    assert "PermissionError: [Errno 13] Permission denied: '/srv/app/private'" in json.loads(payload)["message"]


def test_a_controller_that_has_gone_is_told_nothing() -> None:
    here, there = socket.socketpair()
    here.close()
    evaluate(Broken(), Depot(), there)  # type: ignore[arg-type]
    assert there.fileno() == -1
