"""Where a password comes from if neither role nor inventory names it: what was typed, then the defaults."""

from __future__ import annotations

import subprocess
from pathlib import Path

from opsmop.errors import UsageError
from opsmop.language.secrets import Secret
from opsmop.settings.defaults import Defaults

_COMMAND_SECONDS = 120.0  # a command may ask its user for something
_LINE_BREAKS = "\r\n\0"


class Passwords:
    """The passwords of one run. Each source is asked once at most, and only if some host needs it.

    :param defaults: the defaults, whose ``password``, ``password_file`` and ``password_command`` count in this order
    :param asked: what was typed at the start of the run, by ``ssh`` or ``sudo``
    """

    def __init__(self, defaults: Defaults, asked: dict[str, Secret] | None = None) -> None:
        self._defaults = defaults
        self._asked = asked or {}
        self._found: dict[str, Secret | None] = {}

    def typed(self, what: str) -> Secret | None:
        """What was typed for ``ssh`` or ``sudo``, if anything."""
        return self._asked.get(what)

    def __call__(self, what: str) -> Secret | None:
        """The password for ``ssh`` or ``sudo``, if there is one.

        :raises UsageError: if its file cannot be read or is not private, or its command fails
        """
        if what not in self._found:
            self._found[what] = self.typed(what) or self._from_defaults(what)
        return self._found[what]

    def _from_defaults(self, what: str) -> Secret | None:
        defaults = self._defaults
        if defaults[f"{what}_password"]:
            return one_line(defaults[f"{what}_password"], f"[{what}] password")
        if defaults[f"{what}_password_file"]:
            path = Path(defaults[f"{what}_password_file"]).expanduser()
            return one_line(_file(path), f"the file of [{what}] password_file")
        if defaults[f"{what}_password_command"]:
            return one_line(_command(defaults[f"{what}_password_command"], what), f"[{what}] password_command")
        return None


def one_line(text: str | Secret, place: str) -> Secret:
    """`text` as a password.

    :param place: where it comes from, which an error names
    :raises UsageError: if it is not one line of text
    """
    plain = text.reveal() if isinstance(text, Secret) else text
    if not plain or any(character in plain for character in _LINE_BREAKS):
        raise UsageError("the password is empty or more than one line", place=place)
    return Secret(plain)


def _file(path: Path) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise UsageError("others may read this file of a password", place=str(path), remedy=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise UsageError(f"the password cannot be read: {error.strerror}", place=str(path)) from None
    except UnicodeDecodeError:
        raise UsageError("the password is not UTF-8", place=str(path)) from None


def _command(words: tuple[str, ...], what: str) -> str:
    place = f"[{what}] password_command"
    try:
        ended = subprocess.run(  # noqa: S603 - an argument list, which the user's own defaults give
            words, stdout=subprocess.PIPE, timeout=_COMMAND_SECONDS, check=False
        )
    except OSError as error:
        raise UsageError(f"{words[0]} cannot be started: {error.strerror}", place=place) from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{words[0]} did not end within {_COMMAND_SECONDS:g} seconds", place=place) from None
    if ended.returncode:
        raise UsageError(f"{words[0]} ended with status {ended.returncode}", place=place)
    return ended.stdout.decode("utf-8", "replace").rstrip("\r\n")
