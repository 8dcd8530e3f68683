"""What became of a resource: the resource itself is its result."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.language.evaluation import current
from opsmop.language.machine import Completed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


class Truth(int):
    """True or False that may also be called: ``conf.changed`` and ``conf.changed()`` are both in use."""

    def __call__(self) -> bool:
        return bool(self)

    def __repr__(self) -> str:
        return repr(bool(self))

    __str__ = __repr__


class Result:
    """What every resource can be asked once it has been evaluated.

    What a command would have printed is not known in check mode: who reads it reads an empty value, and what follows
    from it is no longer predicted.
    """

    file = ""  # the policy file that constructed the resource
    line = 0
    frame: FrameType | None = None  # of the policy, while it is being evaluated
    waits = False  # whether it is only declared: nothing is known of what becomes of it
    warnings: list[str]
    _change_names: tuple[str, ...] = ()
    _changed = _failed = _assumed = False
    _completed: Completed | None = None

    @property
    def place(self) -> str:
        """``file:line`` of the policy."""
        return f"{self.file}:{self.line}" if self.file else ""

    @property
    def changed(self) -> Truth:
        """Whether something was changed (in check mode: would be)."""
        self._require_evaluated()
        evaluation = current()
        if self._assumed and evaluation is not None:
            evaluation.unknown_was_read(value=False)
        return Truth(self._changed)

    @property
    def failed(self) -> Truth:
        """Whether it failed."""
        self._require_evaluated()
        return Truth(self._failed)

    @property
    def actions(self) -> list[str]:
        """The names of the changes made (in check mode: planned)."""
        self._require_evaluated()
        return list(self._change_names)

    @property
    def rc(self) -> int | None:
        """The exit status of its command; None if there was none or it did not run."""
        completed = self._read()
        return completed.rc if completed else None

    @property
    def data(self) -> str:
        """What its command printed, both streams as they came, without the newline at the end."""
        completed = self._read()
        return completed.output.rstrip("\n") if completed else ""

    @property
    def stdout(self) -> str:
        """What its command printed on standard output, without the newline at the end."""
        completed = self._read()
        return completed.stdout.rstrip("\n") if completed else ""

    @property
    def stderr(self) -> str:
        """What its command printed on standard error, without the newline at the end."""
        completed = self._read()
        return completed.stderr.rstrip("\n") if completed else ""

    def _require_evaluated(self) -> None:
        """Refuse questions about something that is only declared.

        :raises PolicyError: if it is
        """
        if self.waits:
            raise PolicyError(
                f"{self} is asked what became of it, and is only declared: it is evaluated later",
                remedy="Construct it in main(), or let it signal a handler: signals='...'.",
            )

    def _read(self) -> Completed | None:
        self._require_evaluated()
        completed = self._completed
        evaluation = current()
        if completed is not None and not completed.known and evaluation is not None:
            evaluation.unknown_was_read(value=True)
        return completed

    def settle(
        self,
        *,
        changed: bool,
        failed: bool,
        changes: tuple[str, ...] = (),
        completed: Completed | None = None,
        assumed: bool = False,
    ) -> None:
        """Fill in the result. Only the evaluation calls this."""
        self._changed, self._failed, self._assumed = changed, failed, assumed
        self._change_names, self._completed = changes, completed
