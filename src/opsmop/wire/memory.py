"""What must not be found of a process's memory once it is gone."""

from __future__ import annotations


def leave_no_core() -> None:
    """Let the kernel write no core of this process, nor of what it starts (core(5)): passwords stand in its memory."""
    import resource  # once a process

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
