"""Frames: how both ends of a connection say things to each other.

A frame is its payload's length (4 bytes, big-endian), its kind (1 byte) and the payload. The controller says `COMPILED`,
`CODE`, `PACKAGES`, `ORDER`, `FILE`, `PING`, `CANCEL` and `BYE`; the agent says `EVENT`, `BEAT`, `NEED`, `ENDED`, `KEPT` and what a
role says about files (`ABOUT_FILES`); the process of a role tells its agent `COMMAND`, `HIDE` and `PLANS`, which never
leave the host.

A role asks for one file at a time. `ASK` is answered by an `OFFER`: what the file is, and the file itself if it is small
and not what the role has. `WANT` is answered by the file. A file comes in pieces, of which only so many may be on their way
(`WINDOW`) as the role has not said that it took (`TOOK`).
"""

from __future__ import annotations

from opsmop.errors import ProtocolError
from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Frame = tuple[int, bytes]  # its kind and its payload

CODE = 1  # the code bundle: digest, then its data; no data says "you should have it"
PACKAGES = 2  # the packages that roles import: digest, then the bundle's data
ORDER = 3  # the digest of its packages (or NO_DIGEST), then an `Order`
FILE = 4  # an answer about files: one of OFFER, MORE, LAST, REFUSED (its text), HAVE, GIVE, then bytes
PING = 5  # the controller is there
CANCEL = 6  # end the role that runs, cleanly
BYE = 7  # end the agent
COMPILED = 8  # the code bundle, compiled by the controller's Python: comes before CODE
EVENT = 65  # an event, as `opsmop.events.wire` writes it
WANT = 66  # a file that was offered: its digest, then its name
BEAT = 67  # the host is there
NEED = 68  # the digest of a code bundle that the host does not have
ENDED = 69  # the role's process ended: EXITED, KILLED or STARVED, then its exit status or the signal, one byte each
ASK = 70  # a controller file: the digest of what the role has (or NO_CONTENT), then its name
TOOK = 71  # how many bytes of a file the role has taken since it last said so (4 bytes)
ENOUGH = 72  # the file that is being sent is not wanted any more
TREE = 73  # a directory of the controller: its name and the patterns of what is left out, zeros between
PARTS = 74  # files of the directory that was asked for last: a bit for each thing in it (`bits`)
COMPARE = 75  # does the controller keep this file of the host? A `Leaving`
LEAVE = 76  # a file of the host is to be kept on the controller: a `Leaving`
LOAD = 77  # a piece of it
KEPT = 79  # the host has kept the code bundle for the next push
COMMAND = 97  # the process group of the command that runs now (4 bytes, 0 for none), its grace in seconds (2 bytes)
HIDE = 98  # a text that must not be seen in what the role prints past Python; it never leaves the host either
PLANS = 99  # what check has planned, for the role after it (`opsmop.target.machine.plans`)

OFFER, MORE, LAST, REFUSED, HAVE, GIVE = b"o", b"m", b"l", b"r", b"h", b"g"
EXITED, KILLED, STARVED = 0, 1, 2  # STARVED: killed by SIGKILL while the kernel ended something for want of memory
DIGEST_LENGTH = 64
NO_DIGEST = b"-" * DIGEST_LENGTH
CONTENT_DIGEST_LENGTH = 32
NO_CONTENT = bytes(CONTENT_DIGEST_LENGTH)
PIECE = 1 << 18  # bytes of a file in one frame; what stays in a processor's cache goes fastest
WINDOW = 4 << 20  # bytes of a file that may be on their way to one host
SMALL = 1 << 20  # bytes; a file of which at most so many come along with its offer

_HEADER = 5
_MIB = 1 << 20

