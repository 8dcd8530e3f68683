"""An agent that cheats ends as a failed host with a reason, soon, and reaches nothing here."""

import select
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.ssh.hearing import Heard, order_for, serving

from opsmop.errors import HostLostError, ProtocolError
from opsmop.events import Warned
from opsmop.transport.base import Route
from opsmop.transport.conversation import Limits
from opsmop.transport.direct import Direct

AGENT = Path(__file__).parent / "hostile_agent.py"
Cheated = Callable[..., Heard]


@pytest.fixture(params=["direct", "via"])
def way(request: pytest.FixtureRequest, route: Route, behind: Route) -> Route:
    return {"direct": route, "via": behind}[request.param]


@pytest.fixture
def cheated(roles: Any, way: Route, tmp_path: Path) -> Iterator[Cheated]:
    """Evaluate a role on a host whose Python is the hostile agent."""
    direct = Direct(limits=Limits(frames=100_000, received=8 << 20))

    def evaluated(cheat: str) -> Heard:
        (tmp_path / "large").write_bytes(b"x" * 1_000_000)
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\nexec {sys.executable} {AGENT} '{cheat}'\n")
        python.chmod(0o755)
        heard, mute = Heard(), replace(way, python=str(python), silence_timeout=1.5)
        direct.evaluate(mute, order_for(roles.Pid()), None, heard.events.append, serving(tmp_path))
        return heard

    yield evaluated
    direct.close()


@pytest.mark.parametrize(
    ("cheat", "reason"),
    [
        ("oversized frame", "would be 2147483648 bytes long"),
        ("unknown kind", r"no known kind \(200\)"),
        ("a frame of the controller", r"no known kind \(2\)"),
        ("malformed json", "not JSON"),
        ("a pickle", "not JSON"),
        ("deeply nested json", "not JSON"),
        ("wrongly typed event", r"ResourceFinished\.\w+ is not"),
        ("unknown event", "no known type"),
        ("an event of the controller", "RunFinished, which only the controller says"),
        ("another schema", "another schema"),
        ("an event of another host", "spoke for the host 'web2'"),
        ("an event of another role", "spoke for the role 'Other'"),
        ("an event of another run", "spoke for the run 'run0'"),
        ("two endings", "EvaluationFinished after its evaluation had finished"),
        ("an event after the ending", "ResourceStarted after its evaluation had finished"),
        ("a file after the ending", "asked for a file after its role had ended"),
        ("speech after the end", "after its role had ended"),
        ("malformed ending", "malformed ending"),
        ("flood", "one role said"),
        ("flood of beats", "one role said"),
        ("greedy", "asks for files faster than it takes them"),
    ],
)
def test_what_is_not_the_protocol_is_a_protocol_error_that_says_what(cheat: str, reason: str, cheated: Cheated) -> None:
    with pytest.raises(ProtocolError, match=reason) as caught:
        cheated(cheat)
    assert caught.value.host == "web1"


@pytest.mark.parametrize(
    ("cheat", "reason"),
    [
        ("an end without an ending", "ended with status 0 before the role did"),
        ("silence", "said nothing for"),
        ("a byte at a time", "said nothing for"),
        ("closes in the middle of a frame", "ended before the role did"),
        ("closes at once", "ended before the role did"),
    ],
)
def test_who_goes_away_or_silent_is_a_lost_host(cheat: str, reason: str, cheated: Cheated) -> None:
    with pytest.raises(HostLostError, match=reason):
        cheated(cheat)


def test_a_long_message_that_comes_slowly_is_heard_to_its_end(cheated: Cheated) -> None:
    assert cheated("a slow line").ending.status == "ok"


def test_control_characters_of_a_host_reach_nobody(cheated: Cheated) -> None:
    heard = cheated("control characters")
    (text,) = heard.printed
    assert not set(text) & set("\x1b\x9b\x07\r\u202e")
    assert "evil" in text
    assert text.encode()


def test_a_file_asked_for_between_two_roles_is_told_and_costs_the_connection(
    roles: Any, route: Route, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} {AGENT} 'a file between two roles'\n")
    python.chmod(0o755)
    way, direct, heard = replace(route, python=str(python)), Direct(), Heard()
    direct.evaluate(way, order_for(roles.Pid()), None, heard.events.append, serving(tmp_path))
    (kept,) = direct._idle[way]
    select.select([kept.pipes._output], [], [])  # it has asked
    direct.evaluate(way, order_for(roles.Pid()), None, heard.events.append, serving(tmp_path))
    (other,) = direct._idle[way]
    assert other is not kept
    assert [event.text for event in heard.events if isinstance(event, Warned)] == [
        "refused: a file was asked for between two roles; that connection was given up"
    ]
    direct.close()
