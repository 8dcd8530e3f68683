"""The facts of this machine, on paper: what ``python3 -m opsmop.facts`` shows."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from opsmop.errors import OpsMopError, UsageError
from opsmop.facts import told
from opsmop.language.evaluation import EVALUATION
from opsmop.language.fields import nearest
from opsmop.settings import Settings, fact_options
from opsmop.settings.sources import usual
from opsmop.target.this_machine import ThisMachine

Told = tuple[str, object, str]
OK, UNKNOWN_FACT, WRONG_USE = 0, 1, 2
_OF_PATHS = ("it is asked about a path", "A policy asks it so: FileTests.exists('/etc/motd').")
# Why some facts of ours have nothing to show, and what helps.
_UNSHOWN = {
    "Chaos": ("it gives another answer each time it is asked", "A policy asks it: Chaos.choice('red', 'blue')."),
    "FileTests": _OF_PATHS,
    "FileTest": _OF_PATHS,
    "UserFacts": ("there is none of that name", "They are files of /etc/opsmop/facts.d ([facts] dir) on the machine."),
}


def command(arguments: Sequence[str] | None = None) -> int:
    """Show facts as a table or as JSON.

    :param arguments: what follows the command's name; those of the process if not given
    :returns: the exit status: 0; 1 if a fact that was named could not be found out; 2 if there is none of that name
    """
    parser = argparse.ArgumentParser(prog="python3 -m opsmop.facts", description="Show the facts of this machine.")
    parser.add_argument(
        "name", nargs="?", default="", help="only this: Platform, Platform.codename, UserFacts.app, ..."
    )
    parser.add_argument("--json", action="store_true", help="as JSON; what cannot be found out is null")
    parsed = parser.parse_args(arguments)
    try:
        return shown(facts_here(), parsed.name, as_json=parsed.json)
    except OpsMopError as error:
        sys.stderr.write(f"opsmop: {error}\n")
        return WRONG_USE


def shown(known: list[Told], name: str, *, as_json: bool) -> int:
    """Show facts on this process's own streams, as a table or as JSON.

    :param known: what is known: name, value, and why there is none instead
    :param name: only this fact, or this group of facts; all if empty
    :returns: the exit status: 0; 1 if the fact that was named could not be found out
    :raises UsageError: if there is no fact of that name
    """
    chosen = [entry for entry in known if f"{entry[0]}.".startswith(f"{name}." if name else "")]
    fact = name.partition(".")[0]
    if not chosen and name:
        if fact in _UNSHOWN and not any(entry[0].startswith(f"{fact}.") for entry in known):
            raise UsageError(f"{name} cannot be shown: {_UNSHOWN[fact][0]}", remedy=_UNSHOWN[fact][1])
        names = {told[0] for told in known} | {told[0].partition(".")[0] for told in known}
        raise UsageError(f"there is no fact {name!r}", remedy=nearest(name, names, "There are"))
    return _shown(chosen, as_json=as_json, alone=name)


def facts_here() -> list[Told]:
    """What is known of this machine.

    :raises OpsMopError: if a setting is wrong
    """
    here = ThisMachine(fact_options(Settings(defaults=usual(Path.cwd()))))
    token = EVALUATION.set(here)
    try:
        return list(told(here.facts))
    finally:
        EVALUATION.reset(token)


def _shown(chosen: list[Told], *, as_json: bool, alone: str) -> int:
    for name, _, problem in chosen:
        if problem:
            sys.stderr.write(f"opsmop: {name} cannot be found out: {problem}\n")
    if as_json:
        sys.stdout.write(json.dumps(_nested(chosen, alone), indent=2, default=str) + "\n")
    elif [name for name, _, _ in chosen] == [alone]:
        sys.stdout.write(f"{chosen[0][1]}\n" if not chosen[0][2] else "")
    else:
        width = max((len(name) for name, _, _ in chosen), default=0)
        sys.stdout.writelines(f"{name:<{width}}  {value}\n" for name, value, problem in chosen if not problem)
    return UNKNOWN_FACT if alone and any(problem for _, _, problem in chosen) else OK


def _nested(chosen: list[Told], alone: str) -> object:
    """By fact and question; the value alone where one was named."""
    table: dict[str, dict[str, object]] = {}
    for name, value, _ in chosen:
        if name == alone:
            return value
        fact, _, question = name.partition(".")
        table.setdefault(fact, {})[question] = value
    return table.get(alone, table)
