"""What must not be found of a process's memory once it is gone."""

from __future__ import annotations


def leave_no_core() -> None:
    """Let the kernel write no core of this process, nor of what it starts (core(5)): passwords stand in its memory.

    The limit is one byte, where one may have it: below the size of any core it keeps them from files, and it alone keeps
    them from a program that takes cores by a pipe (Linux, fs/coredump.c: none runs for a process with that very limit).
    """
    import resource  # once a process

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0 if hard == 0 else 1, hard))
