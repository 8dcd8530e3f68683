"""An error as data that can travel: what it says, and the author's own frames."""

from __future__ import annotations

from itertools import groupby

from opsmop.errors import CommandFailed, OpsMopError, ProviderError
from opsmop.events import Failure
from opsmop.language.scope import of_policy
from opsmop.language.secrets import MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Callable

LONGEST_MESSAGE = 16 * 1024  # characters; an exception may be of any size
LONGEST_OUTPUT = 64 * 1024
MOST_FRAMES = 30
_MOST_ALIKE = 3


def failure_of(error: BaseException, shown: Callable[[str], str] = str) -> Failure:
    """`error` as an event carries it.

    :param shown: makes a text one that may be reported, before it is cut and a secret could be cut in two
    """
    if isinstance(error, OpsMopError):
        said = shown
        if isinstance(error, ProviderError) and getattr(error.resource, "sensitive", False):
            shown = _hidden
        return Failure(
            error=type(error).__name__,
            message=_cut(said(error.message), LONGEST_MESSAGE),
            place=error.place or place_of_error(error),
            remedy=error.remedy,
            command=shown(error.command)[:LONGEST_MESSAGE] if isinstance(error, CommandFailed) else "",
            rc=error.rc if isinstance(error, CommandFailed) else None,
            output=shown(error.output)[-LONGEST_OUTPUT:] if isinstance(error, CommandFailed) else "",
            stderr=_stderr_of(error, shown),
        )
    frames = _authors_frames(error.__traceback__)
    return Failure(
        error=type(error).__name__,
        message=_cut(shown(_said(error)), LONGEST_MESSAGE),
        place=place_of_error(error),
        trace=_cut("\n".join(_told(frames)), LONGEST_OUTPUT),
    )


def _hidden(text: str) -> str:
    """Instead of what a sensitive resource ran, and what that printed."""
    return MASK if text else ""


def _stderr_of(error: OpsMopError, shown: Callable[[str], str]) -> str:
    """What the command printed on its standard error, where that is not all that it printed."""
    completed = error.completed if isinstance(error, CommandFailed) else None
    if completed is None or completed.stderr == completed.output:
        return ""
    return shown(completed.stderr)[-LONGEST_OUTPUT:]


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - an author's __str__ may raise anything, and the failure must still be told
        return f"(its text cannot be had: {type(broken).__name__})"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text) - longest} more characters)"


def place_of_error(error: BaseException) -> str:
    """``file:line`` of the innermost line of the author's own that `error` came through; empty if it came through none."""
    frames = _authors_frames(error.__traceback__)
    return f"{frames[-1][0]}:{frames[-1][1]}" if frames else ""


def _authors_frames(trace: TracebackType | None) -> list[tuple[str, int, str]]:
    frames = []
    while trace is not None:
        if of_policy(trace.tb_frame):
            code = trace.tb_frame.f_code
            frames.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    return frames


def _told(frames: list[tuple[str, int, str]]) -> list[str]:
    """The frames as text; one that repeats itself, as in a recursion, is told three times and then counted."""
    told: list[str] = []
    for frame, repeated in groupby(frames):
        count = len(list(repeated))
        told += [_shown(*frame)] * min(count, _MOST_ALIKE)
        if count > _MOST_ALIKE:
            told.append(f"  [the line above repeats {count - _MOST_ALIKE} more times]")
    return told[-MOST_FRAMES:]


def _shown(file: str, line: int, function: str) -> str:
    import linecache  # only where something broke: it imports tokenize, and that `re`

    source = linecache.getline(file, line).strip()
    return f'  File "{file}", line {line}, in {function}' + (f"\n    {source}" if source else "")
