"""Why a host could not be worked with: what ssh and shells say, as errors of ours. The one place that knows."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from opsmop.errors import (
    AuthenticationError,
    ConnectError,
    HostLostError,
    RoleTimeoutError,
    TransportError,
)
from opsmop.events.wire import clean
from opsmop.transport.base import Route
from opsmop.transport.becoming import sudo_failure
from opsmop.transport.citing import LONGEST, by_hand, remote_text, said
from opsmop.transport.strange_keys import why_key_changed, why_key_unknown
from opsmop.transport.stub import OLDEST
from opsmop.wire import frames
from opsmop.wire.lean import quoted

_SSH_FAILED = 255  # ssh(1), EXIT STATUS
_NOT_FOUND = (126, 127)  # POSIX, Shell Command Language, 2.8.2

# Patterns, compiled where something has gone wrong, and not at every start.
_CHANGED_KEY = r"(?i)REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed"
_UNKNOWN_KEY = r"(?i)host key is known for|Host key verification failed|authenticity of host"
_DENIED = (
    r"Permission denied \(|Too many authentication failures|No supported authentication methods|Unable to authenticate"
)
_SECURITY_KEY = r"signing failed for \S+-SK"  # ssh(1): a FIDO authenticator
_OPEN_KEY = r'Load key "[^"\r\n]+": bad permissions'  # sshkey_perm_ok of OpenSSH's authfile.c
_CLOSED_THERE = "closed by remote host"
_BAD_OPTION = r"Bad configuration option|command-line[: ]|unknown option|illegal option|Can't open user config"

# What befalls a connection before anyone has logged in, and may not befall the next one.
_PASSING = r"Connection refused|Connection timed out|Operation timed out|No route to host|banner exchange|_exchange_identification"


def may_pass(error: Exception) -> bool:
    """Whether connecting may work when it is tried again: nobody has logged in, and no password was told."""
    return type(error) is ConnectError and re.search(_PASSING, error.message) is not None


def why_no_connection(route: Route, complaint: str, status: int | None) -> TransportError:
    """Why no agent came to life.

    :param complaint: what ssh, or a process of this machine, said on stderr
    :param status: its exit status, None if it was still running
    """
    if status == _SSH_FAILED and not route.local:
        return _ssh_failure(route, complaint)
    if route.become is not None:
        refused = sudo_failure(route, complaint)
        if refused is not None:
            return refused
    if (status in _NOT_FOUND or "command not found" in complaint) and route.python:
        return ConnectError(
            f"{route.host} has no Python at {route.python}{said(complaint)}",
            host=route.host,
            remedy="Set opsmop_python_path for the host, or install Python 3 there.",
        )
    ending = "ended" if status is None else f"ended with status {status}"
    return ConnectError(
        f"{route.host}: Python was to be started at {route.place}, and the login {ending} instead{said(complaint)}",
        host=route.host,
        remedy=f"Try by hand what happens with: {by_hand(route)} {route.python or 'python3'} --version",
    )


def why_too_old(route: Route, version: str) -> ConnectError:
    """The host's Python is older than what we support."""
    oldest = ".".join(map(str, OLDEST))
    return ConnectError(
        f"{route.host} has Python {clean(version)[:20]} at {route.python}, which is too old",
        host=route.host,
        remedy=f"Set opsmop_python_path to a Python {oldest} or newer.",
    )


def why_no_python(route: Route, found: str) -> ConnectError:
    """None of the host's Pythons will do.

    :param found: what was found instead, as the host's shell told it
    """
    oldest = ".".join(map(str, OLDEST))
    instead = clean(found).strip(" ,")[:LONGEST]
    return ConnectError(
        f"{route.host} has no Python {oldest} or newer: {instead or 'none was found at all'}",
        host=route.host,
        remedy="Install one there, or set opsmop_python_path to where one is.",
    )


def why_not_in_time(route: Route, complaint: str) -> ConnectError:
    """The host did not get as far as an agent within its time."""
    return ConnectError(
        f"{route.host} ({route.place}) did not start Python within {route.connect_timeout:g} seconds{said(complaint)}",
        host=route.host,
        remedy=f"Try by hand: {by_hand(route)} true",
    )


def why_password_refused(route: Route, question: str) -> AuthenticationError:
    """The login asks for more than the password that it was given.

    :param question: what it asks
    """
    error = AuthenticationError(
        f"{route.host} ({route.place}) does not let {_user(route)} in with the password that was given; it asks:\n"
        f"    {remote_text(question)}",
        host=route.host,
        remedy="The password was tried once and not again. ssh_as(), opsmop_ssh_password, --ask-ssh-pass or the defaults "
        "give it.",
    )
    error.password_refused = True
    return error


