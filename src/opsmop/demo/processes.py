"""Processes found by whom they come from, and ended."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

_GRACE = 2.0  # seconds between the polite signal and the other
_PROC = Path("/proc")  # proc(5); elsewhere than on Linux nothing is found but what is asked for by its id


def marked_or_descending(mark: str, ancestor: int) -> tuple[int, ...]:
    """The processes that have `mark` (``NAME=value``) in their environment, or `ancestor` among their ancestors.

    :param ancestor: a process id, itself among the result if it runs; 0 for none
    """
    parents = _parents()
    return tuple(
        process
        for process in parents
        if process != os.getpid() and (_descends(process, ancestor, parents) or _is_marked(process, mark))
    )


def end_processes(processes: tuple[int, ...]) -> None:
    """End `processes`, politely first, and come back when none of them runs any more."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            _send(process, number)
        limit = time.monotonic() + _GRACE
        while (processes := tuple(process for process in processes if _runs(process))) and time.monotonic() < limit:
            time.sleep(0.01)
        if not processes:
            return


def _send(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        return


def _runs(process: int) -> bool:
    state = _stat(process)
    if state is None and not _PROC.joinpath("self").exists():
        return False
    return state is not None and state[0] not in ("Z", "X")


def _parents() -> dict[int, int]:
    """Each process and its parent."""
    known = {}
    for entry in _PROC.glob("[0-9]*"):
        state = _stat(int(entry.name))
        if state is not None and state[0] not in ("Z", "X"):
            known[int(entry.name)] = state[1]
    return known


def _stat(process: int) -> tuple[str, int] | None:
    try:
        text = (_PROC / str(process) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, parent = text.rpartition(")")[2].split()[:2]  # proc(5): a command's name may hold spaces and brackets
    return state, int(parent)


def _descends(process: int, ancestor: int, parents: dict[int, int]) -> bool:
    while process and process != ancestor:
        process = parents.get(process, 0)
    return bool(process)


def _is_marked(process: int, mark: str) -> bool:
    try:
        environment = (_PROC / str(process) / "environ").read_bytes()
    except OSError:
        return False
    return mark.encode() in environment.split(b"\0")
