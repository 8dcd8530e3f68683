"""The command that goes once more, to the hosts that failed only."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

_MOST_NAMED = 20  # hosts that a command line may name
_MOST_LISTED = 20  # hosts that stand by name where nothing else does
_LIMITS = ("--limit-hosts", "--limit-groups")
_PATTERN = frozenset("[]*?!@,")  # what --limit-hosts takes for more than a name


def retry_command(command: Sequence[str], mode: str, reach: str, hosts: Sequence[str]) -> str:
    """What to type; empty if there is no such command.

    :param command: the words that started the run
    :param mode: ``check`` or ``apply``: only the latter remembers which hosts failed
    :param reach: ``local`` or ``push``
    :param hosts: those that failed
    """
    if not command or not hosts or reach != "push":
        return ""
    if mode == "apply":
        retried = tuple(command[:2]) == ("opsmop", "retry") or "--retry" in command
        return shlex.join(command if retried else [*command, "--retry"])
    words = _without_limits(command)
    if _unnameable(hosts):
        return ""
    return shlex.join([*words, "--limit-hosts", ",".join(hosts)])


def whole_command(command: Sequence[str], policy: str, hosts: Sequence[str]) -> str:
    """What to type for all roles on `hosts`; on all hosts if they cannot be named.

    :param command: the words that started the run
    :param policy: its file
    """
    words = _without_limits(command)
    if words[:2] == ["opsmop", "retry"]:
        rest = [word for word in words[2:] if Path(word).absolute() != Path(policy)]
        words = ["opsmop", "apply", policy, "--push", *rest]
    return shlex.join(words if _unnameable(hosts) else [*words, "--limit-hosts", ",".join(hosts)])


def _unnameable(hosts: Sequence[str]) -> bool:
    return len(hosts) > _MOST_NAMED or any(_PATTERN & set(name) for name in hosts)


def listed_hosts(names: Sequence[str]) -> str:
    """Hosts by name, or how many there are beside the first of them."""
    shown = ", ".join(names[:_MOST_LISTED])
    return shown if len(names) <= _MOST_LISTED else f"{shown} and {len(names) - _MOST_LISTED} more"


def _without_limits(command: Sequence[str]) -> list[str]:
    words: list[str] = []
    rest = iter(command)
    for word in rest:
        if word in _LIMITS:
            next(rest, None)
        elif word != "--retry" and word.partition("=")[0] not in _LIMITS:
            words.append(word)
    return words
