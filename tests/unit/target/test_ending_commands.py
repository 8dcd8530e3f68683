"""Ending commands that do not let themselves be ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess  # noqa: F401 - imported before the child may no more read it
import tempfile
from pathlib import Path

from opsmop.target.machine.commands import run

NOBODY = 65534
BECOMES_ROOT = "import os, time; os.setresuid(0, 0, 0); print(os.getpid(), flush=True); time.sleep(600)"


def as_nobody(argv: list[str]) -> str:
    """What a command came to that was started, and given a second, by a user without rights."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setresuid(NOBODY, NOBODY, NOBODY)
        try:
            done = run(argv, input=None, cwd="/", env={}, timeout=1.0, started=lambda *_: None)
            os.write(writing, f"{done.timed_out} {done.stdout}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def test_a_command_that_became_another_user_ends_the_wait_and_no_more() -> None:
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder, "python")
        Path(folder).chmod(0o755)
        shutil.copy("/usr/bin/python3", own)
        own.chmod(0o4755)
        timed_out, process = as_nobody([str(own), "-Sc", BECOMES_ROOT]).split()
        os.kill(int(process), signal.SIGKILL)
    assert timed_out == "True"
