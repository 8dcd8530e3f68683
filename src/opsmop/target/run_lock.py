"""One run at a time on a machine: the process that evaluates a role holds a lock in its user's home."""

from __future__ import annotations

import os
import time

from opsmop.errors import HostBusyError
from opsmop.events import Event, Warned
from opsmop.target import own_files
from opsmop.wire.lean import as_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from opsmop.wire.order import Order

PATH = "~/.opsmop/lock"
_TRIES = 6
_PAUSE = 0.05  # seconds
_LONGEST = 4096  # bytes


class run_lock:  # noqa: N801 - reads as a word of the `with` statement that it is used in
    """Holds the lock, if `order` asks for it. Contacts of one run share it: one machine may do the work of several hosts.

    :raises HostBusyError: on entering, if another run holds it
    """

    def __init__(self, order: Order, emit: Callable[[Event], None]) -> None:
        self._order, self._emit = order, emit
        self._opened = -1

    def __enter__(self) -> None:
        said = self._order.options.get("lock")
        if not said:
            return
        try:
            self._opened = _opened()
            _take(self._opened, self._order, said)
        except own_files.NoHomeError as error:  # the log says nothing of that where a lock is wanted: see `Logged`
            missing = f"{error.strerror}: no log is kept there, and another run may be at work here at the same time"
            self._emit(Warned(text=missing))
        except OSError as error:  # a full disk, or a file system without locks
            text = f"{PATH} cannot be locked, so another run may be at work here at the same time: {error.strerror}"
            self._emit(Warned(text=text))
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self._opened >= 0:
            os.close(self._opened)


def _opened() -> int:
    path = own_files.placed(PATH)
    folder = own_files.open_folder(os.path.dirname(path))
    try:
        return own_files.open_file(folder, os.path.basename(path), os.O_RDWR)
    finally:
        os.close(folder)


def _take(opened: int, order: Order, said: dict[str, Any]) -> None:
    import fcntl  # only where something is applied

    holder: dict[str, str] = {}
    for _ in range(_TRIES):
        if _locked(opened, fcntl.LOCK_EX):
            _sign(opened, order, said["who"])
            if _locked(opened, fcntl.LOCK_SH):
                return
        # Changing a lock is not one step (flock(2)), so whose it is may have changed in between.
        if _holder(opened).get("run") == order.run and _locked(opened, fcntl.LOCK_SH):
            if _holder(opened).get("run") == order.run:
                return
            _locked(opened, fcntl.LOCK_UN)
        if said.get("forced"):
            return
        holder = _holder(opened)
        time.sleep(_PAUSE)
    who, role, since = (holder.get(key, "?") for key in ("who", "role", "since"))
    raise HostBusyError(
        f"{order.host} is busy: {who} has been applying {role} to it since {since}",
        host=order.host,
        remedy="Wait until that run has ended. --force-lock goes on regardless.",
    )


def _locked(opened: int, kind: int) -> bool:
    import fcntl  # as above

    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(opened: int, order: Order, who: str) -> None:
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    text = as_json({"run": order.run, "who": who, "role": order.role, "since": since})
    try:
        os.ftruncate(opened, 0)
        os.pwrite(opened, text.encode()[:_LONGEST], 0)
    except OSError:
        return  # a full disk: it is locked all the same, by nobody knows whom


def _holder(opened: int) -> dict[str, str]:
    import json  # only where somebody holds it

    try:
        said = json.loads(os.pread(opened, _LONGEST, 0))
    except ValueError:
        return {}
    return {key: str(value) for key, value in said.items()} if isinstance(said, dict) else {}