def why_role_too_long(route: Route) -> RoleTimeoutError:
    """The role has used up its time."""
    return RoleTimeoutError(
        f"the role took more than {route.role_timeout:g} seconds on {route.host} and was ended",
        host=route.host,
        remedy="What it was doing was ended with it; the next run looks again. --role-timeout gives it more time.",
    )


def why_role_died(route: Route, how: int, number: int) -> HostLostError:
    """The role's process has ended before the role did.

    :param how: `frames.EXITED`, `frames.KILLED` or `frames.STARVED`, as the agent says
    :param number: the exit status, or the signal
    """
    ending, remedy = f"ended with status {number}", "Did someone end it there?"
    if how != frames.EXITED:
        name = signal.Signals(number).name if number in signal.valid_signals() else str(number)
        ending = f"was killed by {name}"
    if how == frames.STARVED:
        ending = "was killed by the kernel, as memory ran out there,"
        remedy = "dmesg on the host says what took it. The next run looks again."
    return HostLostError(
        f"the role's process on {route.host} {ending} before the role did", host=route.host, remedy=remedy
    )


def why_lost(route: Route, complaint: str, status: int | None) -> HostLostError:
    """A connection that worked has ended before the role did."""
    how = "" if status is None or status == _SSH_FAILED else f" (status {status})"
    remedy = "Whether its last resource was done is unknown; the next run looks again."
    # ssh says why it ends, unless what it has started on the host was killed there, or all of that session was.
    if not complaint.strip() or _CLOSED_THERE in complaint:
        remedy += " If the host is up: did memory run out there (dmesg), or did someone end our process?"
    return HostLostError(
        f"the connection to {route.host} ended before the role did{how}{said(complaint)}",
        host=route.host,
        remedy=remedy,
    )


def _ssh_failure(route: Route, complaint: str) -> ConnectError:
    if re.search(_CHANGED_KEY, complaint):
        return why_key_changed(route, complaint)
    if re.search(_UNKNOWN_KEY, complaint):
        return why_key_unknown(route)
    if re.search(_DENIED, complaint):
        return _denied(route, complaint)
    if re.search(_BAD_OPTION, complaint):
        return ConnectError(
            f"ssh refuses its configuration for {route.host}{said(complaint)}",
            host=route.host,
            remedy="opsmop_ssh_args, or the ssh configuration that they name, is wrong.",
        )
    return ConnectError(
        f"{route.host} ({route.place}) cannot be reached{said(complaint)}",
        host=route.host,
        remedy=f"Try by hand: {by_hand(route)} true",
    )


def _denied(route: Route, complaint: str) -> AuthenticationError:
    remedy = (
        "Is the public key in that user's ~/.ssh/authorized_keys? opsmop_ssh_username and opsmop_ssh_key_file name "
        "who logs in with what. A key with a passphrase must be in the agent: ssh-add."
    )
    if route.ssh_password is not None:
        remedy = "The password was tried once and not again. Does the host allow logins with passwords?"
    elif re.search(_OPEN_KEY, complaint):
        # Of our own words: what stands in the complaint may be a banner of the host.
        key = quoted(route.key_file) if route.key_file else "KEY"
        remedy = f"Others may read that key, so ssh does not use it. If none of them has: chmod 600 {key}"
    elif re.search(_SECURITY_KEY, complaint):
        remedy = f"Is the security key there that holds it, and was it touched? Try by hand: {by_hand(route)} true"
    error = AuthenticationError(
        f"{route.host} ({route.place}) does not let {_user(route)} in with {_offered(route)}{said(complaint)}",
        host=route.host,
        remedy=remedy,
    )
    error.password_refused = route.ssh_password is not None
    return error


def _user(route: Route) -> str:
    return f"user {route.user}" if route.user else "the login user"


def _offered(route: Route) -> str:
    if route.ssh_password is not None:
        return "the password that was given"
    if not route.key_file:
        return "the keys of the agent and of ~/.ssh" + (f" on {route.via.host}" if route.via is not None else "")
    if route.via is not None:
        return f"the key {route.key_file} on {route.via.host}"
    missing = "" if Path(route.key_file).expanduser().exists() else ", which does not exist"
    return f"the key {route.key_file}{missing}"


def stopped(route: Route) -> HostLostError:
    """The run was stopped here."""
    return HostLostError(f"the run was stopped before the role ended on {route.host}", host=route.host)
