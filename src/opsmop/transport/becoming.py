"""Why another user could not be become: what sudo, su and doas say, as errors of ours."""

from __future__ import annotations

import re

from opsmop.errors import SudoError
from opsmop.transport.base import Route
from opsmop.transport.citing import by_hand, said


class TerminalNeededError(SudoError):
    """sudo demands a terminal, before it asks for anything."""


TIMED_OUT = "timed out"
_TTY = "demands a terminal for sudo"
_TRIED_ONCE = "It was tried once, not again. --ask-sudo-pass, sudo_as(), opsmop_sudo_password or the defaults give it."

_REFUSED_THERE = "has a policy of SELinux that refuses that role or type"
_NAMED_BY = (
    "sudo_role() and sudo_type(), opsmop_sudo_role and opsmop_sudo_type, [sudo] of the settings, or sudoers name them. "
    "What the host's users may have is told there by: semanage user -l"
)

# Patterns are compiled where something has gone wrong, and not at every start.
# What sudo says of a role and a type of SELinux (sudo 1.8 to 1.9, src/selinux.c), which sudoers may name as well.
_SELINUX = (
    (
        r"you must specify a role for type",
        "wants a role of SELinux with the type",
        "sudo_role(), opsmop_sudo_role, [sudo] role of the settings, or ROLE= of the host's sudoers name it.",
    ),
    (
        (
            r"unable to get default type for role|failed to set new (?:role|type)|failed to get new context"
            r"|is not a valid context|unable to set exec context to"
        ),
        _REFUSED_THERE,
        _NAMED_BY,
    ),
)
# What else it says where it was given one: a sudo that has no such options tells its usage (sudo-rs, too).
_GIVEN_SELINUX = (
    (
        r"(?m)^usage: sudo ",
        "has a sudo that knows nothing of SELinux",
        "Take opsmop_sudo_role and opsmop_sudo_type away for it, or install a sudo there that was built with SELinux.",
    ),
    (r"sudo: unable to execute [^\n]*: Permission denied", _REFUSED_THERE, _NAMED_BY),
)

# What sudo says (sudo 1.8 to 1.9, plugins/sudoers), each with what is to be told and done.
_SUDO = (
    (
        r"sudo: .*a password is required|sudo: a terminal is required to read the password",
        "needs a password for sudo",
        "Give it (--ask-sudo-pass, sudo_as(), opsmop_sudo_password), or allow sudo without one (NOPASSWD in sudoers).",
    ),
    (
        r"is not in the sudoers file|is not allowed to (?:execute|run)|may not run sudo",
        "may not use sudo",
        "Allow it in the host's sudoers, or name another login user.",
    ),
    (r"unknown user:? \S+", "knows no such user to become", "sudo_as() and opsmop_sudo_username name it."),
    (
        r"you must have a tty to run sudo",
        _TTY,
        "Take requiretty out of the host's sudoers, at least for the login user.",
    ),
    (
        r"(?:env|sh|bash|zsh|fish|csh|dash).*\bsudo\b.*(?:[Nn]o such file|not found)",
        "has no sudo",
        "Install it there, or log in as the user that the role needs.",
    ),
    (
        r"incorrect password attempt|incorrect authentication attempt",
        "refuses the password for sudo",
        _TRIED_ONCE,
    ),
    (r"(?m)^sudo: (?!.*command not found)", "refuses sudo", "Try by hand what sudo says there."),
)

# What becoming fails with, each with what is to be told and done; {0} is the method, sudo, su or doas.
_ON_A_TERMINAL = (
    (
        r"password is required",
        "needs a password for {0}",
        "Give it: --ask-sudo-pass, sudo_as(), opsmop_sudo_password or the defaults.",
    ),
    (
        # doas that demands a terminal or its own user's password says the same as one that refuses (doas.c, opendoas).
        r"password is incorrect|[Aa]uthentication (?:failure|failed)|incorrect password|Authorization failed",
        "refuses the password for {0}",
        _TRIED_ONCE,
    ),
    (
        r"unknown user|does not exist|[Nn]o passwd entry|Unknown id",
        "knows no such user to become",
        "sudo_as() and opsmop_sudo_username name it.",
    ),
    (
        r"Operation not permitted|Permission denied|not allowed|is not in the sudoers|may not run sudo",
        "may not use {0}",
        "Allow it there (doas.conf, sudoers, PAM's configuration of su), or name another login user.",
    ),
    (
        r"No such file or directory|not found",
        "has no {0}",
        "Install it there, or set opsmop_become_method to one that the host has.",
    ),
    (
        TIMED_OUT,
        "did not get through {0} in time",
        "It may wait at a prompt of its own. Try it by hand there.",
    ),
)


def sudo_failure(route: Route, complaint: str) -> SudoError | None:
    """What sudo has against it; None if it is not sudo that complains."""
    for pattern, what, remedy in (*_of_selinux(route), *_SUDO):
        if re.search(pattern, complaint):
            refused = _refused(route, what, remedy, complaint)
            return TerminalNeededError(refused.message, host=route.host, remedy=remedy) if _TTY in what else refused
    return None


def why_sudo_password_refused(route: Route, complaint: str) -> SudoError:
    """The password for sudo was wrong: sudo asked for it again."""
    return _refused(route, "refuses the password for sudo", _TRIED_ONCE, complaint)


def why_sudo_hangs(route: Route, complaint: str) -> SudoError:
    """The login works, and sudo neither starts Python nor ends."""
    what = f"did not get through sudo within {route.sudo_timeout:g} seconds"
    command = " ".join([by_hand(route), "sudo", *route.selinux, "-u", str(route.become), "true"])
    return _refused(route, what, f"It may wait at a prompt of its own. Try by hand: {command}", complaint)


def why_not_here(route: Route) -> SudoError:
    """A process of this machine becomes others by sudo alone."""
    return SudoError(
        f"{route.host} is this machine, where {route.become} can be become by sudo only, not by {route.become_method}",
        host=route.host,
        remedy='Set opsmop_connection = "ssh" for it, or opsmop_become_method = "sudo".',
    )


def why_no_terminal_helped(route: Route, method: str, complaint: str) -> SudoError:
    """Why a user was not become on a terminal.

    :param method: ``sudo``, ``su`` or ``doas``
    """
    for pattern, what, remedy in (*_of_selinux(route), *_ON_A_TERMINAL):
        if re.search(pattern, complaint):
            return _refused(route, what.format(method), remedy, complaint)
    return _refused(route, f"refuses {method}", "Try by hand what it says there.", complaint)


def why_no_selinux(host: str, method: str) -> SudoError:
    """Only sudo gives a role and a type.

    :param method: ``su`` or ``doas``
    """
    return SudoError(
        f"{host}: {method} cannot give the role and type of SELinux that are wanted, only sudo can",
        host=host,
        remedy='Set opsmop_become_method = "sudo" for it, or take opsmop_sudo_role and opsmop_sudo_type away.',
    )


def _of_selinux(route: Route) -> tuple[tuple[str, str, str], ...]:
    return (*_SELINUX, *_GIVEN_SELINUX) if route.selinux else _SELINUX


def _refused(route: Route, what: str, remedy: str, complaint: str) -> SudoError:
    user = route.user or "the login user"
    error = SudoError(
        f"{route.host} {what} (from {user} to {route.become}){said(complaint)}", host=route.host, remedy=remedy
    )
    error.password_refused = remedy == _TRIED_ONCE
    return error
