"""A process that a relay has started. This file runs on hosts on the way, as `opsmop.transport.mitogen.relay` does."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from typing import Any

from opsmop.transport.mitogen import speech


class Child:
    """A process and what is still to be told to it.

    :param arguments: the command
    :param kill: whether it is killed if nobody listens any more; an agent of ours ends by itself, in order
    :raises OSError: if it cannot be started
    """

    def __init__(self, arguments: list[str], *, kill: bool) -> None:
        self.kill = kill
        self.forgotten = False
        self.child = subprocess.Popen(  # noqa: S603 - the controller's own argument list
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self.unsent: deque[Any] = deque()  # bytes, the digest of a blob as text, or None for the end
        self.credit = speech.WINDOW
        self.pipes: dict[str, Any] = {"out": self.child.stdout, "errors": self.child.stderr}
        self.ended_at = 0.0
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)

    @property
    def input(self) -> Any:
        """Its stdin."""
        return self.child.stdin

    def signal(self, number: int) -> None:
        """Send a signal to its whole session."""
        if self.child.poll() is None:
            try:
                os.killpg(self.child.pid, number)
            except (ProcessLookupError, PermissionError):
                return

    def close(self) -> None:
        """Close its pipes."""
        for pipe in (self.input, *self.pipes.values()):
            pipe.close()
