"""What hosts and programs said, as it may stand in an error of ours; and how people try the same by hand."""

from __future__ import annotations

import re

from opsmop.events.wire import clean
from opsmop.transport.base import Route
from opsmop.wire.lean import command_text

_MOST_LINES = 4
LONGEST = 600  # characters
# What ssh and sudo say besides; that of sudo follows the reason, and comes from it (plugins/sudoers/audit.c).
_NOISE = r"^(@+$|Warning: Permanently added|\*\* |sudo: error initializing audit plugin )"


def remote_text(text: str) -> str:
    """The end of what a host, or ssh, said: a few lines, fit for a terminal."""
    lines = [line.strip() for line in clean(text).splitlines()]
    kept = [line for line in lines if line and not re.match(_NOISE, line)]
    return "\n    ".join(kept[-_MOST_LINES:])[-LONGEST:]


def said(complaint: str) -> str:
    """The end of a complaint, to stand behind a sentence; nothing if there is none."""
    text = remote_text(complaint)
    return f":\n    {text}" if text else ""


def by_hand(route: Route) -> str:
    """The command that logs in to a host by hand, by way of those before it."""
    words = ["ssh", *(["-F", route.ssh_config] if route.ssh_config else []), *route.ssh_args]
    words += ["-p", str(route.port)] if route.port else []
    words += ["-i", route.key_file] if route.key_file else []
    words += ["-l", route.user] if route.user else []
    before = [by_hand(route.via)] if route.via is not None else []
    return " ".join([*before, command_text([*words, route.target])]) if not route.local else "env"
