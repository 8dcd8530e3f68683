"""How a role comes by the files of the controller: what rode along with its order, and what it asks for."""

from __future__ import annotations

from opsmop.errors import FileRefusedError
from opsmop.language.machine import Content
from opsmop.target.machine.contents import whole
from opsmop.wire import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Callable, Protocol

    from opsmop.language.trees import Tree, TreeEntry
else:
    Protocol = object  # what is written down of it is for type checkers

_SAID_EVERY = frames.WINDOW // 4  # bytes taken, after which the controller hears of it


class Supply(Protocol):
    """Where files come from that did not ride along."""

    def content(self, name: str, has: Callable[[], str]) -> bytes | Content:
        """The content of a controller file: at once if it is small and not what the role has, else when it is wanted.

        :param has: gives the sha256 of what the role has in its place, in hexadecimal; empty if nothing
        :raises FileRefusedError: if the controller does not serve it
        """

    def tree(self, name: str, excludes: Sequence[str]) -> Tree:
        """A directory of the controller with all in it.

        :param excludes: patterns of what is left out
        :raises FileRefusedError: if the controller does not serve it, or something in it
        """

    def kept(self, to: str, path: str, content: Content) -> bool:
        """Whether the controller has a file of this machine as it is.

        :param to: the directory that it is to go to, as the policy names it
        :raises FileRefusedError: if the policy does not let it go there
        """

    def keep(self, to: str, path: str, content: Content) -> None:
        """Let the controller have a file of this machine.

        :raises FileRefusedError: as `kept`; if it is too large, or changes meanwhile
        """


class Stock:
    """The files that a role may name.

    :param riders: what rode along, by name
    :param supply: gives the others
    """

    def __init__(self, riders: Mapping[str, bytes], supply: Supply) -> None:
        self._riders, self._supply = riders, supply
        self._latest: tuple[str, bytes] | None = None  # a change looks again

    def content(self, name: str, has: Callable[[], str]) -> bytes | Content:
        """See `Supply.content`."""
        if name in self._riders:
            return self._riders[name]
        return self._supply.content(name, has)

    def tree(self, name: str, excludes: Sequence[str]) -> Tree:
        """See `Supply.tree`."""
        return self._supply.tree(name, excludes)

    def kept(self, to: str, path: str, content: Content) -> bool:
        """See `Supply.kept`."""
        return self._supply.kept(to, path, content)

    def keep(self, to: str, path: str, content: Content) -> None:
        """See `Supply.keep`."""
        self._supply.keep(to, path, content)

    def __call__(self, name: str) -> bytes:
        """All of a controller file.

        :raises FileRefusedError: if the controller does not serve it
        :raises ProviderError: if it is too large to be held in memory
        """
        if name in self._riders:
            return self._riders[name]
        if self._latest is None or self._latest[0] != name:
            self._latest = None
            self._latest = name, whole(self._supply.content(name, str))
        return self._latest[1]


def read_within(open_up: Callable[[], AbstractContextManager[None]], content: bytes | Content) -> bytes | Content:
    """`content`, each piece of which is read within `open_up()`, whatever holds where it is wanted."""
    if isinstance(content, bytes):
        return content
    given = content

    def pieces() -> Iterator[bytes]:
        with open_up():
            source = iter(given.pieces())
        while True:
            with open_up():
                piece = next(source, None)
            if piece is None:
                return
            yield piece

    return Content(given.size, given.digest, pieces)


def tree_read_within(open_up: Callable[[], AbstractContextManager[None]], tree: Tree) -> Tree:
    """`tree`, whose files are read so."""

    def within(content: Content) -> Content:
        pieces = read_within(open_up, content)
        assert not isinstance(pieces, bytes)  # it is of the same kind as what was given
        return pieces

    return type(tree)(
        tree.entries, lambda number: within(tree.content(number)), lambda numbers: map(within, tree.contents(numbers))
    )


