"""A terminal: a program runs in it, and what it would show is known at the end, and how much was written to it."""

from __future__ import annotations

import os
import pty
import re
import struct
import termios
from collections.abc import Mapping
from fcntl import ioctl

_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")


class Screen:
    """Lines without end, as far as OpsMop uses a terminal: CR, LF, cursor up, erase line, colours (ECMA-48)."""

    def __init__(self) -> None:
        self._lines = [""]
        self._row = self._column = 0
        self.moves = 0

    def feed(self, text: str) -> None:
        """Take what was written."""
        for match in _CONTROL.finditer(text):
            piece, count, command = match.group(), match.group(1), match.group(2)
            if piece == "\r":
                self._column = 0
            elif piece == "\n":
                self._row += 1
                self._lines += [""] * (self._row + 1 - len(self._lines))
            elif command == "A":
                self.moves += 1
                self._row = max(self._row - int(count or 1), 0)
            elif command == "K":
                self.moves += 1
                self._lines[self._row] = ""
            elif command is None:
                line = self._lines[self._row].ljust(self._column)
                self._lines[self._row] = line[: self._column] + piece + line[self._column + len(piece) :]
                self._column += len(piece)
            else:
                assert command == "m", f"an unknown control sequence: {piece!r}"

    @property
    def text(self) -> str:
        """What stands there, without the empty lines at its end."""
        return "\n".join(line.rstrip() for line in self._lines).rstrip("\n") + "\n"


class Terminal:
    """Runs a program in a terminal.

    :ivar written: all that it wrote so far
    """

    def __init__(self, words: list[str], environment: Mapping[str, str], columns: int = 100, folder: str = "/") -> None:
        number, self._terminal = pty.fork()
        if not number:
            os.chdir(folder)
            os.execve(words[0], words, dict(environment))
        self._number = number
        ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self.written = ""

    def until(self, text: str) -> None:
        """Read until `text` was written."""
        while text not in self.written:
            assert self._read(), self.written

    def until_match(self, pattern: str) -> None:
        """Read until what was written matches `pattern` somewhere."""
        while not re.search(pattern, self.written):
            assert self._read(), self.written

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def end(self) -> int:
        """Read to the end, and give the exit status."""
        while self._read():
            pass
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._number, 0)[1])

    @property
    def screen(self) -> Screen:
        """What it looks like."""
        screen = Screen()
        screen.feed(self.written)
        return screen

    def _read(self) -> bool:
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # how Linux says that the program has closed its side (pty(7))
            return False
        self.written += data.decode("utf-8", "replace")
        return bool(data)
