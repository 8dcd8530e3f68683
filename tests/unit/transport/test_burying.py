"""Ending the process that a connection is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from opsmop.transport.pipes import Pipes

# ptrace(2), PTRACE_SEIZE: whose process is watched so does not get to know of its end before the watcher has.
WATCHES = (
    "import ctypes, sys; print(ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), 0, 0), flush=True); sys.stdin.read()"
)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_process_that_does_not_go_when_it_is_killed_is_not_awaited_for_ever() -> None:
    pipes = Pipes([sys.executable, "-c", "import signal, time; signal.pause()"])
    watcher = subprocess.Popen(
        [sys.executable, "-c", WATCHES, str(pipes._process.pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    assert watcher.stdout.readline() == b"0\n"
    pipes.bury(0.1)
    still_there = pipes.status is None
    watcher.communicate()
    os.waitpid(pipes._process.pid, 0)
    pipes._process.returncode = 0
    assert still_there
