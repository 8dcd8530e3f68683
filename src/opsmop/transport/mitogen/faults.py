"""Why a tree does not grow: what mitogen, ssh, su, doas and sudo on a terminal say, as errors of ours."""

from __future__ import annotations

import re

from opsmop.errors import ProtocolError, SudoError, TransportError, ViaError
from opsmop.events.wire import clean
from opsmop.language.secrets import masked, spellings
from opsmop.transport.base import Route
from opsmop.transport.becoming import TIMED_OUT, why_no_terminal_helped
from opsmop.transport.diagnosis import (
    why_no_connection,
    why_no_python,
    why_not_in_time,
    why_password_refused,
)
from opsmop.transport.mitogen.reaching import ASKED_AGAIN, ENDLESS_NOISE, MOST_NOISE
from opsmop.transport.stub import NO_PYTHON

_PREFIX = re.compile(r"^(?:error occurred on host [^:]*: )?(?:EOF on stream; last 100 lines received:\n)?")
_MARKS = re.compile(r"^MITO00\d$", re.MULTILINE)
_ENDS_OF_LINES = re.compile(r"\r+$", re.MULTILINE)  # as ssh and terminals write them; mitogen takes only the \n off
_SSH_FAILED, _NOT_FOUND = 255, 127


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
    if TIMED_OUT in complaint and "\n" not in complaint and "port" not in complaint:
        return why_not_in_time(route, "")
    found = complaint.partition(NO_PYTHON.decode())
    if found[1]:
        return why_no_python(route, found[2].partition("\n")[0])
    lacking = route.python and route.python in complaint
    return why_no_connection(route, complaint, _NOT_FOUND if lacking else _SSH_FAILED)


def why_not_become(route: Route, method: str, text: str) -> SudoError:
    """Why a user was not become on a terminal.

    :param text: what mitogen says, with the last words of su, doas or sudo
    """
    return why_no_terminal_helped(route, method, _bare(route, text))


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
    words = _ENDS_OF_LINES.sub("", _PREFIX.sub("", text))
    return _MARKS.sub("", masked(clean(words), hidden)).strip()
