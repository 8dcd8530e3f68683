"""What the controller and a relay say to each other, each in one message of mitogen: a kind, a channel, bytes.

A channel is one process that a relay has started. This file also runs on the hosts on the way: no import of ours, and no
newer Python than they have.
"""

from __future__ import annotations

RUN = 1  # start a process: JSON with its `arguments`, and whether to `kill` it if nobody listens any more
INPUT = 2  # bytes for its stdin
SHARED = 3  # the digest of a blob whose bytes go to its stdin
HANG_UP = 4  # close its stdin, after what came before
SIGNAL = 5  # a signal's number (1 byte) for its session
CREDIT = 6  # so many more bytes may it say (4 bytes)
FORGET = 7  # nobody listens to it any more
BLOB = 8  # a piece of a blob: its digest, its whole length (4 bytes), the piece
PASS_ON = 9  # give a blob to a relay behind this one: its context and its handle (4 bytes each), the digest
REACH = 10  # connect to another host, or become another user: JSON (opsmop.transport.mitogen.reaching)
CUT = 11  # end the connection to a context that it has reached (4 bytes)
READY = 65  # the relay is there: JSON with its `handle`, `user` and `python`
STARTED = 66  # the process was started; or, in a text, why not
OUTPUT = 67  # bytes of its stdout; none at its end
ERRORS = 68  # bytes of its stderr
TAKEN = 69  # it has taken so many bytes of its stdin (4 bytes)
ENDED = 70  # its exit status (4 bytes, signed)
REACHED = 71  # what became of REACH: JSON with the new context's `id`, or `error`
FAILED = 72  # the relay cannot go on: a text

WINDOW = 256 << 10  # bytes that a process may say before anybody has taken them
PIECE = 64 << 10  # bytes of one message of a channel
BLOB_PIECE = 1 << 20
DIGEST_LENGTH = 64
_HEADER = 5


def said(kind: int, channel: int = 0, payload: bytes = b"") -> bytes:
    """One message."""
    return bytes((kind,)) + channel.to_bytes(4, "big") + payload


def heard(data: bytes) -> tuple[int, int, bytes]:
    """The kind, the channel and the payload of a message.

    :raises ValueError: if it is none
    """
    if len(data) < _HEADER:
        raise ValueError("a message without a header")
    return data[0], int.from_bytes(data[1:_HEADER], "big"), data[_HEADER:]


def blob_messages(digest: str, data: bytes) -> list[bytes]:
    """The messages that carry a blob."""
    head = digest.encode() + number(len(data))
    starts = range(0, len(data), BLOB_PIECE) or [0]
    return [said(BLOB, 0, head + data[start : start + BLOB_PIECE]) for start in starts]


def number(value: int) -> bytes:
    """A number in four bytes."""
    return value.to_bytes(4, "big", signed=value < 0)
