"""The sshd that meets a connection first: that of a jump host, be it named by us or by the user's own configuration."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from opsmop.transport.base import Route
from opsmop.transport.configured import NONE, configured

# ssh(1), -J, and the options of ssh_config(5) that mean other sshds. A ProxyCommand is told from others by its text.
# Compiled where a text has their words at all, which few have.
_JUMP = r"(?i)(?:^|\s)(?:-J\s*|-o\s*ProxyJump[=\s]\s*)([^,\s]+)"
_COMMAND = r"(?is)ProxyCommand[=\s]\s*(.+)"
_NAMES_ONE = r"(?i)\s*(?:ProxyJump|ProxyCommand)[\s=]+(.+)"
_INCLUDES = r"(?i)\s*Include[\s=]+(.+)"
# Of systemd (ssh_config.d/20-systemd-ssh-proxy.conf): ways to containers and machines of this host.
_NO_SSHD = "systemd-ssh-proxy"
_OF_THE_SYSTEM = Path("/etc/ssh/ssh_config")
_DEEPEST = 16  # readconf.c of OpenSSH, READCONF_MAX_DEPTH


class Hops:
    """Knows which sshd each connection meets first, and asks ssh only where its configuration names jump hosts.

    Called from many threads, of which none waits for another: ssh may have to ask a name server.
    """

    def __init__(self) -> None:
        self._met: dict[Route, str] = {}
        self._names_jumps: dict[str | None, bool] = {}

    def first(self, route: Route) -> str:
        """The sshd that meets a connection first, by a text that is the same for all that it meets."""
        met = self._met.get(route)
        if met is None:
            met = self._met[route] = self._found(route)
        return met

    def _found(self, route: Route) -> str:
        by_us = _named(route.ssh_args)
        if route.via is not None:
            return f"{self._found(route.via)} > {by_us or route.target} {route.port}"
        if by_us:
            return by_us
        file = _configuration(route)
        if file not in self._names_jumps:
            self._names_jumps[file] = any(_names_a_jump(path) for path in _files(file))
        return (self._names_jumps[file] and _by_ssh(route)) or f"{route.target} {route.port}"


def _named(words: tuple[str, ...]) -> str:
    """The jump host, or the command instead of one, that options of ssh name; empty for "none", which unsays others."""
    text = " ".join(words)
    if "-j" not in text.lower() and "proxy" not in text.lower():
        return ""
    jump = re.search(_JUMP, text)
    command = next(filter(None, (re.search(_COMMAND, word) for word in words)), None)
    named = jump.group(1) if jump else command.group(1) if command else ""
    return "" if named.strip().lower() == NONE else named


def _configuration(route: Route) -> str | None:
    """The file that ssh reads instead of the user's and the system's own: the last one that is named."""
    file = route.ssh_config or None
    for word, following in pairwise((*route.ssh_args, "")):
        if word.startswith("-F"):
            file = word[2:] or following
    return file


def _files(file: str | None) -> Iterator[Path]:
    home = _home() / ".ssh"
    if file is not None:
        yield from _with_included(Path(file), home)
        return
    yield from _with_included(home / "config", home)
    yield from _with_included(_OF_THE_SYSTEM, _OF_THE_SYSTEM.parent)


def _home() -> Path:
    """Where ssh looks for the user's own files, whatever the environment says."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # ssh will say so
        return Path("/nonexistent")


def _with_included(path: Path, folder: Path, depth: int = 0) -> Iterator[Path]:
    """A file of configuration and what it includes, which is relative to `folder`."""
    yield path
    for line in _lines(path, "include") if depth < _DEEPEST else ():
        import glob  # few include anything

        found = re.match(_INCLUDES, line)
        for pattern in _split(found.group(1)) if found else ():
            # It may be absolute; and a user who is not there is no error here.
            for name in glob.glob(str(folder / os.path.expanduser(pattern))):  # noqa: PTH111, PTH207
                yield from _with_included(Path(name), folder, depth + 1)


def _names_a_jump(path: Path) -> bool:
    named = filter(None, (re.match(_NAMES_ONE, line) for line in _lines(path, "proxy")))
    return any(_NO_SSHD not in found.group(1) for found in named)


def _lines(path: Path, word: str) -> list[str]:
    """The lines of a file that have `word`, in lower case or in upper."""
    try:
        return [line for line in path.read_text(errors="replace").splitlines() if word in line.lower()]
    except OSError:
        return []


def _split(text: str) -> list[str]:
    import shlex  # as glob

    try:
        return shlex.split(text)
    except ValueError:
        return []


def _by_ssh(route: Route) -> str:
    """What ssh itself would do; empty if it does not say."""
    meant = configured(route)
    return meant.jump or meant.command or f"{meant.address} {meant.port}".strip()
