"""What runs on a host on the way: starts processes for the controller and passes on what they say and are told.

It is carried there as text and runs in a thread of mitogen's process, which stays free for nothing but its messages. A
process says no more than the controller has taken; a blob (our code) comes once, however many processes it is for.
This file runs there: no import of ours but of what is carried along, and no newer Python than such hosts have.
"""

from __future__ import annotations

import json
import os
import pwd
import select
import signal
import sys
import threading
import time
from collections import deque
from typing import Any

from opsmop.transport.mitogen import speech
from opsmop.transport.mitogen.child import Child
from opsmop.transport.mitogen.reaching import reached

_LOOKING = 0.1  # seconds between two looks at processes that are about to end
_LINGERING = 1.0  # seconds for which the words of a process that has ended are waited for


class Relay:
    """The processes of one controller on this host.

    :param econtext: mitogen's own of this process
    :param there: the controller's handle for what we say
    """

    def __init__(self, econtext: Any, there: int) -> None:
        import mitogen.core  # here is a mitogen

        self.econtext, self.there = econtext, there
        self.message = mitogen.core.Message
        self.heard: deque[Any] = deque()
        self.woken, self.wake = os.pipe()
        for end in (self.woken, self.wake):
            os.set_blocking(end, False)
        self.processes: dict[int, Child] = {}
        self.blobs: dict[str, bytearray] = {}
        self.lengths: dict[str, int] = {}
        self.promised: list[tuple[str, int, int]] = []  # blobs for relays behind us, which may not have come yet
        self.upgrading = threading.Lock()
        mitogen.core.listen(econtext.broker, "shutdown", self.end)
        self.handle = econtext.router.add_handler(
            self.on_message, persist=True, policy=mitogen.core.has_parent_authority
        )

    def on_message(self, message: Any) -> None:
        """Note what was said; mitogen's own thread must not be kept waiting."""
        self.heard.append(None if message.is_dead else message.data)
        try:
            os.write(self.wake, b"!")
        except BlockingIOError:
            return

    def say(self, kind: int, channel: int, payload: bytes = b"") -> None:
        """Say something to the controller."""
        self.send(0, self.there, speech.said(kind, channel, payload))

    def send(self, context: int, handle: int, data: bytes) -> None:
        """Send a message to a handle of another context."""
        self.econtext.router.route(self.message(dst_id=context, handle=handle, data=data))

    def run(self) -> None:
        """Be the relay, for good."""
        try:
            about = {"handle": self.handle, "user": pwd.getpwuid(os.geteuid()).pw_name, "python": sys.executable}
            self.say(speech.READY, 0, json.dumps(about).encode())
            while True:
                self.wait()
        except Exception as error:  # noqa: BLE001 - whatever it is, the controller is to know, and the others behind us
            self.say(speech.FAILED, 0, f"{type(error).__name__}: {error}".encode())
            self.econtext.broker.shutdown()

    def wait(self) -> None:
        """Wait for the next thing, and do it."""
        waiting = select.poll()
        waiting.register(self.woken, select.POLLIN)
        ready = {}
        for channel, process in self.processes.items():
            for end, pipe in process.pipes.items():
                if not pipe.closed and process.credit > 0:
                    waiting.register(pipe, select.POLLIN)
                    ready[pipe.fileno()] = (channel, end)
            if not process.input.closed and self.next_of(process) is not None:
                waiting.register(process.input, select.POLLOUT)
                ready[process.input.fileno()] = (channel, "input")
        for number, _ in waiting.poll(self.patience() * 1000):
            if number == self.woken:
                os.read(self.woken, 4096)
            else:
                self.move(*ready[number])
        while self.heard:
            self.obey(self.heard.popleft())
        for channel in list(self.processes):
            self.look_after(channel)

    def patience(self) -> float:
        """How long nothing may be looked at."""
        processes = self.processes.values()
        ending = any(process.child.poll() is not None or process.pipes["out"].closed for process in processes)
        return _LOOKING if ending else 5.0

    def move(self, channel: int, end: str) -> None:
        """Move bytes between a pipe and the controller."""
        process = self.processes[channel]
        if end == "input":
            self.feed(channel, process)
            return
        pipe = process.pipes[end]
        try:
            data = os.read(pipe.fileno(), min(speech.PIECE, max(1, process.credit)))
        except BlockingIOError:
            return
        process.credit -= len(data)
        if not data:
            pipe.close()
        if data or end == "out":
            self.say(speech.OUTPUT if end == "out" else speech.ERRORS, channel, data)

    def next_of(self, process: Child) -> Any:
        """What a process is to be told next; None for nothing, or for nothing yet."""
        if not process.unsent:
            return None
        first = process.unsent[0]
        if isinstance(first, str):
            blob = self.whole(first)
            if blob is None:
                return None
            process.unsent[0] = first = memoryview(blob)
        if first is None:
            process.input.close()
            process.unsent.clear()
        return first

    def feed(self, channel: int, process: Child) -> None:
        """Tell a process what it is to be told, as far as it takes it."""
        taken = 0
        try:
            while True:
                first = self.next_of(process)
                if first is None:
                    break
                written = os.write(process.input.fileno(), first[: speech.BLOB_PIECE])
                taken += written
                if written < len(first):
                    process.unsent[0] = memoryview(first)[written:]
                else:
                    process.unsent.popleft()
        except BlockingIOError:
            pass
        except OSError:
            process.input.close()  # it has gone; its stdout and stderr say so too
            process.unsent.clear()
        if taken:
            self.say(speech.TAKEN, channel, speech.number(taken))

    def look_after(self, channel: int) -> None:
        """Tell of a process that has ended, once its last words are told."""
        process = self.processes[channel]
        if process.child.poll() is None:
            return
        now = time.monotonic()
        process.ended_at = process.ended_at or now
        speaking = any(not pipe.closed for pipe in process.pipes.values())
        if speaking and (process.credit <= 0 or now - process.ended_at <= _LINGERING):
            return
        process.close()
        del self.processes[channel]
        if not process.forgotten:
            self.say(speech.OUTPUT, channel)
            self.say(speech.ENDED, channel, speech.number(process.child.returncode))

    def obey(self, data: Any) -> None:
        """Do what the controller says."""
        if data is None:
            return
        kind, channel, payload = speech.heard(data)
        process = self.processes.get(channel)
        if kind == speech.RUN:
            self.start(channel, json.loads(payload))
        elif kind == speech.BLOB:
            self.take_blob(payload)
        elif kind == speech.PASS_ON:
            self.pass_on(payload)
        elif kind == speech.CUT:
            self.cut(int.from_bytes(payload[:4], "big"))
        elif kind == speech.REACH:
            threading.Thread(target=self.reach, args=(channel, json.loads(payload)), daemon=True).start()
        elif process is not None:
            self.tell(process, kind, payload)

    def tell(self, process: Child, kind: int, payload: bytes) -> None:
        """Do what the controller says to one process."""
        if kind == speech.INPUT:
            process.unsent.append(payload)
        elif kind == speech.SHARED:
            process.unsent.append(payload.decode())
        elif kind == speech.HANG_UP:
            process.unsent.append(None)
            self.next_of(process)
        elif kind == speech.SIGNAL:
            process.signal(payload[0])
        elif kind == speech.CREDIT:
            process.credit += int.from_bytes(payload, "big")
        elif kind == speech.FORGET:
            process.forgotten = True
            process.unsent.clear()
            process.close()
            if process.kill:
                process.signal(signal.SIGKILL)

    def end(self) -> None:
        """The controller is gone: nothing that we have started goes on without it. In mitogen's thread."""
        for process in list(self.processes.values()):
            if process.kill:
                process.signal(signal.SIGTERM)

    def start(self, channel: int, wanted: dict[str, Any]) -> None:
        """Start a process."""
        try:
            self.processes[channel] = Child(wanted["arguments"], kill=wanted["kill"])
        except OSError as error:
            self.say(speech.STARTED, channel, f"{error.strerror}".encode())
            return
        self.say(speech.STARTED, channel)

    def take_blob(self, payload: bytes) -> None:
        """Keep a piece of a blob."""
        digest = payload[: speech.DIGEST_LENGTH].decode()
        rest = speech.DIGEST_LENGTH + 4
        self.lengths[digest] = int.from_bytes(payload[speech.DIGEST_LENGTH : rest], "big")
        self.blobs.setdefault(digest, bytearray()).extend(payload[rest:])
        self.keep_promises()

    def pass_on(self, payload: bytes) -> None:
        """Give a blob to a relay behind us, as soon as we have it: it may come another way than this word did."""
        context, handle = int.from_bytes(payload[:4], "big"), int.from_bytes(payload[4:8], "big")
        self.promised.append((payload[8:].decode(), context, handle))
        self.keep_promises()

    def keep_promises(self) -> None:
        """Give what was promised and is here now."""
        for promise in list(self.promised):
            digest, context, handle = promise
            blob = self.whole(digest)
            if blob is not None:
                self.promised.remove(promise)
                for message in speech.blob_messages(digest, bytes(blob)):
                    self.send(context, handle, message)

    def whole(self, digest: str) -> Any:
        """A blob, if all of it is here."""
        blob = self.blobs.get(digest)
        return blob if blob is not None and len(blob) == self.lengths[digest] else None

    def cut(self, context: int) -> None:
        """End the connection to a context that was reached from here."""
        stream = self.econtext.router.stream_by_id(context)
        if stream is not None and stream.protocol.remote_id == context:
            self.econtext.broker.defer(stream.on_disconnect, self.econtext.broker)

    def reach(self, channel: int, wanted: dict[str, Any]) -> None:
        """Reach another host or become another user, in a thread of its own, for it may take its time."""
        import mitogen.core  # here is a mitogen
        import mitogen.parent  # asked of the controller, once, by whoever reaches further

        try:
            with self.upgrading:
                mitogen.parent.upgrade_router(self.econtext)
            context = reached(self.econtext.router, wanted)
            told = {"id": context.context_id}
        except (mitogen.core.Error, OSError) as error:
            told = {"error": str(error)}
        self.say(speech.REACHED, channel, json.dumps(told).encode())


def main(there: int, econtext: Any) -> None:
    """Start the relay. The one entry into a host on the way.

    :param there: the controller's handle for what the relay says
    :param econtext: mitogen's own of this process, which mitogen adds
    """
    threading.Thread(target=Relay(econtext, there).run, name="opsmop relay", daemon=True).start()


main.mitogen_takes_econtext = True  # type: ignore[attr-defined]
