"""What a run is at: who is worked with, which methods of the author's run here, and who is out of their pool."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NAMED = 5  # hosts that are named; more are counted


class Watch:
    """The contacts of a run as they are now. Told and asked from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: dict[str, str] = {}  # the author's method that runs for a host; empty while its role does
        self._out: dict[str, dict[str, None]] = {}  # by role: hosts

    def begun(self, host: str) -> None:
        """`host` is worked with from now on."""
        with self._lock:
            self._at[host] = ""

    def ended(self, host: str) -> None:
        """What came of `host` is known to whoever asks for it."""
        with self._lock:
            self._at.pop(host, None)

    @contextmanager
    def calling(self, host: str, method: str) -> Iterator[None]:
        """A method of the author's runs for `host`, which is worked with, as long as this lasts."""
        with self._lock:
            self._at[host] = method
        try:
            yield
        finally:
            with self._lock:
                self._at[host] = ""

    def take_out(self, role: str, host: str) -> None:
        """The hooks before the role begin to take `host` out of its pool."""
        with self._lock:
            self._out.setdefault(role, {})[host] = None

    def put_back(self, role: str, host: str) -> None:
        """The hooks after the role have put `host` back."""
        with self._lock:
            self._out.get(role, {}).pop(host, None)

    def is_out(self, role: str, host: str) -> bool:
        """Whether hooks of the role took `host` out, and none put it back."""
        with self._lock:
            return host in self._out.get(role, {})

    def left_out(self) -> dict[str, tuple[str, ...]]:
        """The hosts that are out of their pool by now, by the role whose hooks took them out."""
        with self._lock:
            return {role: tuple(hosts) for role, hosts in self._out.items() if hosts}

    def at_work(self) -> tuple[str, ...]:
        """The hosts that are worked with now."""
        with self._lock:
            return tuple(self._at)

    def waited_for(self) -> str:
        """What has to end before the run can, for people; empty for nothing."""
        with self._lock:
            at = dict(self._at)
        methods = {method: [host for host in at if at[host] == method] for method in at.values()}
        return "; ".join(
            f"{f'{method}() for' if method else 'the end of the role on'} {_listed(hosts)}"
            for method, hosts in sorted(methods.items(), key=lambda entry: not entry[0])
        )


def _listed(hosts: list[str]) -> str:
    more = len(hosts) - _NAMED
    return ", ".join(hosts[:_NAMED]) + (f" and {more} more" if more > 0 else "")
