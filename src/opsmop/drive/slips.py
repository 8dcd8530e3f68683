"""Slips in the methods of a role or policy that Python lets pass until they are called, or for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from opsmop.errors import PolicyError
from opsmop.events import Warned
from opsmop.language.policy import Policy
from opsmop.language.role import CONTROLLER_SIDE, Role
from opsmop.language.scope import written_at

# What is called with something besides the role, and with what.
_WITH: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("should_contact", "before_connect", "before_contact", "after_connect", "after_contact", "get_delegate_host"),
        ("host",),
    ),
    "on_failure": ("host", "failure"),
}
_ON_TARGETS = ("main", "set_resources", "set_handlers", "should_process_when")
_OF_POLICIES = (
    "set_roles",
    "set_variables",
    "fact_context",
    "template_globals",
    "template_filters",
    "allow_fetching",
    "allow_fileserving_paths",
    "allow_fileserving_patterns",
    "deny_fileserving_patterns",
)
_NEARLY = 0.8  # how alike two names are, one of which was probably meant to be the other
# Marks of code objects (inspect.CO_VARARGS and the like: "Code Objects Bit Flags" of Python's library reference).
_TAKES_MORE, _YIELDS, _IS_ASYNC = 0x04, 0x20, 0x80 | 0x200


def refuse_slips(owner: Role | Policy) -> None:
    """Refuse an owner with such a method.

    :raises PolicyError: naming it, where it is written and what to write
    """
    for error in slips_of(owner):
        raise error


def slips_of(owner: Role | Policy) -> Iterator[PolicyError]:
    """An error for each such method."""
    names = (*_ON_TARGETS, *sorted(CONTROLLER_SIDE)) if isinstance(owner, Role) else _OF_POLICIES
    for name in names:
        written = _written(owner, name)
        if written is not None:
            yield from _faults(owner, name, written)


def near_misses(policy: Policy, roles: Iterable[Role]) -> tuple[PolicyError, ...]:
    """What is probably meant otherwise, each once however many roles are of a class."""
    owners: tuple[Policy | Role, ...] = (policy, *roles)
    return tuple({error.place: error for owner in owners for error in _nearly_right(owner)}.values())


def warned(error: PolicyError) -> Warned:
    """What a run says of it."""
    file, _, line = error.place.rpartition(":")
    return Warned(text=f"{error.message}; {error.remedy[:1].lower()}{error.remedy[1:]}", file=file, line=int(line))


def _nearly_right(owner: Role | Policy) -> Iterator[PolicyError]:
    """A warning for each method whose name is nearly one that is asked for, and that its class itself does not call."""
    base = Role if isinstance(owner, Role) else Policy
    asked = (*_ON_TARGETS, *CONTROLLER_SIDE) if base is Role else _OF_POLICIES
    own = {name: value for one in type(owner).__mro__ for name, value in vars(one).items() if not hasattr(base, name)}
    functions = {name: value for name, value in own.items() if isinstance(value, FunctionType) and name not in asked}
    called = {name for one in type(owner).__mro__ for value in vars(one).values() for name in _names_in(value)}
    for name, function in functions.items():
        from difflib import get_close_matches  # few have functions of their own

        meant = get_close_matches(name, asked, n=1, cutoff=_NEARLY)
        if meant and name not in called:
            yield PolicyError(
                f"nothing calls {name}() of {owner.name}",
                place=written_at(function),
                remedy=f"Did you mean {meant[0]}()?",
            )


def _names_in(value: Any) -> tuple[str, ...]:
    return value.__code__.co_names if isinstance(value, FunctionType) else ()


def _written(owner: Role | Policy, name: str) -> Any:
    """What stands in the class, as it was written there; None for nothing, or for None."""
    return next((vars(one)[name] for one in type(owner).__mro__ if name in vars(one)), None)


def _faults(owner: Role | Policy, name: str, written: Any) -> Iterator[PolicyError]:
    takes = _WITH.get(name, ())
    remedy = f"Write: def {name}({', '.join(('self', *takes))}):"
    own = 1
    if isinstance(written, (staticmethod, classmethod)):
        own = 0 if isinstance(written, staticmethod) else 1
        written = written.__func__
    if not callable(written):
        kind = f"is {written!r:.40}" if not isinstance(written, property) else "is a property"
        yield PolicyError(f"{name} of {owner.name} {kind}, not a method", remedy=remedy)
        return
    if not isinstance(written, FunctionType):
        return
    code, place = written.__code__, written_at(written)
    if code.co_flags & _IS_ASYNC:
        yield PolicyError(f"{name}() of {owner.name} is async, and nothing awaits it", place=place, remedy=remedy)
    elif code.co_flags & _YIELDS:
        yield PolicyError(
            f"{name}() of {owner.name} holds a yield, so that calling it does nothing",
            place=place,
            remedy="A resource is evaluated where it is constructed: leave out `yield`."
            if name == "main"
            else "Write `return` for `yield`.",
        )
    elif not _takes(written, own + len(takes)):
        yield PolicyError(f"{name}() of {owner.name} cannot be called as it is written", place=place, remedy=remedy)


def _takes(function: FunctionType, count: int) -> bool:
    """Whether a function can be called with that many values by position."""
    code = function.__code__
    least = code.co_argcount - len(function.__defaults__ or ())
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    required = set(named) - set(function.__kwdefaults__ or ())
    return not required and least <= count and (count <= code.co_argcount or bool(code.co_flags & _TAKES_MORE))
