"""How contacts end where the host says less, or more, than it should."""

from __future__ import annotations

from typing import Any

from opsmop.errors import ProtocolError
from opsmop.events import (
    ContactFinished,
    EvaluationFinished,
    EvaluationStarted,
    Printed,
    ResourceFailed,
    ResourceStarted,
)
from opsmop.language.role import Role


def role_on(inventory: Any, **methods: Any) -> Role:
    made = type("Web", (Role,), {"inventory": lambda self: inventory, **methods})
    return made()


def saying(*events: Any) -> Any:
    def script(order: Any, receive: Any) -> None:
        for event in events:
            receive(event)

    return script


def test_a_host_that_ends_well_in_the_middle_of_a_resource_has_failed(driven: Any, fleet: Any) -> None:
    script = saying(EvaluationStarted(seq=1), ResourceStarted(seq=2, id=1), EvaluationFinished(seq=3))
    done = driven(role_on(fleet("a")), scripts={"a": script})
    (ending,) = done.of(ContactFinished)
    assert (ending.status, ending.failure.error, done.status) == ("lost", ProtocolError.__name__, 1)
    assert [event.id for event in done.of(ResourceFailed)] == [1]


def test_what_a_role_printed_last_may_come_after_its_end(driven: Any, fleet: Any) -> None:
    script = saying(EvaluationStarted(seq=1), EvaluationFinished(seq=2), Printed(text="by a pipe of its own"))
    done = driven(role_on(fleet("a")), scripts={"a": script})
    assert ([event.text for event in done.of(Printed)], done.status) == (["by a pipe of its own"], 0)


def test_a_host_that_skips_a_role_is_put_back_by_the_hooks_after(driven: Any, fleet: Any) -> None:
    out_of_service: set[str] = set()
    role = role_on(
        fleet("a"),
        before_connect=lambda self, host: out_of_service.add(host.name),
        after_connect=lambda self, host: out_of_service.discard(host.name),
    )
    done = driven(role, scripts={"a": saying(EvaluationFinished(seq=1, status="skipped"))})
    assert (out_of_service, done.status) == (set(), 0)
