"""What is made once and kept on the control machine, below the cache folder of the XDG Base Directory rules 0.8."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from opsmop.wire.arriving import sha256

_MOST = 12  # of each kind; the oldest go
_SUM = 32  # bytes


def folder() -> Path:
    """Where it is kept.

    :raises RuntimeError: if the user has no home
    """
    said = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(said) if said.startswith("/") else Path.home() / ".cache") / "opsmop"


def read(name: str) -> bytes | None:
    """What is kept under `name`; None if that is nothing, is damaged, or somebody else could have written it."""
    try:
        place = folder()
        if not _is_ours(place.stat()):
            return None
        file = os.open(place / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(file, "rb") as stream:
            if not _is_ours(os.fstat(file)):
                return None
            said = stream.read()
    except (OSError, RuntimeError):
        return None
    content = said[_SUM:]
    return content if sha256(content) == said[:_SUM] else None


def write(name: str, content: bytes) -> None:
    """Keep `content` under `name`, a kind and a digest joined by ``-``; nothing happens where that is impossible."""
    with contextlib.suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = place / f".{name}.{os.getpid()}"
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(file, "wb") as stream:
                stream.write(sha256(content) + content)
            fresh.replace(place / name)
        except BaseException:
            fresh.unlink()
            raise
        _prune(place, name.partition("-")[0])


def _is_ours(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _prune(place: Path, kind: str) -> None:
    found = sorted(place.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[_MOST:]:
        path.unlink()
