"""Finds out how a value that cannot travel is reached, and whether code that runs on the target names it.

This walk happens only after packing met such a value; packing itself never keeps paths.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opsmop.ship import classes
from opsmop.ship.packer import CODE, described, reduction
from opsmop.ship.references import reference_to
from opsmop.ship.sources import CannotTravel
from opsmop.ship.survey import Survey, cell_parts, is_generic, is_inherited_by_name, is_mentioned, is_special
from opsmop.ship.values import Stays
from opsmop.wire.records import dataclass, field, replace

PLAIN = (*CODE[:7], bytearray, Stays)


@dataclass(frozen=True)
class Step:
    """One thing on the way from the role to what cannot travel.

    :param thing: the thing
    :param named: whether code that runs on the target names everything on the way
    :param place: ``file:line`` of the code that names it
    :param text: how to say the way
    :param owner: the outermost object on the way whose insides only a library knows
    """

    thing: Any
    named: bool
    place: str = ""
    text: str = "self"
    owner: Any = None

    def to(self, thing: Any, suffix: str = "", *, named: bool = True, owner: Any = None) -> Step:
        """A step further, whose way is said with a suffix; the insides of a library's object need no words."""
        inside = self.owner is not None or owner is not None
        text = self.text if inside else self.text + suffix
        return Step(thing, self.named and named, self.place, text, self.owner if self.owner is not None else owner)

    def used(self, thing: Any, place: str, text: str) -> Step:
        """A step further, said as a use by code."""
        return Step(thing, self.named, place, text, self.owner)


@dataclass
class Findings:
    """What a walk found: the named values that cannot travel, and the library objects that hold unnamed ones."""

    named: list[tuple[Step, str]] = field(default_factory=list)
    owners: list[tuple[Any, str]] = field(default_factory=list)


def findings(survey: Survey, value: Any) -> Findings:
    """Walk from a value to everything that travels with it.

    :param survey: the finished survey of its first pass
    :param value: what was packed
    """
    walk = Walk(survey, value)
    while True:
        known = len(walk.attributes) + len(walk.strings)
        found = walk.run(value)
        if known == len(walk.attributes) + len(walk.strings):
            return found


