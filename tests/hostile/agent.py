"""Stands in the place of Python on a host, speaks the protocol and cheats as its first argument says.

What the controller sends is kept in the file that the second argument names.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from opsmop import events
from opsmop.wire import frames

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.ssh import hostile_agent as smaller

RECEIVED = Path(sys.argv[2])
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\rgone\x00\x08"
say, event = smaller.say, smaller.event
# What the runners of GitHub, Azure and TeamCity take for commands in the output of a step.
COMMANDS = "\n::error::owned\n  ::stop-commands::owned\n##[group]owned\n##vso[task.complete]owned\n##teamcity[owned]"
NESTED = {"ChangeReport": events.ChangeReport, "Failure": events.Failure}
FORBIDDEN = (
    "inventory.toml",
    "site.py",
    "files/../inventory.toml",
    "./files/.././site.py",
    "FOLDER/inventory.toml",
    "FOLDER/../outside",
    "../outside",
    "files/link",
    "files/link/outside",
    "../../../../../../etc/shadow",
    "/etc/shadow",
    "/proc/self/environ",
    "/proc/self/fd/0",
    "/dev/zero",
    "files/pipe",
    "files",
    "",
    "files/served\0",
    "files/two\nlines\n  ::error::owned",
    f"files/{ESCAPES}",
    "files/" + "x" * 3000,
)


def filled(kind: type[Any], text: str) -> dict[str, Any]:
    """An event, or a part of one, in which every text is `text`."""
    values: dict[str, Any] = {}
    for entry in dataclasses.fields(kind):
        declared = str(entry.type).removesuffix(" | None")
        inner = declared.removeprefix("tuple[").removesuffix(", ...]")
        if entry.name in ("run", "host", "role", "value", "status"):
            continue
        if inner in NESTED:
            values[entry.name] = filled(NESTED[inner], text)
        elif inner == "str":
            values[entry.name] = text
        else:
            continue
        if declared != inner:
            values[entry.name] = [values[entry.name]] * 3
    return values


def says_everywhere(text: str) -> None:
    os.write(2, f"complaint {text}\n".encode())
    for number, name in enumerate(
        sorted(events.HOST_EVENTS - {"EvaluationFinished", "EvaluationStarted", "ResourceStarted"})
    ):
        say(frames.EVENT, event(event="ResourceStarted", id=number, type=text, name=text))
        say(frames.EVENT, event(event=name, **{**filled(events.EVENT_TYPES[name], text), "id": number}))
    failure = filled(events.Failure, text)
    say(frames.EVENT, event(event="EvaluationFinished", status="failed", failure=failure, beyond=text))
    say(frames.ENDED, b"\0\0")


SPEAKING, OVER = threading.Lock(), threading.Event()


def say_whole(kind: int, payload: bytes = b"") -> None:
    """As `say`, where two threads speak."""
    with SPEAKING:
        say(kind, payload)


def ask(name: str) -> None:
    say_whole(frames.ASK, frames.NO_CONTENT + name.encode())
    say_whole(frames.TOOK, (1 << 20).to_bytes(4, "big"))


def beat() -> None:
    while not OVER.wait(0.5):
        say_whole(frames.BEAT)


def asks_for_what_is_not_its() -> None:
    threading.Thread(target=beat, daemon=True).start()
    folder = sys.argv[3]
    say(frames.EVENT, event(event="EvaluationStarted"))
    for number, name in enumerate(FORBIDDEN):
        ask(name.replace("FOLDER", folder))
        HEARD.wait_for(number + 1)
    OVER.set()
    say_whole(frames.EVENT, event(event="EvaluationFinished"))
    say_whole(frames.ENDED, b"\0\0")


def asks_without_taking() -> None:
    while True:
        say(frames.ASK, frames.NO_CONTENT + b"files/large")


def needs_the_code_for_ever() -> None:
    while True:
        say(frames.NEED, b"0" * frames.DIGEST_LENGTH)


def kept_the_code_for_ever() -> None:
    while True:
        say(frames.KEPT)


def ended_as(**ending: Any) -> None:
    say(frames.EVENT, event(event="EvaluationFinished", **ending))
    say(frames.ENDED, b"\0\0")


def heavy_flood() -> None:
    """Small on the wire, large in memory; tells when it is made to wait."""
    say(frames.EVENT, event(event="Warned", text="the flood begins"))
    os.set_blocking(1, False)
    number = 0
    while True:
        number += 1
        for started in (event(event="ResourceStarted", id=number), _heavy(number)):
            _press(len(started).to_bytes(4, "big") + bytes((frames.EVENT,)) + started)


def _heavy(number: int) -> bytes:
    return event(event="ResourceFinished", id=number, changes=[{}] * 10_000)


def flood_of_failures(**more: Any) -> None:
    number = 0
    while True:
        number += 1
        say(frames.EVENT, event(event="ResourceStarted", id=number))
        say(frames.EVENT, event(event="ResourceFailed", id=number, **more))


def wide() -> None:
    text = "\N{GRINNING FACE}" + "x" * 120_000
    flood_of_failures(failure=dict.fromkeys(("message", "remedy", "output", "stderr", "trace"), text))


def _press(data: bytes) -> None:
    stuck = 0
    while data:
        try:
            data, stuck = data[os.write(1, data) :], 0
        except BlockingIOError:
            stuck += 1
            time.sleep(0.05)
        if stuck == 40:
            RECEIVED.with_suffix(".waits").touch()


def twice(*said: bytes) -> None:
    for one in said:
        say(frames.EVENT, one)
    ended_as(status="ok")


def without_end() -> None:
    for number in range(2000):
        say(frames.EVENT, event(event="ResourceStarted", id=number))
    ended_as(status="failed")


def in_the_middle() -> None:
    say(frames.EVENT, event(event="EvaluationStarted"))
    say(frames.EVENT, event(event="ResourceStarted", id=1, type="File", name="/a"))
    ended_as(status="ok")


def unfounded_ending() -> None:
    say(frames.EVENT, event(event="ResourceFinished", id=7, type="File", name="/a"))
    ended_as(status="ok")


def exception() -> None:
    os.write(2, b"Traceback (most recent call last):\nMemoryError\n")
    os._exit(0)


def health() -> None:
    disk = dict.fromkeys(("free", "size", "nodes", "nodes_free"), 0)
    said: dict[str, Any] = dict.fromkeys(("user", "python", "executable", "home"), ESCAPES)
    said |= {"home_writable": False, "reboot": True, "time": 1e18, "uid": 0, "disks": {ESCAPES: disk}}
    ended_as(value=json.dumps(said))


def no_calendar() -> None:
    for moment in (9e18, -9e18):
        say(frames.EVENT, event(event="Warned", text="when?", ts=moment, line=-(2**62)))
    ended_as(status="failed", failure={"message": "when?"}, ts=-9e18)


def endless_noise() -> None:
    while True:
        os.write(1, b"motd " * 10_000)


LARGE_NUMBER = "9" * 100_000
CHEATS = {
    **smaller.CHEATS,
    "escapes": lambda: says_everywhere(ESCAPES),
    "commands for a runner": lambda: says_everywhere(COMMANDS),
    "asks for a file after its end": lambda: (
        say(frames.EVENT, event(event="EvaluationFinished", status="ok")),
        say(frames.ASK, frames.NO_CONTENT + b"files/served"),
    ),
    "begins twice": lambda: twice(*[event(event="EvaluationStarted")] * 2),
    "begins a resource twice": lambda: twice(*[event(event="ResourceStarted", id=1)] * 2),
    "ends a resource twice": lambda: twice(
        event(event="ResourceStarted", id=1), *[event(event="ResourceFinished", id=1)] * 2
    ),
    "resources without an end": without_end,
    "asks for what is not its": asks_for_what_is_not_its,
    "asks without taking": asks_without_taking,
    "needs the code for ever": needs_the_code_for_ever,
    "kept the code for ever": kept_the_code_for_ever,
    "too many elements": lambda: say(frames.EVENT, event(event="ResourceFinished", changes=[{}] * 10_001)),
    "heavy flood": heavy_flood,
    "flood of failures": lambda: flood_of_failures(changes=[{}] * 10_000),
    "flood of wide letters": wide,
    "flood of warnings": smaller.flood,
    "well in the middle of a resource": in_the_middle,
    "an ending without a beginning": unfounded_ending,
    "a status that is none": lambda: ended_as(status="perfect"),
    "cancelled by nobody": lambda: ended_as(status="cancelled"),
    "a value that is no json": lambda: ended_as(value="{"),
    "a value of great depth": lambda: ended_as(value="[" * 100_000),
    "a value of some depth": lambda: ended_as(value="[" * 900 + "]" * 900),
    "a value that is not a number": lambda: ended_as(value="[NaN]"),
    "an answer of another shape": lambda: ended_as(value='{"disks": [["owned"]]}'),
    "no answer": ended_as,
    "facts with escapes": lambda: ended_as(
        value=json.dumps([["Platform.a", [ESCAPES], ESCAPES], [ESCAPES, ESCAPES, ""]])
    ),
    "a health with escapes": health,
    "a value of a large number": lambda: ended_as(value=LARGE_NUMBER),
    "a large number": lambda: say(frames.EVENT, b'{"v":1,"event":"Warned","seq":' + LARGE_NUMBER.encode() + b"}"),
    "not a number": lambda: say(frames.EVENT, b'{"v":1,"event":"Warned","ts":NaN}'),
    "an exception with status 0": exception,
    "times of no calendar": no_calendar,
}


class Heard:
    """Keeps what the controller sends, and counts its answers about files."""

    def __init__(self) -> None:
        self.answers = 0
        self.changed = threading.Condition()
        self.over = threading.Event()  # the controller has hung up

    def listen(self) -> None:
        program = int(sys.argv[sys.argv.index("-c") + 2])  # bytes of what the stub would read and run
        decoder = Skipping(program)
        with RECEIVED.open("wb", buffering=0) as kept:
            while data := os.read(0, 1 << 16):
                kept.write(data)
                self._count(decoder.feed(data))
        self.over.set()

    def _count(self, said: list[tuple[int, bytes]]) -> None:
        with self.changed:
            self.answers += sum(kind == frames.FILE for kind, _ in said)
            self.changed.notify_all()

    def wait_for(self, answers: int) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.answers >= answers, 10)


class Skipping:
    """Leaves out the first bytes, then reads frames of whatever kinds."""

    def __init__(self, length: int) -> None:
        self._left = length
        self._pending = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        left, self._left = self._left, max(0, self._left - len(data))
        self._pending += data[left:]
        said = []
        while len(self._pending) >= 5 and len(self._pending) >= (end := 5 + int.from_bytes(self._pending[:4], "big")):
            said.append((self._pending[4], self._pending[5:end]))
            self._pending = self._pending[end:]
        return said


HEARD = Heard()

if __name__ == "__main__":
    if sys.argv[1] == "endless noise before it is ready":
        endless_noise()
    os.write(1, b"rc noise\nOPSMOP-READY\n")
    if sys.argv[1] not in ("greedy", "asks without taking"):
        threading.Thread(target=HEARD.listen, daemon=True).start()
    CHEATS[sys.argv[1]]()
    HEARD.over.wait(60)
