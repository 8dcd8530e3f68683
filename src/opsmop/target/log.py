"""The log on the machine that evaluates: what a local run would show, with times."""

from __future__ import annotations

import os
import posixpath
import time

from opsmop.events import EvaluationFinished, EvaluationStarted, Event, ResourceStarted, Warned
from opsmop.target import own_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from opsmop.events.telling import Telling
    from opsmop.wire.order import Order

LARGEST = 1 << 20  # bytes from which a log is put aside
KEPT = 3  # logs that were put aside
_WIDTH = 200  # columns


class Logged:
    """Passes events on, and writes them to the log from `open` on. A log that cannot be written fails nothing.

    :param emit: takes every event
    """

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._file: LogFile | None = None
        self._telling: Telling | None = None
        self._complaint = ""
        self._lock_wanted = False

    def open(self, order: Order) -> None:
        """Write to the log that `order` names, if it names one."""
        path, self._lock_wanted = order.options.get("log"), bool(order.options.get("lock"))
        if not path:
            return
        from opsmop.events.lines import Scene  # only where there is a log
        from opsmop.events.look import Look
        from opsmop.events.telling import Telling

        folder = posixpath.dirname(order.policy_file)
        self._telling = Telling(
            Scene(
                Look(_WIDTH, color=False, signs=True),
                mode=order.mode,
                verbose=bool(order.options.get("verbose")),
                diff=bool(order.options.get("diff")),
                host_width=len(order.host),
                folder=f"{folder}/" if folder else "",
            )
        )
        self._file = LogFile(path)

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __call__(self, event: Event) -> None:
        """Take `event`."""
        self._log(event)
        last = isinstance(event, EvaluationFinished)  # after it, nothing may be said
        if last:
            self._complain()
        self._emit(event)
        if not last:
            self._complain()

    def _log(self, event: Event) -> None:
        if self._file is None or self._telling is None:
            return
        from opsmop.events.telling import cleaned  # as above

        lines = _lines(self._telling, cleaned(event)) if not isinstance(event, ResourceStarted) else []
        if not lines:  # as of most that is as it should be
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.ts or time.time()))
        text = "".join(f"{stamp} {line}\n" for whole in lines for line in whole.split("\n"))
        try:
            self._file.write(text.encode("utf-8", "replace"))
        except OSError as error:
            told = self._lock_wanted and isinstance(error, own_files.NoHomeError)  # by `run_lock`, which needs it, too
            self._complaint = (
                ""
                if told
                else (f"the log {self._file.path} cannot be written, and the role goes on without it: {error.strerror}")
            )
            self._file = None

    def _complain(self) -> None:
        complaint, self._complaint = self._complaint, ""
        if complaint:
            self._emit(Warned(ts=time.time(), text=complaint))


def _lines(telling: Telling, event: Event) -> list[str]:
    if isinstance(event, EvaluationStarted):
        begun = "Checking" if event.mode == "check" else "Applying"
        return [f"{begun} {event.role} on {event.host} (run {event.run}, Python {event.python})"]
    ended = [f"{event.role} on {event.host}: {event.status}"] if isinstance(event, EvaluationFinished) else []
    return telling.lines(event) + ended


class LogFile:
    """A file that is appended to, and put aside once it is large.

    :param path: its path; a leading ``~`` is the home of the user
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = -1

    def write(self, data: bytes) -> None:
        """Append `data`.

        :raises OSError: if that cannot be done
        """
        if not data:
            return
        if self._file < 0 or os.fstat(self._file).st_size > LARGEST:
            self._open()
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def close(self) -> None:
        """Close it, if it is open."""
        opened, self._file = self._file, -1
        if opened >= 0:
            os.close(opened)

    def _open(self) -> None:
        self.close()
        path = own_files.placed(self.path)
        folder = own_files.open_folder(os.path.dirname(path))
        try:
            self._file = _opened(folder, os.path.basename(path))
        finally:
            os.close(folder)


def _opened(folder: int, name: str) -> int:
    opened = own_files.open_file(folder, name, os.O_WRONLY | os.O_APPEND)
    if os.fstat(opened).st_size <= LARGEST:
        return opened
    if _locked(opened):
        _put_aside(folder, name, opened)
    os.close(opened)
    return own_files.open_file(folder, name, os.O_WRONLY | os.O_APPEND)


def _locked(opened: int) -> bool:
    """Whether this process alone may put the file aside."""
    import fcntl  # only for a large log

    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _put_aside(folder: int, name: str, opened: int) -> None:
    if os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino != os.fstat(opened).st_ino:
        return  # another process has done so
    present = os.listdir(folder)
    names = [name, *(f"{name}.{number}" for number in range(1, KEPT + 1))]
    for older, newer in zip(reversed(names), reversed(names[:-1])):
        if newer in present:
            os.rename(newer, older, src_dir_fd=folder, dst_dir_fd=folder)
