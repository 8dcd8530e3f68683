"""The one answer to ssh's question for a password. It goes over a socket; no argument, variable or file ever has it."""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
import tempfile
from pathlib import Path

from opsmop.language.secrets import Secret

_HEARING = 5.0  # seconds for the program that ssh starts to pass its question on
_LONGEST = 4096
# What ssh asks on the way that a password does not answer, and that it can do without: keys' passphrases, notices.
_DECLINED = re.compile(r"passphrase|presence|^Enter PIN", re.IGNORECASE)
_PASSWORD = re.compile(r"password", re.IGNORECASE)

# ssh closes whatever it inherits (ssh.c, closefrom), so the program that it starts comes back to us by a socket's path.
# It names its parent, so that an ssh of a ProxyJump, which inherits the environment, is not given the host's password.
_PROGRAM = """\
import os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    line.connect({path!r})
    line.sendall(b"%d " % os.getppid() + os.fsencode(sys.argv[1])[:2000])
    line.shutdown(socket.SHUT_WR)
    answer = line.makefile("rb").read()
os.write(1, answer)
sys.exit(not answer)
"""

_LONGEST_FOLDER = 70  # bytes of a temporary directory; the whole path of a socket has 104 at least (unix(7), sun_path)
_NEAR = "/tmp"  # noqa: S108 - where mkdtemp makes a folder of one's own under a name that nobody guesses


class Askpass:
    """What stands behind SSH_ASKPASS (ssh(1), ENVIRONMENT) for one ssh.

    A password is told once. Being asked again means that it was wrong; nothing is answered then, so that an account is
    not locked out by it.

    :param password: the password
    """

    def __init__(self, password: Secret) -> None:
        self._password = password
        self._told = False
        self._held: list[socket.socket] = []
        self.again = ""  # the question that came after the password was told, or that it does not answer
        near = len(os.fsencode(tempfile.gettempdir())) < _LONGEST_FOLDER
        self._folder = Path(tempfile.mkdtemp(prefix="opsmop-", dir=None if near else _NEAR))  # mode 0700
        self._line = socket.socket(socket.AF_UNIX)
        self._line.bind(str(self._folder / "line"))
        self._line.listen()
        self._line.setblocking(False)
        self._write_program()

    @property
    def environment(self) -> dict[str, str]:
        """What ssh needs in its environment. An ssh older than 8.4 wants DISPLAY instead of SSH_ASKPASS_REQUIRE."""
        display = os.environ.get("DISPLAY") or "none"
        return {"SSH_ASKPASS": str(self._folder / "ask"), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": display}

    @property
    def channel(self) -> int:
        """Becomes readable when ssh asks."""
        return self._line.fileno()

    def answer(self, asker: int) -> None:
        """Answer the question that waits.

        :param asker: the id of the ssh that may be answered
        """
        try:
            line, _ = self._line.accept()
        except BlockingIOError:
            return
        line.settimeout(_HEARING)
        try:
            parent, _, question = _heard(line).partition(" ")
            self._reply(line, question, mine=parent == str(asker))
        except OSError:
            line.close()  # it has gone

    def close(self) -> None:
        """Take everything away. Callable again."""
        for line in (*self._held, self._line):
            line.close()
        import shutil  # 2 ms, and only for passwords

        shutil.rmtree(self._folder, ignore_errors=True)

    def _reply(self, line: socket.socket, question: str, *, mine: bool) -> None:
        if not mine or _DECLINED.search(question):
            line.close()
        elif self._told or not _PASSWORD.search(question):
            self.again = question.strip() or "something"
            self._held.append(line)  # an end would be an empty answer, which ssh would try
        else:
            self._told = True
            line.sendall(self._password.reveal().encode() + b"\n")
            line.close()

    def _write_program(self) -> None:
        program = self._folder / "ask.py"
        program.write_text(_PROGRAM.format(path=str(self._folder / "line")))
        start = self._folder / "ask"
        start.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -IS {shlex.quote(str(program))} "$1"\n')
        start.chmod(0o700)


def _heard(line: socket.socket) -> str:
    said = b""
    while len(said) < _LONGEST:
        piece = line.recv(_LONGEST)
        if not piece:
            break
        said += piece
    return said.decode("utf-8", "replace")
