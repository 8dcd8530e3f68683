"""Which variables are in force at a place of a policy, and where each came from."""

from __future__ import annotations

import sys

from opsmop.errors import PolicyError, TemplateError
from opsmop.language.fields import nearest
from opsmop.wire.lean import Mapping
from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType
    from typing import Any, Callable


@dataclass(frozen=True)
class Layer:
    """Variables from one source.

    :param label: what the source is called in error texts
    :param values: the variables
    """

    label: str
    values: Mapping[str, Any]


class Variables(Mapping[str, "Any"]):
    """Layers of variables, of which the last that has a name wins; names are attributes too.

    :param layers: first to last
    :param besides: what templates see under names that no variable has, such as facts: found here too, but not listed
    :param of_others: names of variables that this machine would have as a host of the inventory, each with such a host
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        besides: Mapping[str, Any] | None = None,
        of_others: Mapping[str, str] | None = None,
    ) -> None:
        self._layers = tuple(layers)
        self._besides, self._of_others = besides or {}, of_others or {}
        self._found: dict[str, Any] | None = None  # by all layers together: few resources ask for it

    @property
    def _merged(self) -> dict[str, Any]:
        if self._found is None:
            self._found = {}
            for layer in self._layers:
                self._found.update(layer.values)
        return self._found

    def __getitem__(self, name: str) -> Any:
        for known in (self._merged, self._besides):
            if name in known:
                return known[name]
        raise self.undefined(name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise PolicyError(
                f"self.vars.{name} = ... sets nothing: self.vars is only read",
                remedy=f"Write {name} = ...: a local variable of main() is seen by what follows there, and by templates.",
            )
        super().__setattr__(name, value)

    def __contains__(self, name: object) -> bool:
        return name in self._merged or name in self._besides

    def __iter__(self) -> Iterator[str]:
        return iter(self._merged)

    def __len__(self) -> int:
        return len(self._merged)

    def get(self, name: str, default: Any = None) -> Any:
        """The variable, or `default` if nothing defines it."""
        return self._merged.get(name, self._besides.get(name, default))

    def renewed(self) -> Variables:
        """The same layers as they are now: results may have been registered meanwhile."""
        return Variables(self._layers, self._besides, self._of_others)

    def below(self, layer: Layer) -> Variables:
        """These variables with one more layer, which wins over them."""
        return Variables([*self._layers, layer], self._besides, self._of_others)

    def origin(self, name: str) -> str:
        """The label of the layer that `name` comes from; empty if nothing defines it."""
        return next((layer.label for layer in reversed(self._layers) if name in layer.values), "")

    def undefined(self, name: str, place: str = "") -> TemplateError:
        """The error that says where `name` was searched and what is close to it."""
        searched = ", ".join(layer.label for layer in self._layers) or "no variables at all"
        remedy = nearest(name, {*self._merged, *self._besides}, "Defined are")
        if name == "now":
            remedy = "There is no clock: a time would make another file at every run."
        if name in self._of_others:
            host = self._of_others[name]
            remedy = (
                f"The inventory has it for {host}, and does not name this machine: say which host it is, --host {host}."
            )
        return TemplateError(f"{name!r} is not defined; searched: {searched}", place=place, remedy=remedy)


class ReadVariables(Variables):
    """Variables as policy code reads them: a name is the variable, also where a mapping has a method of that name.

    :param variables: what is read
    """

    def __init__(self, variables: Variables) -> None:
        vars(self).update(vars(variables), _found=variables._merged)  # as they are now

    if not TYPE_CHECKING:

        def __getattribute__(self, name: str) -> Any:
            if not name.startswith("_") and name in (merged := super().__getattribute__("_merged")):
                return merged[name]
            return super().__getattribute__(name)


def innermost(frame: FrameType | None, wanted: Callable[[FrameType], bool]) -> FrameType | None:
    """The first frame outwards from `frame` that is `wanted`."""
    while frame is not None and not wanted(frame):
        frame = frame.f_back
    return frame


# On a target this code has no file: it came in a bundle, and a name such as <bundle> is no policy's either.
_HERE = globals().get("__file__", "<bundle>/language/").rpartition("/language/")[0] + "/"
_LIBRARY = tuple({sys.prefix + "/lib/", sys.base_prefix + "/lib/", _HERE})
_INSTALLED = ("/site-packages/", "/dist-packages/")


def of_policy(frame: FrameType) -> bool:
    """Whether a frame runs the policy author's own code and not a library's."""
    file = frame.f_code.co_filename
    return not (file.startswith(("<", *_LIBRARY)) or any(part in file for part in _INSTALLED))


def local_layers(frame: FrameType | None, end: str) -> list[Layer]:
    """The local variables of policy code from `frame` outwards, the innermost last.

    :param end: the name of the module whose frame ends the search: what called the policy's code
    """
    layers: list[Layer] = []
    while frame is not None and frame.f_globals.get("__name__") != end:
        code = frame.f_code
        if of_policy(frame) and frame.f_locals is not frame.f_globals:
            layers.append(Layer(f"locals of {code.co_name}()", _own_names(frame)))
        frame = frame.f_back
    return layers[::-1]


def _own_names(frame: FrameType) -> dict[str, Any]:
    return {
        name: value
        for name, value in frame.f_locals.items()
        if name.isidentifier() and name not in ("self", "__class__")
    }


def place_of(frame: FrameType | None) -> tuple[str, int]:
    """File and line of a frame; nothing for none."""
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else ("", 0)


def written_at(function: Callable[..., Any]) -> str:
    """``file:line`` where a function or method is written; empty if that cannot be told."""
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""
