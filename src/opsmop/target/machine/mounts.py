"""Where file systems are mounted."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLE = "/proc/self/mountinfo"  # proc(5); its fifth part is the mount point, with octal escapes


def points(path: str) -> list[str]:
    """What is mounted at `path` and beneath, spelled as `path` is; the place of a bind mount is such a point too."""
    real = os.path.realpath(path)
    found = _of_table() if os.path.exists(_TABLE) else _of_directories(real)
    prefix = real.rstrip("/") + "/"
    return sorted(
        {path.rstrip("/") + point[len(real.rstrip("/")) :] or "/" for point in found if f"{point}/".startswith(prefix)}
    )


def _of_table() -> Iterator[str]:
    import re  # only where mounts are asked for

    with open(_TABLE, encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            yield re.sub(r"\\(\d{3})", lambda escape: chr(int(escape[1], 8)), line.split(" ")[4])


def _of_directories(path: str) -> Iterator[str]:
    for directory, _, _ in os.walk(path):
        if os.path.ismount(directory):
            yield directory
