"""What all hosts of a run have in common where files are concerned: digests, and memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from enum import Enum
from typing import Any, TypeVar

from opsmop.transport.files.digests import Digests
from opsmop.transport.files.opened import Identity, OpenFile

MEMORY = 64 << 20  # bytes of files that are on their way to all hosts together
_MOST_SHARED = 16
_STEP = 8 << 20  # bytes that are hashed before whoever waits for it has a look around


class Turn(Enum):
    """What work on files comes to, each time that it lets others have a look around."""

    AGAIN = "there is more to do at once"
    LATER = "somebody else's work is waited for"
    BLOCKED = "the host has to take or to say something first"


Work = Generator[Turn, None, None]
Shared = TypeVar("Shared")


class Budget:
    """Bytes of memory that many may have a part of."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How much nobody has."""
        return self._left

    def claim(self, amount: int) -> bool:
        """Take `amount`, if there is so much left; whether it was."""
        with self._lock:
            if amount > self._left:
                return False
            self._left -= amount
            return True

    def give_back(self, amount: int) -> None:
        """Give back what was claimed."""
        with self._lock:
            self._left += amount


class _Joint:
    """Work that several wait for.

    :ivar value: what came of it; None if nothing did
    :ivar over: whether it has ended
    """

    def __init__(self) -> None:
        self.value: Any = None
        self.over = False


class Depot:
    """What all hosts of a run have in common where files are concerned.

    :param memory: bytes of files that may be on their way to all hosts together, besides a little for each
    :param digests: remembers digests from run to run
    :ivar computed: how many digests were computed
    """

    def __init__(self, memory: int = MEMORY, digests: Digests | None = None) -> None:
        self._digests = digests
        self.budget = Budget(memory)
        self.computed = 0
        self._known: dict[Identity, str] = {}
        self._under_way: set[Identity] = set()
        self._shared: dict[object, Any] = {}
        self._joint: dict[object, _Joint] = {}
        self._lock = threading.Lock()

    def digest(self, file: OpenFile) -> Generator[Turn, None, str]:
        """The sha256 of `file`, in hexadecimal; computed once, however many hosts ask for it at a time.

        :raises FileRefusedError: if it changes meanwhile
        """
        while True:
            with self._lock:
                if file.identity in self._known:
                    return self._known[file.identity]
                mine = file.identity not in self._under_way
                if mine:
                    self._under_way.add(file.identity)
            if mine:
                return (yield from self._compute(file))
            yield Turn.LATER

    def together(
        self, wanted: object, work: Callable[[], Generator[Turn, None, Shared]]
    ) -> Generator[Turn, None, Shared]:
        """What `work` comes to, done by one of those who want the same at a time.

        :param wanted: what those have in common that want the same
        :raises Exception: what `work` raises, each of them that of its own
        """
        while True:
            with self._lock:
                mine = wanted not in self._joint
                joint = self._joint.setdefault(wanted, _Joint())
            if mine:
                return (yield from self._for_all(wanted, joint, work))
            while not joint.over:
                yield Turn.LATER
            if joint.value is not None:
                value: Shared = joint.value
                return value

    def _for_all(
        self, wanted: object, joint: _Joint, work: Callable[[], Generator[Turn, None, Shared]]
    ) -> Generator[Turn, None, Shared]:
        try:
            joint.value = value = yield from work()
            return value
        finally:
            joint.over = True
            with self._lock:
                del self._joint[wanted]

    def known(self, identity: Identity) -> str:
        """The digest of what has been digested before; empty if it has not."""
        with self._lock:
            return self._known.get(identity, "")

    def shared(self, value: Shared, key: object) -> Shared:
        """`value`, or one that is equal to it and is held for another host already.

        :param key: what only values that are probably equal have in common
        """
        with self._lock:
            held: Shared = self._shared.pop(key, value)
            self._shared[key] = chosen = held if held == value else value
            if len(self._shared) > _MOST_SHARED:  # hosts choose the keys
                del self._shared[next(iter(self._shared))]
            return chosen

    def digest_now(self, file: OpenFile) -> str:
        """As `digest`, for those who have nothing else to look after."""
        return at_once(self.digest(file))

    def _compute(self, file: OpenFile) -> Generator[Turn, None, str]:
        try:
            digest = self._digests.recall(file.identity) if self._digests is not None else ""
            if not digest:
                digest = yield from self._hashed(file)
                if self._digests is not None:
                    self._digests.remember(file.identity, digest)
            with self._lock:
                self._known[file.identity] = digest
            return digest
        finally:
            with self._lock:
                self._under_way.discard(file.identity)

    def _hashed(self, file: OpenFile) -> Generator[Turn, None, str]:
        import hashlib  # OpenSSL's is quick with much: little is hashed elsewhere

        found = hashlib.sha256()
        for offset in range(0, file.size, _STEP):
            found.update(file.read(offset, min(_STEP, file.size - offset)))
            yield Turn.AGAIN
        with self._lock:
            self.computed += 1
        return found.hexdigest()


def at_once(work: Generator[Turn, None, Shared]) -> Shared:
    """What `work` comes to, without a look around."""
    while True:
        try:
            next(work)
        except StopIteration as ended:
            value: Shared = ended.value
            return value