class Far:
    """Asks the controller over the wire; see `opsmop.wire.frames` for what is said.

    :param say: says a frame
    :param heard: waits for the next answer, and gives its payload
    """

    def __init__(self, say: Callable[[int, bytes], None], heard: Callable[[], bytes]) -> None:
        self._say, self._heard = say, heard
        self._offered: dict[str, frames.Offer] = {}
        self._trees: dict[bytes, Tree] = {}
        self._latest_tree = b""
        self._coming = False  # whether pieces of a file are on their way

    def content(self, name: str, has: Callable[[], str]) -> bytes | Content:
        """See `Supply.content`; what was offered once is asked for again only where it would come along."""
        digest = bytes.fromhex(has()) or frames.NO_CONTENT
        offer = self._offered.get(name)
        if offer is None or (offer.size <= frames.SMALL and offer.digest != digest):
            self._ask(frames.ASK, digest, name)
            offer = self._offered[name] = frames.Offer.from_bytes(self._answer(frames.OFFER))
            if offer.follows:
                self._coming = True
                return b"".join(self._pieces())
        known = offer
        return Content(known.size, known.digest.hex(), lambda: self._wanted(known, name))

    def tree(self, name: str, excludes: Sequence[str]) -> Tree:
        """See `Supply.tree`; asked for once."""
        wanted = "\0".join((name, *excludes)).encode("utf-8", "surrogateescape")
        if wanted not in self._trees:
            self._abandon()
            self._request(frames.TREE, wanted)
            self._coming = True
            self._trees[wanted] = self._received(wanted, name, b"".join(self._pieces()))
        return self._trees[wanted]

    def _received(self, wanted: bytes, name: str, manifest: bytes) -> Tree:
        import json  # only for directories

        from opsmop.language.trees import Tree, TreeEntry  # likewise

        entries = tuple(TreeEntry(*one) for one in json.loads(manifest))
        self._latest_tree = wanted

        def content(number: int) -> Content:
            entry = entries[number]
            offer = frames.Offer(entry.size, entry.mode, bytes.fromhex(entry.digest), False)
            return Content(entry.size, entry.digest, lambda: self._wanted(offer, f"{name}/{entry.path}"))

        return Tree(entries, content, lambda numbers: self._parts(wanted, entries, numbers))

    def _parts(self, tree: bytes, entries: Sequence[TreeEntry], numbers: Sequence[int]) -> Iterator[Content]:
        """Files that come one after the other, each as far as its size says."""
        self._abandon()
        if tree != self._latest_tree:
            self._request(frames.TREE, tree)
            self._coming = True
            b"".join(self._pieces())
            self._latest_tree = tree
        self._request(frames.PARTS, frames.bits(numbers))
        self._coming = True
        cut = _Cut(self._pieces())
        for number in numbers:
            entry = entries[number]
            yield Content(entry.size, entry.digest, _Piece(cut, entry.size))

    def kept(self, to: str, path: str, content: Content) -> bool:
        """See `Supply.kept`."""
        self._abandon()
        self._request(frames.COMPARE, frames.Leaving(content.size, bytes.fromhex(content.digest), to, path).to_bytes())
        return self._heard_one_of(frames.HAVE, frames.GIVE) == frames.HAVE

    def keep(self, to: str, path: str, content: Content) -> None:
        """See `Supply.keep`."""
        self._abandon()
        self._request(frames.LEAVE, frames.Leaving(content.size, bytes.fromhex(content.digest), to, path).to_bytes())
        self._heard_one_of(frames.GIVE)
        left = content.size
        for piece in content.pieces():
            for start in range(0, min(left, len(piece)), frames.PIECE):
                self._say(frames.LOAD, piece[start : start + min(frames.PIECE, left - start)])
            left -= min(left, len(piece))
        if left:
            self._say(frames.ENOUGH, b"")
            raise FileRefusedError(f"{path} became shorter while it was being fetched")
        self._heard_one_of(frames.HAVE)

    def _wanted(self, offer: frames.Offer, name: str) -> Iterator[bytes]:
        self._ask(frames.WANT, offer.digest, name)
        self._coming = True
        return self._pieces()

    def _ask(self, kind: int, digest: bytes, name: str) -> None:
        self._abandon()
        self._request(kind, digest + name.encode("utf-8", "surrogateescape"))

    def _request(self, kind: int, wanted: bytes) -> None:
        if len(wanted) > frames.FROM_ROLE[kind]:
            raise FileRefusedError(f"{wanted[-80:]!r} is too long for a file's name")
        self._say(kind, wanted)

    def _pieces(self) -> Iterator[bytes]:
        taken = 0
        while self._coming:
            piece = self._answer(frames.MORE, frames.LAST)
            yield piece
            taken += len(piece)
            if taken >= _SAID_EVERY and self._coming:
                self._say(frames.TOOK, taken.to_bytes(4, "big"))
                taken = 0

    def _abandon(self) -> None:
        """Let nothing more come of a file that nobody reads any more."""
        if self._coming:
            self._say(frames.ENOUGH, b"")
        while self._coming:
            self._coming = self._heard()[:1] == frames.MORE

    def _answer(self, *kinds: bytes) -> bytes:
        return self._taken(*kinds)[1:]

    def _heard_one_of(self, *kinds: bytes) -> bytes:
        return self._taken(*kinds)[:1]

    def _taken(self, *kinds: bytes) -> bytes:
        payload = self._heard()
        kind = payload[:1]
        self._coming = self._coming and kind == frames.MORE
        if kind in kinds:
            return payload
        message, _, remedy = payload[1:].decode("utf-8", "replace").partition("\n")
        raise FileRefusedError(message, remedy=remedy)


class _Piece:
    def __init__(self, cut: _Cut, size: int) -> None:
        self._cut, self._size = cut, size

    def __call__(self) -> Iterator[bytes]:
        return self._cut.next(self._size)


class _Cut:
    """Pieces as they come, cut anew at the ends of files."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def next(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes."""
        while size:
            piece = self._rest or next(self._pieces, b"")
            if not piece:
                raise FileRefusedError("the controller sent less than it announced")
            self._rest = piece[size:]
            size -= len(piece[:size])
            yield piece[: len(piece) - len(self._rest)]
