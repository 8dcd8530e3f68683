"""What `main()` of a role returned, for the roles after it."""

from __future__ import annotations

from opsmop.errors import PolicyError
from opsmop.events.wire import LONGEST_TEXT
from opsmop.language.resource import Resource
from opsmop.language.result import Truth
from opsmop.language.role import Role
from opsmop.language.scope import written_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def as_json(value: Any, role: Role, shown: Callable[[str], str]) -> str:
    """`value` as JSON, masked piece by piece: masking the JSON itself could break it; empty for None.

    :param shown: makes a text one that may be reported
    :raises PolicyError: if JSON cannot hold it, or it is too long
    """
    if value is None:
        return ""
    import json  # only for what is returned

    try:
        text = json.dumps(_shown(json.loads(json.dumps(_with_bools(value), allow_nan=False)), shown))
    except (TypeError, ValueError, RecursionError) as error:
        raise _unfit(value, role, error) from error
    if len(text) > LONGEST_TEXT:
        raise PolicyError(
            f"main() of {role} returned a {type(value).__name__} of {len(text)} characters; {LONGEST_TEXT} are the most",
            place=written_at(role.main),
            remedy="Return only what later roles need.",
        )
    return text


def _unfit(value: Any, role: Role, error: Exception) -> PolicyError:
    place = written_at(role.main)
    if isinstance(value, Resource):
        return PolicyError(
            f"main() of {role} returned the resource {value}; what it returns is for later roles, and has to be plain",
            place=place,
            remedy="A resource is evaluated where it is constructed: leave out `return`, or return its .changed or .data.",
        )
    return PolicyError(
        f"main() of {role} returned what JSON cannot hold, of type {type(value).__name__}: {error}",
        place=place,
        remedy="Return plain values: text, numbers, lists, dicts.",
    )


def _with_bools(value: Any) -> Any:
    """`value` with what resources say of themselves (`.changed`) as true and false; JSON would have it as 1 and 0."""
    if isinstance(value, Truth):
        return bool(value)
    if isinstance(value, dict):
        return {name: _with_bools(entry) for name, entry in value.items()}
    return [_with_bools(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def _shown(value: Any, shown: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {shown(name): _shown(entry, shown) for name, entry in value.items()}
    if isinstance(value, list):
        return [_shown(entry, shown) for entry in value]
    import json  # as above

    if isinstance(value, str) or shown(json.dumps(value)) != json.dumps(value):
        return shown(str(value))
    return value
