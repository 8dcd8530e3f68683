"""Opening a connection: from the start of ssh to the first word of Python, with the passwords that are asked for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from opsmop.errors import ProtocolError, TransportError
from opsmop.events.wire import clean
from opsmop.language.secrets import masked, spellings
from opsmop.transport.base import Route
from opsmop.transport.becoming import why_sudo_hangs, why_sudo_password_refused
from opsmop.transport.citing import remote_text
from opsmop.transport.diagnosis import (
    stopped,
    why_no_connection,
    why_no_python,
    why_not_in_time,
    why_password_refused,
    why_too_old,
)
from opsmop.transport.pipes import Process, Waker
from opsmop.transport.stub import LOGGED_IN, NO_PYTHON, READY, TOO_OLD

MOST_NOISE = 64 << 10  # bytes that a login may print before the agent answers
LAST_WORDS = 2.0  # seconds for which the reason of an end is waited for
_PATIENCE_OF_SSH = 2.0  # seconds that ssh's own time limit, which says more, has to be first


class Opening:
    """The beginning of one connection.

    :param route: where it goes
    :param pipes: the ssh that goes there
    :param prompt: how sudo asks for its password; told once, for a second question means that it was wrong
    """

    def __init__(self, route: Route, pipes: Process, prompt: str) -> None:
        self._route, self._pipes, self._prompt = route, pipes, prompt
        self._deadline = time.monotonic() + route.connect_timeout + _PATIENCE_OF_SSH
        self._logged_in = self._told = False

    def await_ready(self, wakers: Sequence[Waker]) -> bytes:
        """Wait until the host has started Python.

        :returns: what Python said after its first word
        :raises ConnectError: if it does not, and why; `SudoError` if sudo is why; `ProtocolError` for endless noise
        :raises HostLostError: if a waker called
        """
        noise = b""
        while READY not in noise:
            noise += self._pipes.read(self._deadline, wakers)
            if READY not in noise:
                self._check(noise, wakers)
        return noise.partition(READY)[2]

    def _check(self, noise: bytes, wakers: Sequence[Waker]) -> None:
        route = self._route
        if any(waker.called for waker in wakers):
            raise stopped(route)
        self._note_login(noise)
        self._answer_sudo()
        self._check_words(noise)
        if self._pipes.askpass is not None and self._pipes.askpass.again:
            raise why_password_refused(route, self._pipes.askpass.again)
        if self._pipes.ended:
            self._pipes.last_words(LAST_WORDS)
            raise why_no_connection(route, self._complaint, self._pipes.status)
        if time.monotonic() >= self._deadline:
            raise self._too_late()

    def _note_login(self, noise: bytes) -> None:
        if self._route.become is not None and not self._logged_in and LOGGED_IN in noise:
            self._logged_in = True
            self._deadline = time.monotonic() + self._route.sudo_timeout

    def _answer_sudo(self) -> None:
        asked = self._pipes.complaint.count(self._prompt) if self._prompt else 0
        password = self._route.sudo_password
        if asked > 1:
            raise why_sudo_password_refused(self._route, self._complaint)
        if asked and not self._told and password is not None:
            self._told = True
            self._pipes.send(password.reveal().encode() + b"\n")

    def _check_words(self, noise: bytes) -> None:
        for mark, why in ((TOO_OLD, why_too_old), (NO_PYTHON, why_no_python)):
            told, ended, _ = noise.partition(mark)[2].partition(b"\n")
            if ended:
                raise why(self._route, told.decode("utf-8", "replace"))
        if len(noise) > MOST_NOISE:
            raise ProtocolError(
                f"{self._route.host} printed {len(noise)} bytes without an answer of Python:\n    {_beginning(noise)}",
                host=self._route.host,
                remedy="Do the login's rc files print without end?",
            )

    def _too_late(self) -> TransportError:
        why = why_sudo_hangs if self._logged_in else why_not_in_time
        return why(self._route, self._complaint)

    @property
    def _complaint(self) -> str:
        return shown(self._route, self._pipes.complaint, self._prompt)


def shown(route: Route, complaint: str, prompt: str) -> str:
    """A complaint as it may be seen: without passwords, should anything have echoed one, and without our own prompt."""
    known = [password.reveal() for password in (route.ssh_password, route.sudo_password) if password is not None]
    hidden = {spelling for password in known for spelling in spellings(password)}
    return masked(complaint.replace(prompt, "\n") if prompt else complaint, hidden)


def _beginning(noise: bytes) -> str:
    return remote_text(clean(noise[:200].decode("utf-8", "replace")))
