"""The values that hold unless a policy or an inventory says otherwise: one table, and what somebody set of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from opsmop.errors import UsageError
from opsmop.inventory.magic import become_method, host_key_check, option_words, port_number, selinux_name
from opsmop.wire.records import dataclass, field

BUILT_IN = "built in"
OUTPUTS = ("console", "ndjson", "json", "junit", "github")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is not a text")


def _count(value: Any) -> int:
    if not isinstance(value, bool) and str(value).isdecimal() and int(value) > 0:
        return int(value)
    raise ValueError(f"{value!r} is not a whole number above 0")


def _whole(value: Any) -> int:
    return 0 if value in (0, "0") and not isinstance(value, bool) else _count(value)


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value in words:
            return str(value)
        raise ValueError(f"{value!r} is none of {', '.join(words)}")

    return read


def _yes_or_no(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false", "1", "0"):
        return str(value).lower() in ("true", "1")
    raise ValueError(f"{value!r} is neither true nor false")


@dataclass(frozen=True)
class Default:
    """One value that has a default.

    :param read: makes the value of what a file or the environment says; raises ValueError
    :param built_in: the value if nobody says anything
    :param doc: what it is
    :param private: whether it is a password, which the environment must not carry
    :param is_path: whether it is a path of this machine: relative to the file that says it
    """

    read: Callable[[Any], Any]
    built_in: Any
    doc: str
    private: bool = False
    is_path: bool = False


# A default's name is its section and key in the file, joined: [ssh] username is ssh_username, and in the environment
# OPSMOP_SSH_USERNAME.
DEFAULTS: dict[str, Default] = {
    "ssh_username": Default(_text, "", "the login's name; ssh decides if empty"),
    "ssh_password": Default(_text, None, "the login's password", private=True),
    "ssh_password_file": Default(_text, "", "a private file that holds the login's password", is_path=True),
    "ssh_password_command": Default(option_words, (), "a command that prints the login's password"),
    "ssh_port": Default(port_number, 0, "the port; ssh decides if 0"),
    "ssh_key_file": Default(_text, "", "the private key's file; ssh decides if empty", is_path=True),
    "ssh_args": Default(option_words, (), "options for the ssh command"),
    "ssh_config": Default(_text, "", "the configuration file of ssh; its own choice if empty", is_path=True),
    "ssh_known_hosts": Default(_text, "", "the file of known host keys; ssh decides if empty", is_path=True),
    "ssh_check_host_keys": Default(host_key_check, "yes", "true, false or 'accept'"),
    "ssh_connect_timeout": Default(_count, 20, "seconds until a connection must stand"),
    "ssh_silence_timeout": Default(_count, 30, "seconds without a sign of life after which a host is lost"),
    "sudo_username": Default(_text, "root", "whom to become"),
    "sudo_password": Default(_text, None, "the password that becoming takes", private=True),
    "sudo_password_file": Default(
        _text, "", "a private file that holds the password that becoming takes", is_path=True
    ),
    "sudo_password_command": Default(option_words, (), "a command that prints the password that becoming takes"),
    "sudo_method": Default(become_method, "sudo", "how to become another user: sudo, su or doas"),
    "sudo_role": Default(selinux_name, "", "the role of SELinux that sudo is to give; its own choice if empty"),
    "sudo_type": Default(selinux_name, "", "the type of SELinux that sudo is to give; the role's own if empty"),
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
    "push_workers": Default(_count, 1, "how many processes of the control machine speak with hosts"),
    "inventory_file": Default(_text, "", "the inventory of the commands that take -i", is_path=True),
    "records_keep": Default(_whole, 100, "how many runs are kept on record; none if 0"),
    "report_output": Default(_one_of(*OUTPUTS), "console", f"what goes to stdout: {', '.join(OUTPUTS)}"),
    "report_color": Default(_one_of("auto", "always", "never"), "auto", "when to colour: auto, always or never"),
    "report_diff": Default(_yes_or_no, False, "whether to show how the content of files differs: true or false"),
}


@dataclass(frozen=True)
class Defaults:
    """The defaults as they were found.

    :param values: by name, of those that somebody set
    :param origins: where each of `values` was said: an option, a variable of the environment, or a file
    :param pressing: the names of those that an option or the environment said: they win over policy and inventory
    :param files: the files that were read
    :param warnings: what their author should know
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    pressing: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, DEFAULTS[name].built_in)

    def pressed(self, name: str) -> Any:
        """The value that an option or the environment says, which wins over policy and inventory; None if neither."""
        return self.values[name] if name in self.pressing else None

    def origin(self, name: str) -> str:
        """Where a value was said."""
        return self.origins.get(name, BUILT_IN)

    def overridden(self, given: Mapping[str, tuple[str, Any]]) -> Defaults:
        """These defaults with what options of the command line say instead.

        :param given: by a default's name, the option and its value; None where it was not given
        :raises UsageError: if a value is not what it should be
        """
        said = {name: (option, value) for name, (option, value) in given.items() if value is not None}
        values = {name: read(name, value, option, "command line") for name, (option, value) in said.items()}
        return self._joined(values, {name: option for name, (option, _) in said.items()}, pressing=True)

    def with_file(self, path: Path, values: Mapping[str, Any], warnings: tuple[str, ...]) -> Defaults:
        """These defaults with what a stronger file says instead."""
        joined = self._joined(values, dict.fromkeys(values, str(path)), pressing=False)
        return Defaults(
            joined.values, joined.origins, joined.pressing, (str(path), *self.files), self.warnings + warnings
        )

    def with_environment(self, values: Mapping[str, Any], warnings: tuple[str, ...]) -> Defaults:
        """These defaults with what the environment says instead."""
        joined = self._joined(values, {name: variable_of(name) for name in values}, pressing=True)
        return Defaults(joined.values, joined.origins, joined.pressing, self.files, self.warnings + warnings)

    def _joined(self, values: Mapping[str, Any], origins: Mapping[str, str], *, pressing: bool) -> Defaults:
        pressed = self.pressing | frozenset(values) if pressing else self.pressing
        return Defaults({**self.values, **values}, {**self.origins, **origins}, pressed, self.files, self.warnings)


def variable_of(name: str) -> str:
    """The variable of the environment that sets a default."""
    return f"OPSMOP_{name.upper()}"


def read(name: str, value: Any, key: str, place: str) -> Any:
    """The value of a default, from what was written.

    :param key: what it was written under
    :param place: where it was written
    :raises UsageError: if it is not what it should be
    """
    default = DEFAULTS[name]
    try:
        return default.read(value)
    except ValueError as error:
        what = "the value is not a text" if default.private else str(error)
        raise UsageError(f"{key}: {what}", place=place, remedy=f"It is {default.doc}.") from None
