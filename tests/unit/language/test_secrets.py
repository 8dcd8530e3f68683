"""What is secret stays so wherever a policy's code or a command lets it out."""

from typing import Any

from opsmop import Echo, Secret, Shell
from opsmop.events import EvaluationFinished, Event, Printed
from opsmop.language.additions import Additions
from opsmop.language.role import Role
from opsmop.target.printed import printing_as_events
from opsmop.target.run_role import run_role
from opsmop.transport.files import Depot, FileRules, Served
from opsmop.transport.files.near import Near
from opsmop.wire.order import Order

PASSWORD = "correct horse battery staple"


def test_a_printed_secret_is_masked() -> None:
    class Prints(Role):
        def main(self) -> None:
            print("the password is", self.vars.password.reveal())

    events: list[Event] = []
    order = Order(
        run="1", host="here", role="Prints", mode="apply", inventory=(("here", {"password": Secret(PASSWORD)}),)
    )
    with printing_as_events(events.append) as emit:
        run_role(
            order, emit, Near(Served(FileRules(()), Depot(), print), order), live=lambda: (Prints(), (), Additions())
        )
    assert [event.text for event in events if isinstance(event, Printed)] == ["the password is ********"]
    assert isinstance(events[-1], EvaluationFinished)


def test_output_is_masked_before_it_is_cut(evaluate: Any) -> None:
    def main(role: Role) -> None:
        padding = "x" * 4090  # of the 4096 characters that a good ending shows, the secret would lie across the first
        Shell(f"cat; printf {padding}", stdin=Secret(PASSWORD), register="shown")
        Echo("done")

    def loud(role: Role) -> None:
        Shell(f"printf '%s' '{PASSWORD}{'x' * 4085}'; true {Secret(PASSWORD).reveal()[:0]}")

    for each in (main, loud):
        told = evaluate(each).wire()
        assert "staple" not in told


def test_a_failure_is_masked_before_it_is_cut(evaluate: Any) -> None:
    def main(role: Role) -> None:
        Secret(PASSWORD).reveal()
        Shell(f"printf '%s' '{PASSWORD}'; head -c 65526 /dev/zero | tr '\\0' x; exit 3")

    told = evaluate(main)
    assert told.failure.rc == 3
    assert "staple" not in told.wire()


def test_a_secret_that_the_policys_source_spells_is_masked_in_the_lines_that_an_error_shows(evaluate: Any) -> None:
    def refuse(password: Secret) -> None:
        raise ValueError("no")

    done = evaluate(lambda _: refuse(Secret("tr0ub4dor")))
    assert "refuse(Secret(" in done.failure.trace
    assert "tr0ub4dor" not in done.wire()
