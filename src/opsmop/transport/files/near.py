"""The controller's files for a role that is evaluated in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from opsmop.language.machine import Content
from opsmop.language.trees import Tree
from opsmop.transport.base import Files
from opsmop.transport.files.depot import at_once
from opsmop.transport.files.opened import changed
from opsmop.transport.files.trees import surveyed
from opsmop.wire import frames
from opsmop.wire.order import Order


class Near:
    """The controller's files without a wire between: see `opsmop.target.supply.Supply`.

    :param files: what the role may have
    :param order: what the role was told to do
    """

    def __init__(self, files: Files, order: Order) -> None:
        self._files = files
        self._arrivals = files.arrivals(order.host, writing=order.mode == "apply")
        self.requests = 0

    def content(self, name: str, has: Callable[[], str]) -> bytes | Content:
        """See `Supply.content`."""
        self.requests += 1
        with self._files.open(name) as file:
            digest = self._files.depot.digest_now(file)
            if file.size <= frames.SMALL and digest != has():
                return file.read(0, file.size)
            return Content(file.size, digest, lambda: self._pieces(name, digest))

    def tree(self, name: str, excludes: Sequence[str]) -> Tree:
        """See `Supply.tree`."""
        self.requests += 1
        survey = at_once(surveyed(self._files, name, excludes))
        entries = tuple(found.entry for found in survey.found)

        def content(number: int) -> Content:
            entry = entries[number]
            return Content(entry.size, entry.digest, lambda: self._pieces(survey.named(number), entry.digest))

        return Tree(entries, content, lambda numbers: map(content, numbers))

    def kept(self, to: str, path: str, content: Content) -> bool:
        """See `Supply.kept`."""
        self.requests += 1
        with self._files.telling(), self._arrivals.kept(to, path) as file:
            same = file is not None and file.size == content.size
            return file is not None and same and self._files.depot.digest_now(file) == content.digest

    def keep(self, to: str, path: str, content: Content) -> None:
        """See `Supply.keep`."""
        self.requests += 1
        with self._files.telling():
            arrival = self._arrivals.begin(to, path, content.size, bytes.fromhex(content.digest))
        with closing(arrival):
            for piece in content.pieces():
                if not arrival.take(piece):
                    break
            arrival.finish()

    def _pieces(self, name: str, digest: str) -> Iterator[bytes]:
        with self._files.open(name) as file:
            if self._files.depot.digest_now(file) != digest:
                raise changed(name)
            for offset in range(0, file.size, frames.PIECE):
                yield file.read(offset, min(frames.PIECE, file.size - offset))
