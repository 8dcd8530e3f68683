"""What check has planned on this machine, carried from one role to the next: each has a process of its own."""

from __future__ import annotations

import io
import types

from opsmop.errors import ProviderError
from opsmop.language.machine import Effect
from opsmop.target.machine.simulated import SimulatedMachine
from opsmop.wire.lean import pickle
from opsmop.wire.order import Order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

LARGEST = 64 << 20  # bytes
_OWN = ("_real",)  # what each role's machine has for itself


class Plans:
    """The plans of the roles before, of one run.

    :param kept: what an earlier role said last; it never leaves this machine
    :param keep: is told what the next role must know
    """

    def __init__(self, kept: bytes = b"", keep: Callable[[bytes], None] = lambda _: None) -> None:
        self._kept = kept
        self._keep = keep

    def recall(self, machine: SimulatedMachine, order: Order) -> None:
        """Let `machine` know what earlier roles planned; anything, if they planned and what it was did not come here."""
        if not order.options.get("planned"):
            return
        model = self._model(order)
        if model is None:
            machine.run((), effects=(Effect("run", "earlier roles", None, brings="anything"),))
        else:
            vars(machine).update(model)

    def _model(self, order: Order) -> dict[str, Any] | None:
        try:
            run, model = pickle.loads(self._kept) if self._kept else ("", None)
        except Exception:  # noqa: BLE001 - whatever an effect of the policy's own type raises that this role has not
            return None
        return model if run == order.run else None

    def note(self, machine: SimulatedMachine, order: Order, *, sure: bool) -> None:
        """Keep what `machine` has come to.

        :param sure: whether nothing that check cannot know decided what was planned
        """
        model = {name: value for name, value in vars(machine).items() if name not in _OWN} if sure else None
        nothing = _written((order.run, None))
        try:
            said = _written((order.run, model))
        except (pickle.PicklingError, TypeError, AttributeError):  # an effect of a user's own type
            said = nothing
        self._keep(said if len(said) <= LARGEST else nothing)


def _written(value: Any) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, protocol=4).dump(value)
    return stream.getvalue()


class _Writer(pickle.Pickler):
    """Writes a model; what would still have to be fetched for the role that ended is left out."""

    def reducer_override(self, value: Any) -> Any:
        """Functions made while the role ran; whatever else is written as always."""
        made_here = isinstance(value, types.FunctionType) and "<" in value.__qualname__
        return (_stand_in, ()) if made_here or isinstance(value, types.MethodType) else NotImplemented


def _stand_in() -> Callable[[], Any]:
    return _gone


def _gone() -> Any:
    raise ProviderError("check knows this file's content only in the role that wrote it")
