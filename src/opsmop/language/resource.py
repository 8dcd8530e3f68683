"""A resource: something on a machine, as it should be. Constructing one evaluates it; the object is its result."""

from __future__ import annotations

import sys

from opsmop.errors import FieldError, OpsMopError, PolicyError
from opsmop.language.evaluation import RoleEnds, current
from opsmop.language.fields import bind, declared, field, given_names
from opsmop.language.lookups import Late, LateText, is_late
from opsmop.language.result import Result
from opsmop.language.scope import innermost, of_policy, place_of
from opsmop.language.secrets import MASK, masked, texts_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, ClassVar

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:
        """For type checkers alone (PEP 681); Python has it from 3.11 on."""
        return lambda decorated: decorated


# Parameters that judge the result: they are worked out after the resource, not before.
JUDGES = ("failed_when", "changed_when", "until")
# Parameters that no content, command or address stands in: who and where, without which no failure can be mended.
_TOLD = (
    "name", "owner", "group", "mode", "user", "run_as", "path", "kept_in", "from_file", "from_template", "from_dir",
)  # fmt: skip
_USUAL_RETRIES = 3  # with `until`, if nothing says how often


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Declared:
    """Where type checkers learn to read `field` lines; it stands above `Resource` so that its lines are read too."""


class Resource(Declared, Result):
    """What every type of resource has. A type declares its parameters with `field` and is made by providers."""

    method: Any = field(default=None, doc="the provider: its short name, its dotted path, or its class")
    ignore_errors: bool = field(default=False, doc="a failure does not stop the role")
    failed_when: Any = field(default=None, doc="a bool, an Eval, or a callable of the result: has it failed?")
    changed_when: Any = field(default=None, doc="a bool, an Eval, or a callable of the result: has it changed?")
    register: str | None = field(default=None, doc="also put the result among the variables under this name")
    signals: str | list[str] | None = field(default=None, doc="handlers to fire when it has changed")
    only_if: str | bool | None = field(
        default=None, doc="a command that only looks, or a bool: failure or False means that nothing is to be done"
    )
    unless: str | bool | None = field(
        default=None, doc="a command that only looks, or a bool: success or True means that nothing is to be done"
    )
    retries: int | None = field(
        default=None,
        least=0,
        doc="how often to try again when it fails or `until` does not hold; 0, and 3 with `until`",
    )
    delay: float = field(default=5.0, least=0, doc="seconds between two tries")
    until: Any = field(
        default=None, doc="a bool, an Eval, or a callable of the result: tried again while it does not hold"
    )
    timeout: float | None = field(
        default=None, least=0, doc="seconds that one try may take: then its command, and all that it started, is ended"
    )
    run_as: str | None = field(
        default=None, doc="the user of the target as whom it looks, writes and runs commands; needs root"
    )
    sensitive: bool = field(default=False, doc="show neither its content nor its command and what that prints")

    ends_role: RoleEnds | None = None  # raised once it is evaluated, by the few types after which a role is over
    given: tuple[str, ...] = ()  # the names of the parameters that are not left to their defaults
    checked = False  # whether `check` has seen its values; where some are late, it sees them once they are worked out

    shown: ClassVar[str] = "name"  # the parameter by which reports name a resource of this type
    elsewhere: ClassVar[dict[str, str]] = {}  # what to write instead of a parameter, or of a value, that it cannot have

    if not TYPE_CHECKING:

        def __init__(self, *args: Any, **given: Any) -> None:
            frame = innermost(sys._getframe(1), of_policy)
            self.file, self.line = place_of(frame)
            vars(self).update(bind(type(self), args, given, self.place))
            self.given = given_names(type(self), args, given)
            self.frame = frame
            self.warnings = []
            self._refuse_texts_as_judges()
            self.checked = not any(is_late(getattr(self, name)) for name in self.given if name not in JUDGES)
            if self.checked:
                self.examine()
            evaluation = current()
            if evaluation is None:
                raise PolicyError(
                    f"{type(self).__name__} is constructed where no role is being evaluated",
                    place=self.place,
                    remedy="Construct it in the main() of a role, or in what main() calls.",
                )
            try:
                evaluation.evaluate(self)
            finally:
                self.frame = None

    def _refuse_texts_as_judges(self) -> None:
        for name in JUDGES:
            if isinstance(getattr(self, name), (str, LateText)):
                raise FieldError(
                    f"{type(self).__name__}({name}=...) takes a bool, an Eval or a callable of the result, not a text",
                    place=self.place,
                    remedy=f'Write {name}=Eval("rc != 0"), or {name}=lambda result: ...: a text would always hold.',
                )

    def examine(self) -> None:
        """`check` it; an error of something sensitive says nothing that is not to be shown.

        :raises FieldError: as `check`
        """
        try:
            if self.register is not None:
                refuse_strange_name(type(self), self.register, self.place)
            self.check()
        except FieldError as error:
            error.place = error.place or self.place
            self.discreet(error)
            raise

    def check(self) -> None:
        """Refuse combinations of parameters that make no sense. Types override it; see `exclusive`. Late values are
        worked out by then.

        :raises FieldError: if they make none
        """

    def exclusive(self, *names: str) -> None:
        """Refuse more than one of `names`.

        :raises FieldError: if more than one was given
        """
        fields = declared(type(self))
        given = [name for name in names if getattr(self, name) != fields[name].default]
        if len(given) > 1:
            raise FieldError(
                f"{type(self).__name__} takes only one of {', '.join(names)}, not {' and '.join(given)}",
                place=self.place,
            )

    @property
    def tries_left(self) -> int:
        """How often it may be tried again."""
        if self.retries is None:
            return 0 if self.until is None else _USUAL_RETRIES
        return self.retries

    @property
    def label(self) -> str:
        """What reports call it: the value of the parameter named by `shown`."""
        if self.sensitive and self.shown != "name":  # a command or a message may hold what is not to be shown
            return MASK
        value = getattr(self, self.shown, "")
        if isinstance(value, Late):
            return value.text
        return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)

    def discreet(self, error: OpsMopError) -> None:
        """Let an error of a sensitive resource say nothing that stands in its parameters, but for who and where."""
        if not self.sensitive:
            return
        hidden = set().union(*(texts_in(getattr(self, name)) for name in self.given if name not in _TOLD))
        error.message, error.remedy = masked(error.message, hidden), masked(error.remedy, hidden)

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.label}".rstrip()

    def __repr__(self) -> str:
        return f"<{self}>"


def refuse_strange_name(made: type, name: str, place: str) -> None:
    """Refuse to register a result of type `made` under what cannot be a variable's name.

    :raises FieldError: if it cannot
    """
    if not name.isidentifier():
        raise FieldError(
            f"{made.__name__}(register=...) takes a variable's name, not {name!r}",
            place=place,
            remedy="Names are letters, digits and underscores, and begin with no digit.",
        )
