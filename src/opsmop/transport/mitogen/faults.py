"""Why a tree does not grow: what mitogen, ssh, su, doas and sudo on a terminal say, as errors of ours."""

from __future__ import annotations

import re

from opsmop.errors import ProtocolError, SudoError, TransportError, ViaError
from opsmop.events.wire import clean
from opsmop.language.secrets import masked, spellings
from opsmop.transport.base import Route
from opsmop.transport.diagnosis import (
    remote_text,
    why_no_connection,
    why_no_python,
    why_not_in_time,
    why_password_refused,
)
from opsmop.transport.mitogen.reaching import ASKED_AGAIN, ENDLESS_NOISE, MOST_NOISE
from opsmop.transport.stub import NO_PYTHON

_TIMED_OUT = "timed out"
_PREFIX = re.compile(r"^(?:error occurred on host [^:]*: )?(?:EOF on stream; last 100 lines received:\n)?")
_MARKS = re.compile(r"^MITO00\d$", re.MULTILINE)
_SSH_FAILED, _NOT_FOUND = 255, 127

# What becoming fails with, each with what is to be told and done; {0} is the method, sudo, su or doas.
_BECOMING = (
    (
        re.compile(r"password is required"),
        "needs a password for {0}",
        "Give it: --ask-sudo-pass, sudo_as(), opsmop_sudo_password or the defaults.",
    ),
    (
        # doas that demands a terminal or its own user's password says the same as one that refuses (doas.c, opendoas).
        re.compile(
            r"password is incorrect|[Aa]uthentication (?:failure|failed)|incorrect password|Authorization failed"
        ),
        "refuses the password for {0}",
        "It was tried once, not again. --ask-sudo-pass, sudo_as(), opsmop_sudo_password or the defaults give it.",
    ),
    (
        re.compile(r"unknown user|does not exist|[Nn]o passwd entry|Unknown id"),
        "knows no such user to become",
        "sudo_as() and opsmop_sudo_username name it.",
    ),
    (
        re.compile(r"Operation not permitted|Permission denied|not allowed|is not in the sudoers|may not run sudo"),
        "may not use {0}",
        "Allow it there (doas.conf, sudoers, PAM's configuration of su), or name another login user.",
    ),
    (
        re.compile(r"No such file or directory|not found"),
        "has no {0}",
        "Install it there, or set opsmop_become_method to one that the host has.",
    ),
    (
        re.compile(_TIMED_OUT),
        "did not get through {0} in time",
        "It may wait at a prompt of its own. Try it by hand there.",
    ),
)


def why_no_login(route: Route, text: str) -> TransportError:
    """Why a host was not reached by the terminal, or from another host.

    :param text: what mitogen says, with the last words of ssh and the host
    """
    complaint = _bare(route, text)
    if ASKED_AGAIN in complaint:
        return why_password_refused(route, "password")
    if complaint == ENDLESS_NOISE:
        return ProtocolError(
            f"{route.host} printed {MOST_NOISE} bytes without an answer of Python",
            host=route.host,
            remedy="Do the login's rc files print without end?",
        )
    if _TIMED_OUT in complaint and "\n" not in complaint and "port" not in complaint:
        return why_not_in_time(route, "")
    found = complaint.partition(NO_PYTHON.decode())
    if found[1]:
        return why_no_python(route, found[2].partition("\n")[0])
    lacking = route.python and route.python in complaint
    return why_no_connection(route, complaint, _NOT_FOUND if lacking else _SSH_FAILED)


def why_not_become(route: Route, method: str, text: str) -> SudoError:
    """Why a user was not become on a terminal."""
    complaint = _bare(route, text)
    what, remedy = "refuses {0}", "Try by hand what it says there."
    for pattern, said, advice in _BECOMING:
        if pattern.search(complaint):
            what, remedy = said, advice
            break
    words = remote_text(complaint)
    told = f":\n    {words}" if words else ""
    user = route.user or "the login user"
    return SudoError(
        f"{route.host} {what.format(method)} (from {user} to {route.become}){told}", host=route.host, remedy=remedy
    )


def behind(host: str, on_the_way: TransportError) -> TransportError:
    """What a host on the way makes of those behind it.

    :param host: the host that is behind
    """
    first = on_the_way.host
    return ViaError(
        f"{host} is reached through {first}, which cannot be worked with: {on_the_way.message}",
        host=host,
        remedy=on_the_way.remedy,
    )


def _bare(route: Route, text: str) -> str:
    known = [password.reveal() for password in (route.ssh_password, route.sudo_password) if password is not None]
    hidden = {spelling for password in known for spelling in spellings(password)}
    return _MARKS.sub("", masked(clean(_PREFIX.sub("", text)), hidden)).strip()
