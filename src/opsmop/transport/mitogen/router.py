"""Mitogen's router without what we do not use of it: whoever is at the other end is not trusted."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
from typing import Any

import mitogen.core
import mitogen.master
import mitogen.parent

MOST_BYTES = 16 << 20  # of one message
MOST_STRANGE = 10_000  # messages of one tree that are not a relay's: routes, modules, numbers
_EACH = 50  # of them for each station: far more than reaching it takes
_OURS = "mitogen"  # the only package that is served

# What hosts make mitogen log is nobody's to read: our own errors say what happened.
_LOGGER = logging.getLogger("mitogen")
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.propagate = False
_LOGGER.setLevel(logging.CRITICAL)


class Modules(mitogen.master.ModuleResponder):  # type: ignore[misc]
    """Serves mitogen's own modules, which a host needs to reach further, and no others of this machine."""

    def _on_get_module(self, msg: Any) -> None:
        if msg.is_dead:
            return
        name = msg.data.decode("utf-8", "replace")
        if name == _OURS or name.startswith(f"{_OURS}."):
            super()._on_get_module(msg)
            return
        stream = self._router.stream_by_id(msg.src_id)
        if stream is not None:
            self._send_module_load_failed(stream, name)


class Numbers(mitogen.master.IdAllocator):  # type: ignore[misc]
    """Gives hosts the numbers of what they reach, and remembers whose they are."""

    def __init__(self, router: Any) -> None:
        super().__init__(router)
        self._blocks: dict[int, list[range]] = {}

    def on_allocate_id(self, msg: Any) -> None:
        """Answer a host that asks for numbers."""
        if msg.is_dead:
            return
        block = range(*self.allocate_block())
        self._blocks.setdefault(msg.src_id, []).append(block)
        msg.reply((block.start, block.stop))

    def belongs(self, number: int, context: int) -> bool:
        """Whether a number was given to a context."""
        return any(number in block for block in self._blocks.get(context, ()))


class Router(mitogen.master.Router):  # type: ignore[misc]
    """The router of one tree.

    Hosts of a tree speak with the controller and with the hosts above them, never with each other. There are no handlers
    for their logs, their requests for files of packages, or their wish to be left alone; nothing that they say is
    unpickled.

    :param broker: the thread that all trees share
    """

    unidirectional = True
    max_message_size = MOST_BYTES

    def __init__(self, broker: Any) -> None:
        self._strange, self._most_strange = 0, MOST_STRANGE
        self.children: list[subprocess.Popen[bytes]] = []  # every ssh that was started here
        super().__init__(broker, max_message_size=MOST_BYTES)

    def upgrade(self) -> None:
        """Take the handlers that trees need. Mitogen's own takes more."""
        self.id_allocator = Numbers(self)
        self.responder = Modules(self, mitogen.core.ImportPolicy(overrides=(_OURS,)))
        self.route_monitor = mitogen.parent.RouteMonitor(router=self)

    def watch(self, stream: Any) -> None:
        """Count what is not said to a relay's handle; routes and the like would fill our memory."""
        stream.protocol.on_message = self._count

    def expect_more(self) -> None:
        """One more station is to be reached, which takes some messages."""
        self._most_strange += _EACH

    def bury(self) -> None:
        """End what is left of the ssh that were started here, once the broker has ended."""
        for child in self.children:
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def _count(self, stream: Any, message: Any) -> None:
        _, function, _, respondent = self._handle_map.get(message.handle, (None, None, None, None))
        if function is not None and respondent is not None:
            return
        self._strange += 1
        if self._strange > self._most_strange:
            self.disconnect_stream(stream)


def new_broker() -> Any:
    """A broker whose thread ends with the process: a thread of mitogen's is as its maker is."""
    made: list[Any] = []
    maker = threading.Thread(target=lambda: made.append(mitogen.master.Broker(install_watcher=False)), daemon=True)
    maker.start()
    maker.join()
    return made[0]
