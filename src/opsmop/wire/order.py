"""What the controller asks of a host: evaluate one role."""

from __future__ import annotations

from io import BytesIO

from opsmop.wire import remake
from opsmop.wire.lean import pickle
from opsmop.wire.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

BOOT = "boot"
_LENGTH = 8  # bytes of a number


@dataclass(frozen=True)
class Order:
    """One role for one host.

    :param run: the run's identifier
    :param host: the host's name in the inventory
    :param role: the role's name
    :param mode: ``check`` or ``apply``; `BOOT` evaluates nothing and answers with the boot id, which fails
        while the option ``ready`` (a command, which may take ``seconds``) does, unless the id is still ``rebooting``
    :param parcel: the shipped ``(role, policy layers)`` (`opsmop.wire.rebuild.unpack`); empty in local mode
    :param inventory: the inventory's layers for this host, ``(label, variables)`` each, first to last
    :param extra: variables of ``--extra-vars``
    :param files: controller files that ride along, by the path that the role names them with
    :param policy_file: the policy file's path on the controller
    :param options: what the evaluation needs besides: ``verbose`` and ``diff`` (bool), ``log`` (path or empty),
        ``lock`` (``who`` wants this machine for itself, and whether it is ``forced``; absent in check mode),
        ``planned`` (bool, in check mode: whether earlier roles have planned something on this machine),
        ``of_others`` (in local mode, on a machine that the inventory does not name: variables of its hosts, each with
        the name of one that has it), ``templates`` (those that came as Python, by path or text),
        ``facts_dir`` (the directory of user facts), ``facts_timeout`` (seconds), ``seed`` (text for Chaos, or empty)
    """

    run: str
    host: str
    role: str
    mode: str
    parcel: bytes = b""
    inventory: tuple[tuple[str, dict[str, Any]], ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    policy_file: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The order as bytes. Its reader is the target, which trusts its controller: a pickle of plain values."""
        return b"".join(self.to_pieces())

    def to_pieces(self) -> list[bytes]:
        """The same in pieces, of which the large ones are no copies: the orders of many hosts hold one parcel together."""
        files = {name: pickle.PickleBuffer(content) for name, content in self.files.items()}
        stream = BytesIO()
        values = {**vars(self), "parcel": pickle.PickleBuffer(self.parcel), "files": files}
        # What is a buffer is not written, but counted on to come after this in the same order (PEP 574).
        _Writer(stream, protocol=5, buffer_callback=lambda _: None).dump(values)
        pieces = [stream.getvalue(), self.parcel, *self.files.values()]
        lengths = b"".join(len(piece).to_bytes(_LENGTH, "big") for piece in pieces)
        return [len(pieces).to_bytes(_LENGTH, "big"), lengths, *pieces]

    @classmethod
    def from_bytes(cls, data: bytes) -> Order:
        """The order that `to_bytes` wrote. Only ever called on a target."""
        at = _LENGTH * (1 + int.from_bytes(data[:_LENGTH], "big"))
        pieces = []
        for start in range(_LENGTH, at, _LENGTH):
            length = int.from_bytes(data[start : start + _LENGTH], "big")
            pieces.append(data[at : at + length])
            at += length
        return cls(**pickle.loads(pieces[0], buffers=pieces[1:]))


class _Writer(pickle.Pickler):
    """Writes paths by their public names: the module that defines them is another in every few versions of Python."""

    def reducer_override(self, value: Any) -> Any:
        """Paths; whatever else is written as always."""
        import pathlib  # only the controller writes orders

        if isinstance(value, pathlib.PurePath):
            return remake.path, (type(value).__name__, str(value))
        return NotImplemented
