"""The files of the controller as one role on one host may have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from opsmop.errors import FileRefusedError
from opsmop.transport.files.arrivals import Arrivals
from opsmop.transport.files.depot import Depot
from opsmop.transport.files.opened import OpenFile
from opsmop.transport.files.rules import FileRules, ForbiddenError
from opsmop.transport.files.trees import Found

MOST_TOLD = 20  # refusals of one contact that are told one by one


class Served:
    """The files of the controller as one role on one host may have them.

    :param rules: what the role may have
    :param depot: what all hosts of the run have in common
    :param forbidden: is told of each file that was asked for against the rules, for whoever looks after the run
    """

    def __init__(self, rules: FileRules, depot: Depot, forbidden: Callable[[str], None]) -> None:
        self.depot = depot
        self.rules = rules
        self.forbidden = forbidden
        self._told = 0

    def open(self, name: str) -> OpenFile:
        """The file that a role names `name`.

        :raises FileRefusedError: if no rule serves it, naming the rule; if it does not exist or cannot be read
        """
        with self.telling():
            return self.rules.open(name)

    def walk(self, name: str, excludes: Sequence[str]) -> Iterator[Found]:
        """What is in the directory that a role names `name`.

        :param excludes: patterns of what is left out
        :raises FileRefusedError: if no rule serves it, or something in it; if it is no directory
        """
        with self.telling():
            yield from self.rules.walk(name, excludes)

    def arrivals(self, host: str, *, writing: bool) -> Arrivals:
        """What the role may leave here.

        :param host: the host's name in the inventory
        :param writing: whether it may leave something at all; only compared otherwise
        """
        return Arrivals(dict(self.rules.fetched), self.rules.origin, host, writing=writing)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell of what is refused by a rule meanwhile."""
        try:
            yield
        except ForbiddenError as error:
            self._tell(error)
            raise FileRefusedError(error.message, remedy=error.remedy) from None

    def _tell(self, error: FileRefusedError) -> None:
        self._told += 1
        if self._told <= MOST_TOLD:
            self.forbidden(f"refused: {error.message}")
        if self._told == MOST_TOLD:
            self.forbidden("refused: more such files, which are not told one by one")
