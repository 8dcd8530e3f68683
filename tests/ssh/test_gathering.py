"""An agent lets what a role says gather; what somebody waits for, it passes on at once.

Here for longer than a test takes, so that what did not come at once would not come at all.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ssh.hearing import order_for, roles_of

from opsmop.events import EvaluationFinished, EvaluationStarted, Event, Printed, ResourceStarted
from opsmop.events.wire import from_wire
from opsmop.language.role import Role
from opsmop.language.secrets import MASK
from opsmop.wire import frames

LIMIT = 30.0
LONG = 600.0  # seconds in which things gather
AGENT = """
import sys
import opsmop.target.agent as agent
agent._BREATH = float(sys.argv[2])
sys.argv[2:] = ["500", "500"]
agent.main(b"")
"""
Words = list[tuple[int, bytes]]
talking = roles_of("talking")


class Controller:
    """Its end of a line to an agent whose every write can be told from the next."""

    def __init__(self, breath: float = LONG) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.settimeout(LIMIT)
        self._agent = subprocess.Popen(
            [sys.executable, "-c", AGENT, "stub", str(breath)], stdin=subprocess.PIPE, stdout=theirs, bufsize=0
        )
        theirs.close()
        self._decoder = frames.Decoder(frames.FROM_AGENT)

    def say(self, kind: int, payload: bytes = b"") -> None:
        assert self._agent.stdin is not None
        self._agent.stdin.write(frames.frame(kind, payload))

    def order(self, role: Role) -> None:
        self.say(frames.ORDER, frames.NO_DIGEST + order_for(role, options={"log": ""}).to_bytes())

    def hear(self) -> Words:
        """What comes next in one piece."""
        return self._decoder.feed(self._line.recv(1 << 20))

    def pieces(self) -> Iterator[Words]:
        """What comes until the role's process has ended."""
        while True:
            words = self.hear()
            yield words
            if words[-1][0] == frames.ENDED:
                return

    def close(self) -> None:
        self.say(frames.BYE)
        assert self._agent.wait(LIMIT) == 0
        assert self._agent.stdin is not None
        self._agent.stdin.close()
        self._line.close()


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller()
    yield controller
    controller.close()


def events(words: Words) -> list[Event]:
    return [from_wire(payload) for kind, payload in words if kind == frames.EVENT]


def awaited(mark: Path) -> str:
    deadline = time.monotonic() + LIMIT
    while not mark.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return mark.read_text()


def test_the_events_of_quick_resources_come_together_and_the_first_and_the_last_at_once(controller: Controller) -> None:
    controller.order(talking.Quick(number=60))
    pieces = list(controller.pieces())
    assert isinstance(events(pieces[0])[0], EvaluationStarted)
    said = [event for words in pieces for event in events(words)]
    assert sum(isinstance(event, ResourceStarted) for event in said) == 60
    assert isinstance(said[-1], EvaluationFinished)
    assert len(pieces) <= 3


def test_a_question_about_a_file_never_waits_for_what_gathers(controller: Controller) -> None:
    controller.order(talking.Curious(names=["one", "two", "three"]))
    asked = []
    for words in controller.pieces():
        for kind, payload in words:
            if kind == frames.ASK:
                asked.append(payload[frames.CONTENT_DIGEST_LENGTH :].decode())
                controller.say(frames.FILE, frames.REFUSED + b"not served")
    assert asked == ["one", "two", "three"]


def test_a_role_that_is_cancelled_while_things_gather_takes_its_command_with_it(
    controller: Controller, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    controller.order(talking.Endless(mark=str(mark)))
    pid = int(awaited(mark))
    controller.say(frames.CANCEL)
    said = [event for words in controller.pieces() for event in events(words)]
    assert [event.status for event in said if isinstance(event, EvaluationFinished)] == ["cancelled"]
    assert not Path(f"/proc/{pid}").exists()


def test_what_is_printed_past_python_comes_after_what_was_said_before_it(controller: Controller) -> None:
    controller.order(talking.Printer())
    texts = [event.text for words in controller.pieces() for event in events(words) if isinstance(event, Printed)]
    assert texts == ["said", "printed past Python"]


def test_a_secret_is_masked_in_what_is_printed_past_python_however_soon_that_is() -> None:
    controller = Controller(breath=0.0)  # so that the agent often looks while the role speaks
    controller.order(talking.Confiding(number=3000))
    texts = [event.text for words in controller.pieces() for event in events(words) if isinstance(event, Printed)]
    controller.close()
    assert texts == [f"it is {MASK}"] * 3000
