"""How much a pipe holds."""

from __future__ import annotations

_F_SETPIPE_SZ = 1031  # fcntl(2), Linux; Python knows the name from 3.10 on


def widen(descriptor: int, size: int) -> None:
    """Let a pipe hold `size` bytes, so that its two ends take turns less often; it stays as it is where that cannot be."""
    import sys  # with fcntl: only who moves large files needs them

    if sys.platform != "linux":
        return
    import fcntl

    try:
        fcntl.fcntl(descriptor, _F_SETPIPE_SZ, size)
    except OSError:
        return  # the user has too many such pipes already: pipe(7), pipe-user-pages-soft
