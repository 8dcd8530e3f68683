"""Keeps the code that was compiled here for the next push, where nobody but this user and root can change it."""

from __future__ import annotations

import os
import sys
import time
from types import CodeType

from opsmop.wire import start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 4  # files that are kept: one for each version of OpsMop and Python that comes here
_STALE = 3600  # seconds after which a file that somebody began and never ended is removed


def keep() -> bool:
    """Keep what the code bundle's finder has compiled since it was installed.

    :returns: whether it is kept now; a home that cannot be written to, or that others can, keeps nothing
    """
    finder: Any = next((one for one in sys.meta_path if hasattr(one, "sent")), None)
    if finder is None or not finder.fresh:
        return False
    try:
        path = start.kept_at(finder.digest)
        if not _made(os.path.dirname(path)):
            return False
        _write(path, _content(finder))
        _prune(path)
    except OSError:
        return False
    return True


def _content(finder: Any) -> bytes:
    import marshal  # only where something was compiled

    compiled = {
        name: marshal.dumps(code) if isinstance(code, CodeType) else code for name, code in finder.compiled.items()
    }
    for name in ("opsmop.wire.boot", "opsmop.wire.arriving"):
        compiled[name] = compiled.get(name) or marshal.dumps(finder.get_code(name))
    part = marshal.dumps((finder.digest, finder.index, compiled))
    sent: bytes = finder.sent()
    return start.summed(part) + len(part).to_bytes(start.LENGTH, "big") + part + sent


def _made(folder: str) -> bool:
    """Make the folder if it is missing; whether it is there and safe."""
    for path, others in ((os.path.dirname(folder), start.OTHERS_WRITE), (folder, start.OTHERS)):
        if not os.path.lexists(path):
            os.mkdir(path, 0o700)
        if not start.is_safe(path, others):
            return False
    return True


def _write(path: str, content: bytes) -> None:
    fresh = f"{path}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(fresh, flags, 0o600)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.rename(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
    finally:
        os.close(file)


def _prune(path: str) -> None:
    """Remove the oldest files, and what somebody began to write and never ended."""
    folder = os.path.dirname(path)
    now = time.time()
    whole: list[tuple[float, str]] = []
    for name in os.listdir(folder):
        other = os.path.join(folder, name)
        written = os.lstat(other).st_mtime
        if name.count(".") == 1:
            whole.append((written, other))
        elif now - written > _STALE:
            os.unlink(other)
    for _, other in sorted(whole, reverse=True)[MOST:]:
        os.unlink(other)
