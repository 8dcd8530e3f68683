"""The command that goes once more, to the hosts that failed only."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

_MOST_NAMED = 20  # hosts that a command line may name
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
    words = _without_limits(command)
    if mode == "apply":
        retried = words[:2] == ["opsmop", "retry"]
        return shlex.join(words if retried else [*words, "--retry"])
    if len(hosts) > _MOST_NAMED or any(_PATTERN & set(name) for name in hosts):
        return ""
    return shlex.join([*words, "--limit-hosts", ",".join(hosts)])


def _without_limits(command: Sequence[str]) -> list[str]:
    words: list[str] = []
    rest = iter(command)
    for word in rest:
        if word == "--limit-hosts":
            next(rest, None)
        elif word != "--retry" and not word.startswith("--limit-hosts="):
            words.append(word)
    return words
