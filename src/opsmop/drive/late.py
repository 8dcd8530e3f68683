"""What is found out when it is first wanted: while hosts are connected to, which takes longer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class Late(Mapping[str, Value], Generic[Value]):
    """What `find` gives, found once, by the first of many threads that wants it.

    :param find: gives the names and values; what it raises, that thread gets, and the next one tries again
    """

    def __init__(self, find: Callable[[], Mapping[str, Value]]) -> None:
        self._find = find
        self._found: Mapping[str, Value] | None = None
        self._finding = threading.Lock()

    def __getitem__(self, name: str) -> Value:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        """It travels as a dict."""
        return dict, (dict(self._all()),)

    def _all(self) -> Mapping[str, Value]:
        with self._finding:
            if self._found is None:
                self._found = self._find()
            return self._found
