"""Stands in the place of Python on a host on the way: boots as mitogen's child would, then cheats as its name says.

What it is told in return it writes to a file, one line of JSON each. Arguments: the cheat, the file, then mitogen's own.
"""

import io
import json
import os
import pickle
import struct
import sys
import time
import zlib
from pathlib import Path
from typing import Any

HEADER = ">hLLLLLL"
MAGIC = 0x4D49
GET_MODULE, CALL_FUNCTION, FORWARD_LOG, ADD_ROUTE, GET_RESOURCE = 100, 101, 102, 103, 112
NOTHING = pickle.dumps(None, protocol=2)
BOMB = b"cposix\nsystem\n(S'touch %s'\ntR."


class Peer:
    """The controller, or the host before us, at the other end."""

    def __init__(self, file: str, config: dict[str, Any]) -> None:
        self.file = file
        self.id = config["context_id"]
        self.before = config["parent_ids"][0]
        self.there = 0
        self.heard = b""

    def say(self, handle: int, data: bytes = b"", *, to: int = 0, reply_to: int = 0, length: int | None = None) -> None:
        size = len(data) if length is None else length
        self.write(struct.pack(HEADER, MAGIC, to, self.id, self.id, handle, reply_to, size) + data)

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(1, data) :]

    def next(self) -> tuple[int, int, bytes]:
        """The next message: its handle, where its answer goes, and its data."""
        head = self.exactly(struct.calcsize(HEADER))
        _, _, _, _, handle, reply_to, length = struct.unpack(HEADER, head)
        return handle, reply_to, self.exactly(length)

    def exactly(self, length: int) -> bytes:
        while len(self.heard) < length:
            piece = os.read(0, 1 << 16)
            if not piece:
                os._exit(0)
            self.heard += piece
        data, self.heard = self.heard[:length], self.heard[length:]
        return data

    def note(self, **told: Any) -> None:
        with Path(self.file).open("a") as out:
            out.write(json.dumps(told) + "\n")

    def note_all(self) -> None:
        """Write down whatever comes, for good."""
        while True:
            handle, reply_to, data = self.next()
            self.note(handle=handle, reply_to=reply_to, text=data.decode("latin-1"))

    def frame(self, kind: int, channel: int = 0, payload: bytes = b"", *, handle: int = 0) -> None:
        """What a relay says."""
        self.say(handle or self.there, bytes((kind,)) + channel.to_bytes(4, "big") + payload)


class Names(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return lambda *arguments: arguments[0].encode("latin-1") if name == "encode" else dict(*arguments)


def boot() -> tuple[str, Peer]:
    cheat, file, length = sys.argv[1], sys.argv[2], int(sys.argv[-1])
    os.write(1, b"MITO000\n")
    packed = b""
    while len(packed) < length:
        packed += os.read(0, length - len(packed))
    last = zlib.decompress(packed).decode().strip().splitlines()[-1]
    config = eval(last.partition("(")[2].rpartition(").main")[0])
    os.write(1, b"MITO001\nMITO002\n")
    return cheat, Peer(file, config)


def be_a_relay(peer: Peer, answer: bytes = NOTHING) -> None:
    """Take the two calls, and say that the relay is there."""
    for _ in range(2):
        handle, reply_to, data = peer.next()
        assert handle == CALL_FUNCTION, handle
        call = Names(io.BytesIO(data)).load()
        peer.say(reply_to, answer)
        if call[3] == "main":
            peer.there = call[4][0]
    peer.frame(65, 0, json.dumps({"handle": 5000, "user": "ops", "python": sys.executable}).encode())


def ask_for_modules(peer: Peer) -> None:
    for name in (b"opsmop.cli", b"os", b"__main__", b"mitogen.ssh"):
        peer.say(GET_MODULE, name)


def ask_for_resources(peer: Peer) -> None:
    peer.say(GET_RESOURCE, pickle.dumps(("opsmop", "app.py"), protocol=2))
    peer.say(GET_MODULE, b"mitogen.ssh")


def log(peer: Peer) -> None:
    peer.say(FORWARD_LOG, b"evil\x0050\x00the log of a host")
    peer.say(GET_MODULE, b"mitogen.ssh")


def swarm(peer: Peer) -> None:
    for number in range(20_000):
        peer.say(ADD_ROUTE, b"%d:evil" % (100_000 + number))


def answer_requests(peer: Peer, number: Any) -> None:
    """Say of every host that was to be reached that it is this context."""
    while True:
        _, _, data = peer.next()
        if data[:1] == bytes((10,)):  # REACH
            peer.frame(71, int.from_bytes(data[1:5], "big"), json.dumps({"id": number}).encode())


def speak_for_others(peer: Peer) -> None:
    """Say to every handle that there may be that its relay has failed, and that it is gone (mitogen's IS_DEAD)."""
    while True:
        peer.note(spoken=True)
        for handle in range(1000, 1100):
            if handle != peer.there:
                peer.frame(72, 0, b"not so", handle=handle)
                peer.say(handle, b"gone", reply_to=999)
        time.sleep(0.05)


def meet_neighbours(peer: Peer) -> None:
    """Say something to every context that there may be."""
    for number in range(1, 12):
        if number not in (peer.id, peer.before):
            peer.say(CALL_FUNCTION, NOTHING, to=number, reply_to=number + 70_000)
    peer.note(asked=True)
    peer.note_all()


def answer_with_a_bomb(peer: Peer) -> None:
    be_a_relay(peer, BOMB % (peer.file + ".owned").encode())


RELAYS = {
    "asks for modules": ask_for_modules,
    "asks for resources": ask_for_resources,
    "logs": log,
    "sends too large a message": lambda peer: peer.say(peer.there, b"x", length=(16 << 20) + 1),
    "names strange routes without end": swarm,
    "answers with this machine": lambda peer: answer_requests(peer, 0),
    "answers with the number of another": lambda peer: answer_requests(peer, 1),
    "answers with no number": lambda peer: answer_requests(peer, "1"),
    "is no relay": lambda peer: peer.frame(65, 0, b"[" * 50_000),
    "says nothing that is a frame": lambda peer: peer.say(peer.there, b"x"),
    "speaks for others": speak_for_others,
    "meets its neighbours": meet_neighbours,
}
OTHERS = {
    "answers with a bomb": answer_with_a_bomb,
    "says nothing": lambda peer: time.sleep(60),
}

if __name__ == "__main__":
    cheat, peer = boot()
    if cheat in OTHERS:
        OTHERS[cheat](peer)
    else:
        be_a_relay(peer)
        RELAYS[cheat](peer)
    peer.note_all()
