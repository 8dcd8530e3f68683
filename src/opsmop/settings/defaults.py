"""What holds unless a policy or an inventory says otherwise: the environment, then the defaults files."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsmop.errors import UsageError
from opsmop.inventory.magic import host_key_check, option_words, port_number
from opsmop.inventory.tree import close

SYSTEM_FILE = Path("/etc/opsmop/defaults.toml")


def user_file() -> Path:
    """The defaults file of the user who runs the policy."""
    return Path.home() / ".opsmop" / "defaults.toml"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is not a text")


def _count(value: Any) -> int:
    if not isinstance(value, bool) and str(value).isdecimal() and int(value) > 0:
        return int(value)
    raise ValueError(f"{value!r} is not a whole number above 0")


@dataclass(frozen=True)
class Default:
    """One value that has a default.

    :param read: makes the value of what a file or the environment says; raises ValueError
    :param built_in: the value if nobody says anything
    :param private: whether it is a password, which the environment must not carry
    :param doc: what it is
    """

    read: Callable[[Any], Any]
    built_in: Any
    doc: str
    private: bool = False


# A default's name is its section and key in the file, joined: [ssh] username is ssh_username, and in the environment
# OPSMOP_SSH_USERNAME.
DEFAULTS: dict[str, Default] = {
    "ssh_username": Default(_text, "", "the login's name; ssh decides if empty"),
    "ssh_password": Default(_text, None, "the login's password", private=True),
    "ssh_password_file": Default(_text, "", "a private file that holds the login's password"),
    "ssh_password_command": Default(option_words, (), "a command that prints the login's password"),
    "ssh_port": Default(port_number, 0, "the port; ssh decides if 0"),
    "ssh_key_file": Default(_text, "", "the private key's file; ssh decides if empty"),
    "ssh_args": Default(option_words, (), "options for the ssh command"),
    "ssh_config": Default(_text, "", "the configuration file of ssh; its own choice if empty"),
    "ssh_known_hosts": Default(_text, "", "the file of known host keys; ssh decides if empty"),
    "ssh_check_host_keys": Default(host_key_check, "yes", "true, false or 'accept'"),
    "ssh_connect_timeout": Default(_count, 20, "seconds until a connection must stand"),
    "ssh_silence_timeout": Default(_count, 30, "seconds without a sign of life after which a host is lost"),
    "sudo_username": Default(_text, "root", "whom to become"),
    "sudo_password": Default(_text, None, "the password that becoming takes", private=True),
    "sudo_password_file": Default(_text, "", "a private file that holds the password that becoming takes"),
    "sudo_password_command": Default(option_words, (), "a command that prints the password that becoming takes"),
    "sudo_timeout": Default(_count, 20, "seconds that sudo may take"),
    "python_path": Default(_text, "", "the path of Python 3 on a host; /usr/bin/python3, else looked for, if empty"),
    "log_path": Default(_text, "~/.opsmop/opsmop.log", "the log on the machine that evaluates a role"),
    "facts_dir": Default(
        _text, "/etc/opsmop/facts.d", "the directory of user facts on the machine that evaluates a role"
    ),
    "facts_timeout": Default(_count, 10, "seconds that an executable user fact may take"),
    "ssh_connects": Default(_count, 16, "how many connections may be opening at a time"),
    "push_role_timeout": Default(_count, 0, "seconds that one role may take on a host; any time if 0"),
    "push_serial": Default(_count, 80, "how many hosts are worked with at a time"),
}


@dataclass(frozen=True)
class Defaults:
    """The defaults as they were found.

    :param values: by name, of those that somebody set
    :param files: the files that were read
    :param warnings: what their author should know
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, DEFAULTS[name].built_in)

    def overridden(self, given: Mapping[str, Any]) -> Defaults:
        """These defaults with what options of the command line say instead, by name; None where they say nothing.

        :raises UsageError: if a value is not what it should be
        """
        said = {name: _read(name, value, name, "command line") for name, value in given.items() if value is not None}
        return Defaults({**self.values, **said}, self.files, self.warnings)

    @classmethod
    def found(cls, environment: Mapping[str, str], *files: Path) -> Defaults:
        """Read `files`, the strongest first, and the environment, which is stronger still.

        :raises UsageError: if a file cannot be read, is not TOML, or a value is not what it should be
        """
        values: dict[str, Any] = {}
        warnings: list[str] = []
        present = [path for path in files if path.is_file()]
        for path in reversed(present):
            said, remarks = _file_values(path)
            values.update(said)
            warnings += remarks
        values.update(_environment_values(environment))
        return cls(values, tuple(str(path) for path in present), tuple(warnings))

    @classmethod
    def usual(cls) -> Defaults:
        """The defaults of this user on this machine.

        :raises UsageError: as `found`
        """
        return cls.found(os.environ, user_file(), SYSTEM_FILE)


def _file_values(path: Path) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    warnings = []
    for section, table in _document(path).items():
        if not isinstance(table, dict):
            raise UsageError(f"{section} is not a section", place=str(path), remedy=f"Write it under [{section}].")
        for key, value in table.items():
            name = f"{section}_{key}"
            if name in DEFAULTS:
                values[name] = _read(name, value, f"[{section}] {key}", str(path))
            else:
                warnings.append(f"{path}: [{section}] {key} means nothing. {close(name, DEFAULTS)}")
    if any(DEFAULTS[name].private for name in values) and path.stat().st_mode & 0o077:
        warnings.append(f"{path} holds a password and others may read it; chmod 600 {path}")
    return values, warnings


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the defaults cannot be read: {error.strerror}", place=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the defaults are not TOML: {error}", place=str(path)) from None


def _environment_values(environment: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for name, default in DEFAULTS.items():
        variable = f"OPSMOP_{name.upper()}"
        if variable not in environment:
            continue
        if default.private:
            raise UsageError(
                f"{variable} is set: the environment is no place for a password",
                remedy=f"Unset it, and put the password into {user_file()} with mode 0600.",
            )
        values[name] = _read(name, environment[variable], variable, "environment")
    return values


def _read(name: str, value: Any, key: str, place: str) -> Any:
    default = DEFAULTS[name]
    try:
        return default.read(value)
    except ValueError as error:
        what = "the value is not a text" if default.private else str(error)
        raise UsageError(f"{key}: {what}", place=place, remedy=f"It is {default.doc}.") from None


class UserDefaults:
    """The defaults, for policies: ``UserDefaults.ssh_username()``. None stands for what nobody set."""

    @staticmethod
    def ssh_username() -> str | None:
        """The login's name."""
        return _set("ssh_username")

    @staticmethod
    def ssh_password() -> str | None:
        """The login's password."""
        return _set("ssh_password")

    @staticmethod
    def ssh_port() -> Any:
        """The port of sshd."""
        return Defaults.usual()["ssh_port"] or None

    @staticmethod
    def ssh_key_file() -> str | None:
        """The private key's file."""
        return _set("ssh_key_file")

    @staticmethod
    def ssh_check_host_keys() -> str:
        """``yes``, ``no`` or ``accept-new``."""
        return str(Defaults.usual()["ssh_check_host_keys"])

    @staticmethod
    def sudo_username() -> str:
        """Whom to become."""
        return str(Defaults.usual()["sudo_username"])

    @staticmethod
    def sudo_password() -> str | None:
        """The password that becoming takes."""
        return _set("sudo_password")

    @staticmethod
    def python_path() -> str:
        """The path of Python 3 on a host."""
        return str(Defaults.usual()["python_path"] or "/usr/bin/python3")


def _set(name: str) -> str | None:
    return str(Defaults.usual()[name] or "") or None
