"""Programs that are to make their files for fewer eyes: umask(2), which only the process itself can set."""

from __future__ import annotations

from opsmop.errors import FieldError
from opsmop.language.resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OWNER = 0o700
_ALL = 0o777
# The mask is the script's first word, the program and its arguments the rest: nothing of them is read by the shell.
_SCRIPT = 'umask "$0" && exec "$@"'


def refuse_mask(resource: Resource, umask: str | None) -> None:
    """Refuse what is no mask, and one that takes anything from the owner: no program could go on with what it made.

    :raises FieldError: naming what was given
    """
    if umask is None:
        return
    if len(umask) not in (3, 4) or set(umask) - set("01234567") or int(umask, 8) > _ALL:
        raise FieldError(
            f"{resource}: umask={umask!r} is not three octal digits", place=resource.place, remedy='As "027".'
        )
    if int(umask, 8) & _OWNER:
        raise FieldError(
            f"{resource}: umask={umask!r} takes bits from the owner", place=resource.place, remedy='As "027".'
        )


def masked(argv: Sequence[str], umask: str | None) -> Sequence[str]:
    """The argument list that runs `argv` with that mask; `argv` itself if there is none."""
    return argv if umask is None else ["sh", "-c", _SCRIPT, umask, *argv]


def remaining(mode: int, umask: str | None) -> int:
    """What a mask leaves of `mode`."""
    return mode if umask is None else _ALL & ~int(umask, 8)