class Walk:
    """Breadth first, so that the shortest way is told; run again until no run learns a new name."""

    def __init__(self, survey: Survey, value: Any) -> None:
        self.survey = survey
        roots = value if isinstance(value, (tuple, list)) else (value,)
        self.roots = {parent for root in roots for parent in type(root).__mro__}
        self.attributes: dict[str, str] = {}
        self.strings: set[str] = set()

    def run(self, value: Any) -> Findings:
        found = Findings()
        seen: dict[int, bool] = {}
        waiting = deque([Step(value, named=True)])
        alive = []  # ids of what a reduction makes for itself must not come again
        while waiting:
            step = waiting.popleft()
            if (
                isinstance(step.thing, PLAIN)
                or seen.get(id(step.thing), False)
                or (id(step.thing) in seen and not step.named)
            ):
                continue
            seen[id(step.thing)] = step.named
            alive.append(step.thing)
            try:
                waiting.extend(self.next(step))
            except CannotTravel as reason:
                note(found, step, str(reason))
        return found

    def next(self, step: Step) -> Iterator[Step]:
        thing = step.thing
        if isinstance(thing, (list, tuple, set, frozenset)) and type(thing).__module__ == "builtins":
            indexes = [f"[{number}]" if isinstance(thing, (list, tuple)) else "[...]" for number in range(len(thing))]
            return iter([step.to(part, index) for index, part in zip(indexes, thing, strict=True)])
        if type(thing) is dict:
            values = [step.to(value, f"[{key_text(key)}]") for key, value in thing.items()]
            return iter(values + [step.to(key, "[...]") for key in thing])
        if id(thing) in self.survey.held:
            return iter(())
        return self.reduced(step, reduction(self.survey, thing))

    def reduced(self, step: Step, reduced: Any) -> Iterator[Step]:
        thing = step.thing
        if isinstance(thing, types.CellType):
            return iter([step.to(content) for content in cell_parts(thing).values()])
        is_shell = id(thing) in self.survey.shells
        if isinstance(thing, (type, types.FunctionType)) and not is_shell:
            return iter(())
        if isinstance(thing, (type, types.FunctionType)):
            return self.klass(step) if isinstance(thing, type) else self.function(step)
        return self.names(step) if is_shell else self.instance(step, reduced)

    def function(self, step: Step) -> Iterator[Step]:
        function = step.thing
        if is_generic(function):
            yield from (step.to(one) for one in function.registry.values())
            return
        mentions = self.survey.mentions[id(function)]
        file, first = function.__code__.co_filename, function.__code__.co_firstlineno
        place = Path(file).name
        who = function.__qualname__
        if step.named:
            self.strings.update(mentions.strings)
            for name, line in mentions.attributes.items():
                self.attributes.setdefault(name, f"{place}:{line}")
        for name, line in mentions.lines.items():
            if name in function.__globals__:
                yield step.used(function.__globals__[name], f"{place}:{line}", f"{who} uses global '{name}'")
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            line = mentions.variables.get(name, first)
            yield step.used(cell, f"{place}:{line}", f"{who} uses '{name}' of the function around it")
        for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            yield step.used(default, f"{place}:{first}", f"{who} has a parameter default")
        for name, value in vars(function).items():
            yield step.to(value, f".{name}", named=name in self.attributes or name == "__wrapped__")

    def klass(self, step: Step) -> Iterator[Step]:
        made = step.thing
        yield from (step.to(base, f" (its base {base.__qualname__})") for base in (type(made), *made.__bases__))
        for _, content in self.survey.parts(made):
            for name, value in content.items():
                named = (
                    made in self.roots or self.is_named(name) or is_special(name) or is_inherited_by_name(made, name)
                )
                yield self.attribute(
                    step, value, name, f"{made.__qualname__}.{name}" if name else "", named=named or not name
                )
        if classes.is_enumeration(made):
            yield from (step.to(value, f".{name}") for name, value in classes.members(made))

    def names(self, step: Step) -> Iterator[Step]:
        named = self.survey.named.get(id(step.thing), ())
        for _, content in self.survey.parts(step.thing):
            for name, value in content.items():
                yield step.to(value, f".{name}", named=name in named)

    def instance(self, step: Step, reduced: Any) -> Iterator[Step]:
        kind = type(step.thing)
        if reference_to(kind) is not None:
            for part in reduced[1:] if isinstance(reduced, tuple) else ():
                if part is not None:
                    yield step.to(list(part) if hasattr(part, "__next__") else part, owner=step.thing)
            return
        yield step.to(kind)
        yield step.to(reduced[1])
        for state in reduced[2] if isinstance(reduced[2], tuple) else (reduced[2],):
            for name, value in (state or {}).items() if isinstance(state or {}, dict) else ():
                yield self.attribute(step, value, name, f"{step.text}.{name}", named=self.is_named(name))
        for rest in (part for part in reduced[3:5] if part is not None):
            yield step.to(list(rest), "[...]")

    def attribute(self, step: Step, value: Any, name: str, text: str, *, named: bool) -> Step:
        place = self.attributes.get(name, step.place)
        return Step(value, step.named and named, place, text or step.text, step.owner)

    def is_named(self, name: str) -> bool:
        return is_mentioned(name, set(self.attributes), self.strings)


def note(found: Findings, step: Step, reason: str) -> None:
    """Keep what a step came to."""
    if step.owner is not None:
        reason = f"it holds {described(step.thing)}, and {reason}"
        step = replace(step, thing=step.owner)
    if step.named:
        found.named.append((step, reason))
    elif step.owner is not None:
        found.owners.append((step.owner, reason))


def key_text(key: Any) -> str:
    """A key in a message; only names are shown."""
    return repr(key) if isinstance(key, int) or (isinstance(key, str) and key.isidentifier()) else "..."
