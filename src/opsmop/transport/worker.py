"""A worker: a process that evaluates roles for another one, over channels that it is handed."""

from __future__ import annotations

import json
import pickle
import socket
import sys
import threading
import traceback
from collections.abc import Callable

from opsmop.errors import OpsMopError, TransportError
from opsmop.events import Event
from opsmop.events.wire import to_wire
from opsmop.transport.direct import Direct
from opsmop.transport.files import Depot, Digests, Served
from opsmop.transport.files.depot import MEMORY
from opsmop.wire.order import Order

# A message is its kind (1 byte), its payload's length (4 bytes, big-endian) and the payload.
JOB = b"j"  # a pickle of what is to be evaluated; on the control channel: with a channel for that
CANCEL = b"c"  # on the control channel: end what runs, cleanly
EVENT = b"e"  # an event, as `opsmop.events.wire` writes it
FORBIDDEN = b"f"  # the text that tells of a file that was refused
DONE = b"d"  # JSON: what was sent, received and asked for
FAILED = b"x"  # JSON: an error

_HEADER = 5


def send_message(channel: socket.socket, kind: bytes, payload: bytes = b"") -> None:
    """Say something over `channel`.

    :raises OSError: if nobody is there
    """
    channel.sendall(kind + len(payload).to_bytes(4, "big") + payload)


def read_message(channel: socket.socket) -> tuple[bytes, bytes]:
    """What is said next.

    :raises OSError: if nobody is there any more
    """
    header = _exactly(channel, _HEADER)
    return header[:1], _exactly(channel, int.from_bytes(header[1:], "big"))


def _exactly(channel: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        piece = channel.recv(min(length - len(data), 1 << 20))
        if not piece:
            raise ConnectionResetError("nobody is there")
        data += piece
    return bytes(data)


def evaluate(direct: Direct, depot: Depot, channel: socket.socket) -> None:
    """Do what `channel` tells, and tell what came of it."""
    with channel:
        try:
            route, order, packages, rules = pickle.loads(read_message(channel)[1])  # noqa: S301 - by our own parent
            served = Served(rules, depot, lambda text: send_message(channel, FORBIDDEN, text.encode()))
            traffic = direct.evaluate(route, Order.from_bytes(order), packages, _telling(channel), served)
            said = json.dumps((traffic.sent, traffic.received, traffic.requests))
            send_message(channel, DONE, said.encode())
        except Exception as error:  # noqa: BLE001 - it is told where it belongs
            _tell(channel, error)


def _telling(channel: socket.socket) -> Callable[[Event], None]:
    return lambda event: send_message(channel, EVENT, to_wire(event))


def _tell(channel: socket.socket, error: Exception) -> None:
    if isinstance(error, OpsMopError):
        host = error.host if isinstance(error, TransportError) else ""
        said: dict[str, object]
        names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == OpsMopError.__module__]
        said = {"error": names[0], "message": error.message, "host": host, "place": error.place, "remedy": error.remedy}
        said |= {"spent": error.spent} if isinstance(error, TransportError) else {}
    else:
        said = {"error": "OpsMopError", "message": traceback.format_exc(), "host": "", "place": "", "remedy": ""}
    try:
        send_message(channel, FAILED, json.dumps(said).encode())
    except OSError:
        return  # nobody is there to be told


def main() -> None:
    """Evaluate what the control channel hands over, until it ends. Arguments: its descriptor, how many connections may
    be opening at a time, and among how many workers memory is shared.
    """
    descriptor, connects, share = map(int, sys.argv[1:])
    control = socket.socket(fileno=descriptor)
    direct, depot = Direct(connects=connects), Depot(MEMORY // share, Digests())
    try:
        while True:
            said, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not said:
                return
            if said == CANCEL:
                direct.cancel()
            for number in descriptors:
                channel = socket.socket(fileno=number)
                threading.Thread(target=evaluate, args=(direct, depot, channel), daemon=True).start()
    except OSError:
        return  # the other end was torn down
    finally:
        direct.close()


if __name__ == "__main__":
    main()
