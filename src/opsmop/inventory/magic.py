"""The inventory variables that say how a host is reached: one table."""

from __future__ import annotations

import re

from opsmop.wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PREFIX = "opsmop_"

# policy_scan.l of SELinux's checkpolicy: how roles and types are called. None begins as an option of sudo would.
_SELINUX = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Magic:
    """One such variable.

    :param doc: what it says
    :param kind: ``text``, ``port``, ``words``, ``keys`` (as `check_host_keys` takes it), ``connection``, ``become`` or
        ``selinux``
    :param private: whether it stays on the control machine
    """

    doc: str
    kind: str = "text"
    private: bool = False


MAGIC: dict[str, Magic] = {
    "opsmop_host": Magic("the address to connect to; the host's name if not given"),
    "opsmop_connection": Magic("'ssh' or 'local' (a separate process on the control machine)", "connection"),
    "opsmop_via": Magic("the name of the host through which this one is reached"),
    "opsmop_python_path": Magic("the path of Python 3 on the host; /usr/bin/python3, else looked for, if not given"),
    "opsmop_ssh_username": Magic("the login's name"),
    "opsmop_ssh_password": Magic("the login's password", private=True),
    "opsmop_ssh_port": Magic("the port of the host's sshd", "port"),
    "opsmop_ssh_key_file": Magic("the private key's file on the control machine", private=True),
    "opsmop_ssh_args": Magic("options for the ssh command, as a shell would split them", "words"),
    "opsmop_check_host_keys": Magic("true, false or 'accept' (accept unknown keys, refuse changed ones)", "keys"),
    "opsmop_become_method": Magic("how to become another user: 'sudo', 'su' or 'doas'", "become"),
    "opsmop_sudo_username": Magic("whom to become"),
    "opsmop_sudo_password": Magic("the password that becoming takes", private=True),
    "opsmop_sudo_role": Magic("the role of SELinux that sudo is to give", "selinux"),
    "opsmop_sudo_type": Magic("the type of SELinux that sudo is to give; the role's own if not given", "selinux"),
}

BECOME_METHODS = ("sudo", "su", "doas")

HOST_KEY_CHECKS = {
    "true": "yes",
    "yes": "yes",
    "false": "no",
    "no": "no",
    "accept": "accept-new",
    "accept-new": "accept-new",
}


def host_key_check(value: Any) -> str:
    """What ``check_host_keys`` means: ``yes``, ``no`` or ``accept-new``, in the words of ssh_config(5).

    :raises ValueError: if it is none of True, False, ``"accept"`` and their spellings as text
    """
    meaning = HOST_KEY_CHECKS.get(str(value).lower()) if isinstance(value, (bool, str)) else None
    if meaning is None:
        raise ValueError(f"{value!r} is not true, false or 'accept'")
    return meaning


def port_number(value: Any) -> int:
    """A port, written as a number or as its digits.

    :raises ValueError: if it is not within 1 to 65535
    """
    if not isinstance(value, bool) and str(value).isdecimal() and 0 < int(value) < 1 << 16:
        return int(value)
    raise ValueError(f"{value!r} is not a port, a number from 1 to 65535")


def option_words(value: Any) -> tuple[str, ...]:
    """Options for a command, given as a list of words or as one text that a shell would split.

    :raises ValueError: if it is neither, or a quote is not closed
    """
    if isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        return tuple(value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is neither text nor a list of words")  # noqa: TRY004 - one kind of error
    import shlex  # most inventories have no such options

    return tuple(shlex.split(value))


def become_method(value: Any) -> str:
    """How to become another user.

    :raises ValueError: if it is none of ``sudo``, ``su`` and ``doas``
    """
    if value in BECOME_METHODS:
        return str(value)
    raise ValueError(f"{value!r} is none of {', '.join(BECOME_METHODS)}")


def selinux_name(value: Any) -> str:
    """A role or a type of SELinux; empty for none.

    :raises ValueError: if it cannot be the name of one
    """
    if value == "" or (isinstance(value, str) and _SELINUX.fullmatch(value)):
        return str(value)
    raise ValueError(f"{value!r} is no name of SELinux's: a letter, then letters, digits, '_', '-' and '.'")


def _text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"{value!r} is not a text")


def _connection(value: Any) -> str:
    if value in ("ssh", "local"):
        return str(value)
    raise ValueError(f"{value!r} is neither 'ssh' nor 'local'")


_READERS = {
    "text": _text,
    "port": port_number,
    "words": option_words,
    "keys": host_key_check,
    "connection": _connection,
    "become": become_method,
    "selinux": selinux_name,
}


def fault(name: str, value: Any) -> str:
    """What is wrong with the variable `name` having `value`, or an empty text. Other variables are never wrong."""
    if not name.startswith(PREFIX):
        return ""
    magic = MAGIC.get(name)
    if magic is None:
        return f"no variable {name!r} is known, and names that begin with {PREFIX!r} are reserved"
    try:
        _READERS[magic.kind](value)
    except ValueError as error:
        # A password that is not text is still a password.
        return f"the value of {name} is not a text" if magic.private else f"{name}: {error}"
    return ""