# What each side may say to the other, and how long. A host is not trusted; a controller is, within reason.
ABOUT_FILES: Mapping[int, int] = {
    WANT: 4096,
    ASK: 4096,
    TOOK: 4,
    ENOUGH: 0,
    TREE: 1 << 16,
    PARTS: 1 << 16,
    COMPARE: 8192,
    LEAVE: 8192,
    LOAD: PIECE,
}
FROM_AGENT: Mapping[int, int] = {**ABOUT_FILES, EVENT: _MIB, BEAT: 0, NEED: DIGEST_LENGTH, ENDED: 2, KEPT: 0}
FROM_ROLE: Mapping[int, int] = {**ABOUT_FILES, EVENT: _MIB, KEPT: 0, COMMAND: 6, HIDE: _MIB, PLANS: 65 * _MIB}
FROM_CONTROLLER: Mapping[int, int] = {
    CODE: 256 * _MIB,
    PACKAGES: 256 * _MIB,
    ORDER: 1024 * _MIB,
    FILE: 2 * _MIB,
    PING: 0,
    CANCEL: 0,
    BYE: 0,
}


@dataclass(frozen=True)
class Offer:
    """What a controller file is.

    :param size: bytes
    :param mode: its permission bits
    :param digest: its sha256
    :param follows: whether it comes along
    """

    size: int
    mode: int
    digest: bytes
    follows: bool

    def to_bytes(self) -> bytes:
        """The offer as bytes."""
        return self.size.to_bytes(8, "big") + self.mode.to_bytes(2, "big") + self.digest + bytes((self.follows,))

    @classmethod
    def from_bytes(cls, data: bytes) -> Offer:
        """The offer that `to_bytes` wrote."""
        size, mode = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:10], "big")
        return cls(size, mode, data[10:-1], bool(data[-1]))


@dataclass(frozen=True)
class Leaving:
    """A file of the host, for the controller.

    :param size: bytes
    :param digest: its sha256
    :param to: the directory that it is to go to, as the policy names it
    :param path: where it is on the host
    """

    size: int
    digest: bytes
    to: str
    path: str

    def to_bytes(self) -> bytes:
        """It as bytes."""
        names = f"{self.to}\0{self.path}".encode("utf-8", "surrogateescape")
        return self.size.to_bytes(8, "big") + self.digest + names

    @classmethod
    def from_bytes(cls, data: bytes) -> Leaving:
        """What `to_bytes` wrote."""
        names = data[8 + CONTENT_DIGEST_LENGTH :].decode("utf-8", "surrogateescape")
        to, _, path = names.partition("\0")
        return cls(int.from_bytes(data[:8], "big"), data[8 : 8 + CONTENT_DIGEST_LENGTH], to, path)


def bits(numbers: Iterable[int]) -> bytes:
    """Some numbers as bytes: a bit for each, the lowest first."""
    data = bytearray()
    for number in numbers:
        data.extend(bytes(max(0, number // 8 + 1 - len(data))))
        data[number // 8] |= 1 << number % 8
    return bytes(data)


def numbers(data: bytes) -> list[int]:
    """The numbers that `bits` wrote, in order."""
    return [8 * place + bit for place, byte in enumerate(data) for bit in range(8) if byte >> bit & 1]


def header(kind: int, length: int) -> bytes:
    """What stands before a payload of `length` bytes."""
    return length.to_bytes(4, "big") + bytes((kind,))


def frame(kind: int, payload: bytes = b"") -> bytes:
    """`payload` as a frame."""
    return header(kind, len(payload)) + payload


class Decoder:
    """Bytes as they come, into frames.

    :param longest: the kinds that the other side may say, each with the longest payload it may have, in bytes
    """

    def __init__(self, longest: Mapping[int, int]) -> None:
        self._longest = longest
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        :raises ProtocolError: at the first frame of an unknown kind or too long, before its payload is waited for
        """
        self._pending += data
        frames: list[Frame] = []
        while True:
            complete = self._complete()
            if complete is None:
                return frames
            frames.append(complete)

    def _complete(self) -> Frame | None:
        pending = self._pending
        if len(pending) < _HEADER:
            return None
        length, kind = int.from_bytes(pending[:4], "big"), pending[4]
        self._check(length, kind)
        end = _HEADER + length
        if len(pending) < end:
            return None
        payload = bytes(memoryview(pending)[_HEADER:end])
        del pending[:end]
        return kind, payload

    def _check(self, length: int, kind: int) -> None:
        longest = self._longest.get(kind)
        if longest is None:
            raise ProtocolError(f"a frame of no known kind ({kind})")
        if length > longest:
            raise ProtocolError(f"a frame of kind {kind} that would be {length} bytes long ({longest} are allowed)")
