"""Calling what a policy's author wrote, on the control machine."""

from __future__ import annotations

from typing import Any

from opsmop.drive.near import shown_near
from opsmop.errors import OpsMopError, PolicyError
from opsmop.events import Failure
from opsmop.target.failures import failure_of, place_of_error
from opsmop.wire.records import replace


def ask(owner: Any, method: str, *arguments: Any) -> Any:
    """What a method of a policy or a role answers.

    :param owner: the policy or the role
    :param method: its method's name
    :raises PolicyError: if the author's code raises anything, or ends the program
    """
    try:
        return getattr(owner, method)(*arguments)
    except OpsMopError as error:
        error.place = error.place or place_of_error(error)
        shown = shown_near(error, owner)
        error.message, error.remedy = shown(error.message), shown(error.remedy)
        raise
    except (Exception, SystemExit) as error:
        found = failure_of(error, shown_near(error, owner))
        raise PolicyError(
            f"{owner.name}.{method}() raised {found.error}: {found.message}", place=found.place
        ) from error


def ask_if_defined(owner: Any, method: str, *arguments: Any) -> Any:
    """As `ask`; None if the owner has no such method.

    :raises PolicyError: as `ask`
    """
    return ask(owner, method, *arguments) if callable(getattr(owner, method, None)) else None


def variables_said(owner: Any) -> dict[str, Any]:
    """What the `set_variables()` of a policy or a role answers.

    :raises PolicyError: if it raises, or answers with something else than a dict of names
    """
    said = ask(owner, "set_variables")
    if not isinstance(said, dict):
        raise PolicyError(
            f"{owner.name}.set_variables() returned {type(said).__name__}, not a dict",
            remedy="Return a dict of variables: return dict(port=8080)",
        )
    for name in said:
        if not isinstance(name, str) or not name.isidentifier():
            raise PolicyError(f"{owner.name}.set_variables(): {name!r} cannot be a variable's name")
    return said


def told(error: Exception) -> Failure:
    """`error` as an event carries it, with the author's own frames where there are some."""
    failure = failure_of(error)
    if error.__cause__ is None or failure.trace:
        return failure
    return replace(failure, trace=shown_near(error.__cause__)(failure_of(error.__cause__).trace))
