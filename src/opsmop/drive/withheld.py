"""Which files of the control machine no host may have, whatever the rules of its role say."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from opsmop.inventory import Inventory
from opsmop.inventory.magic import option_words
from opsmop.settings import Settings
from opsmop.transport.base import Route

# The two options that name keys, perhaps in one word with others before them that take no value (ssh(1)).
_OPTION = "-[46AaCfGgKkMNnqsTtVvXxYy]*([io])(.*)"


def private_files(
    inventories: Sequence[Inventory], routes: Iterable[Mapping[str, Route]], settings: Settings
) -> frozenset[Path]:
    """What this run reads itself: inventories, settings, extra variables, passwords and keys.

    :param inventories: those of the run's roles. The keys of all their hosts count, whichever are worked with
    :param routes: how to reach those that are worked with, for each role
    """
    files = [file for inventory in inventories for file in inventory.files()]
    files += [*settings.defaults.files, *settings.extra_files]
    files += [settings.defaults[f"{what}_password_file"] for what in ("ssh", "sudo")]
    files += _keys_of(inventories)
    for route in (route for of_role in routes for route in of_role.values()):
        files += _keys_on(route)
    return frozenset(Path(os.path.expanduser(file)).absolute() for file in files if file)  # noqa: PTH111 - never raises


def arriving(folder: Path, directories: Iterable[str], inventories: Sequence[Inventory]) -> frozenset[Path]:
    """Where hosts leave files, below `directories` of the policy's `folder`.

    One that holds the policy itself cannot be kept from hosts as a whole: what is there of each host is.
    """
    found: set[Path] = set()
    for directory in {Path(os.path.normpath(folder / directory)) for directory in directories}:
        if folder.is_relative_to(directory):
            found.update(directory / host.name for inventory in inventories for host in inventory.whole.hosts())
        else:
            found.add(directory)
    return frozenset(found)


def _keys_on(route: Route) -> Iterator[str]:
    step: Route | None = route
    while step is not None:
        yield step.key_file
        yield from _named_in(step.ssh_args)
        step = step.via


def _keys_of(inventories: Sequence[Inventory]) -> set[str]:
    trees = {id(tree): tree for tree in (inventory.whole.tree() for inventory in inventories)}
    found: set[str] = set()
    for tree in trees.values():
        for variables in (*(group.variables for group in tree.groups.values()), *tree.host_variables.values()):
            found.add(str(variables.get("opsmop_ssh_key_file", "")))
            found.update(_named_in(_words(variables)))
    return found


def _words(variables: Mapping[str, Any]) -> tuple[str, ...]:
    return option_words(variables["opsmop_ssh_args"]) if "opsmop_ssh_args" in variables else ()


def _named_in(words: Sequence[str]) -> Iterator[str]:
    """The keys that options of ssh name (ssh(1), -i and -o IdentityFile), written in one word or in two."""
    for word, following in pairwise((*words, "")):
        option = re.match(_OPTION, word)
        if option:
            said = option[2] or following
            yield said if option[1] == "i" else _identity_file(said)


def _identity_file(said: str) -> str:
    """The file in ``IdentityFile=FILE`` or ``IdentityFile FILE`` (ssh_config(5)); empty if it is about something else."""
    name, _, value = said.replace("=", " ", 1).strip().partition(" ")
    return value.strip().strip('"') if name.lower() == "identityfile" else ""
