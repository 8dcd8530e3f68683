"""What is secret stays so wherever a policy's code or a command lets it out."""

import base64
import html
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from opsmop import Command, Echo, Secret, Shell, T
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


WRITTEN = """it's <"Tr0ub4dor"> & ä?\\ 3%"""
FILTERS = ["upper", "lower", "capitalize", "urlencode", "escape", "forceescape", "tojson"]


@pytest.mark.parametrize("name", FILTERS)
def test_what_a_filter_makes_of_a_secret_is_masked_too(name: str, evaluate: Callable[..., Any]) -> None:
    said = f"{{{{ password | {name} }}}}"
    done = evaluate(lambda _: Echo(said) and None, layers=[("policy", {"password": Secret(WRITTEN)})])
    assert done.last.output.strip('"') == "********"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, html.escape, quote, quote_plus])
def test_a_secret_is_masked_however_it_is_encoded(encode: Callable[..., Any], evaluate: Callable[..., Any]) -> None:
    encoded = encode(WRITTEN if encode in (html.escape, quote, quote_plus) else WRITTEN.encode())
    text = encoded if isinstance(encoded, str) else encoded.decode()
    done = evaluate(lambda _: Shell(f"printf '%s' {shlex.quote(text)}; true {Secret(WRITTEN).reveal()[:0]}") and None)
    assert done.last.output.rstrip("=") == "********"


def test_a_program_is_given_no_secret_as_an_argument(evaluate: Callable[..., Any]) -> None:
    """Everybody on the machine can read the arguments of a program."""
    known = {"layers": [("policy", {"password": Secret("tr0ub4dor")})]}
    for mode in ("check", "apply"):
        failure = evaluate(lambda _: Command(["echo", T("-p{{ password }}")]) and None, mode, **known).failure
        assert "Command takes no Secret as an argument" in failure.message
        assert "env= or stdin=" in failure.remedy
    assert evaluate(lambda _: Command(["echo", "tr0ub4dor"]) and None, **known).last.status == "ran", "it stands there"
