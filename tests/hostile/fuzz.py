"""Feeds bytes that coverage guides to what reads untrusted bytes: the wire's decoders and the inventory.

    python tests/hostile/fuzz.py wire|inventory SECONDS

Needs atheris (`pip install opsmop[fuzz]`). Ends with status 0 if nothing but the promised errors came out.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["opsmop", "json", "tomllib"]):
    import tomllib

    from opsmop.errors import InventoryError, ProtocolError
    from opsmop.events.wire import clean, from_wire, to_wire
    from opsmop.inventory.tree import Tree
    from opsmop.wire import frames

SEEDS = {
    "wire": (
        frames.frame(frames.EVENT, b'{"v":1,"event":"Warned","text":"a\\u001b","ts":1.5}'),
        frames.frame(frames.EVENT, b'{"v":1,"event":"ResourceFinished","id":1,"changes":[{"name":"a","diff":"-"}]}'),
        frames.frame(frames.EVENT, b'{"v":1,"event":"ResourceFailed","failure":{"message":"a","rc":null}}'),
        frames.frame(frames.EVENT, b'{"v":1,"event":"EvaluationFinished","value":"[1]"}') + frames.frame(frames.BEAT),
        frames.frame(frames.ASK, frames.NO_CONTENT + b"files/a") + frames.frame(frames.ENDED, b"\0\0"),
    ),
    "inventory": (
        b"[groups.a.hosts]\nb = \"c=1 d='e f'\"\n[groups.a.vars]\ng = 1\n[hosts.b.vars]\nh = 2\n",
        b'[groups.a]\nchildren = ["b"]\n[groups.b.hosts]\n"10.0.0.1" = { opsmop_host = "x", opsmop_ssh_port = 22 }\n',
    ),
}


def wire(data: bytes) -> None:
    """Frames, and the events in them."""
    try:
        said = frames.Decoder(frames.FROM_AGENT).feed(data)
    except ProtocolError:
        return
    for kind, payload in said:
        if kind == frames.EVENT:
            _event(payload)


def _event(payload: bytes) -> None:
    try:
        event = from_wire(payload)
    except ProtocolError:
        return
    assert from_wire(to_wire(event)) == event
    assert clean(event.file) == event.file


def inventory(data: bytes) -> None:
    """A TOML document, as an inventory."""
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return
    try:
        for host in Tree((("inventory.toml", document),)).hosts:
            assert isinstance(host.hostname(), str)
            assert host.all_variables() is not None
    except InventoryError as error:
        place = error.place
    else:
        place = "inventory.toml"
    assert place


def main() -> None:
    """See the module."""
    target, seconds = sys.argv[1:]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS[target]):
            Path(corpus, str(number)).write_bytes(seed)
        words = [sys.argv[0], f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1024", corpus]
        atheris.Setup(words, {"wire": wire, "inventory": inventory}[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
