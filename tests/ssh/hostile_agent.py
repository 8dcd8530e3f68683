"""Stands in the place of Python on a host: answers the stub's readiness, then cheats as its name says."""

import json
import os
import sys
import time

EVENT, BEAT, NEED, ENDED, ASK = 65, 67, 68, 69, 70


def say(kind: int, payload: bytes = b"", length: int | None = None) -> None:
    data = (len(payload) if length is None else length).to_bytes(4, "big") + bytes((kind,)) + payload
    while data:
        data = data[os.write(1, data) :]


def say_at_once(*frames: tuple[int, bytes]) -> None:
    """In one write, as what is to arrive together must be: two writes are sometimes read as two."""
    os.write(1, b"".join(len(payload).to_bytes(4, "big") + bytes((kind,)) + payload for kind, payload in frames))


def event(**fields: object) -> bytes:
    return json.dumps({"v": 1, **fields}).encode()


def flood() -> None:
    while True:
        say(EVENT, event(event="Warned", text="x" * 100_000))


def flood_of_beats() -> None:
    while True:
        os.write(1, (b"\0\0\0\0" + bytes((BEAT,))) * 10_000)


def drip() -> None:
    os.write(1, (1000).to_bytes(4, "big") + bytes((EVENT,)))
    while True:
        os.write(1, b"x")
        time.sleep(0.1)


def slow_line() -> None:
    """No cheat: what an honest agent says at last over a line that takes three seconds for it."""
    said = event(event="Printed", text="x" * 50_000)
    message = len(said).to_bytes(4, "big") + bytes((EVENT,)) + said
    for start in range(0, len(message), 5000):
        os.write(1, message[start : start + 5000])
        time.sleep(0.3)
    finished()
    say(ENDED, b"\0\0")


def greedy() -> None:
    while True:
        say(ASK, bytes(32) + b"large")


def control_characters() -> None:
    say(EVENT, event(event="Printed", text="\x1b[2J\x9b31m\x07 evil \u202e \ud800 text\r\n"))
    say(EVENT, event(event="EvaluationFinished"))
    say(ENDED, b"\0\0")
    time.sleep(60)


def deep() -> None:
    say(EVENT, b'{"v":1,"event":"Warned","text":' + b"[" * 200_000 + b"]" * 200_000 + b"}")


def wrongly_typed() -> None:
    say(EVENT, event(event="ResourceFinished", id="1; DROP", changes={"a": 1}))


def finished() -> None:
    say(EVENT, event(event="EvaluationFinished"))


CHEATS = {
    "oversized frame": lambda: say(EVENT, b"", length=1 << 31),
    "unknown kind": lambda: say(200, b"?"),
    "a frame of the controller": lambda: say(2, b"order"),
    "malformed json": lambda: say(EVENT, b"{nonsense"),
    "a pickle": lambda: say(EVENT, b"\x80\x04cos\nsystem\n(S'touch /tmp/owned'\ntR."),
    "deeply nested json": deep,
    "wrongly typed event": wrongly_typed,
    "unknown event": lambda: say(EVENT, event(event="Owned")),
    "an event of the controller": lambda: say(EVENT, event(event="RunFinished", exit_status=0)),
    "another schema": lambda: say(EVENT, event(v=2, event="Warned")),
    "an event of another host": lambda: say(EVENT, event(event="Warned", host="web2")),
    "an event of another role": lambda: say(EVENT, event(event="Warned", role="Other")),
    "an event of another run": lambda: say(EVENT, event(event="Warned", run="run0")),
    "two endings": lambda: [finished(), finished()],
    "an event after the ending": lambda: [finished(), say(EVENT, event(event="ResourceStarted"))],
    "a file after the ending": lambda: [finished(), say(ASK, bytes(32) + b"large")],
    "a file between two roles": lambda: [
        finished(),
        say(ENDED, b"\0\0"),
        time.sleep(0.5),
        say(ASK, bytes(32) + b"large"),
    ],
    "speech after the end": lambda: [
        finished(),
        say_at_once((ENDED, b"\0\0"), (EVENT, event(event="Warned"))),
    ],
    "malformed ending": lambda: [finished(), say(ENDED, b"\0")],
    "an end without an ending": lambda: say(ENDED, b"\0\0"),
    "silence": lambda: None,
    "a byte at a time": drip,
    "a slow line": slow_line,
    "closes in the middle of a frame": lambda: [os.write(1, b"\0\0\1\0" + bytes((EVENT,)) + b'{"v"'), os._exit(0)],
    "closes at once": lambda: os._exit(0),
    "flood": flood,
    "flood of beats": flood_of_beats,
    "greedy": greedy,
    "control characters": control_characters,
}

if __name__ == "__main__":
    os.write(1, b"rc noise\nOPSMOP-READY\n")
    CHEATS[sys.argv[1]]()
    time.sleep(60)
