"""How a role reaches its hosts: options and the environment, then role methods, the inventory, and the defaults."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from opsmop.drive.asking import ask, ask_if_defined
from opsmop.errors import InventoryError, PolicyError
from opsmop.inventory import Host
from opsmop.inventory.magic import become_method, host_key_check, option_words, port_number, selinux_name
from opsmop.language.role import Role
from opsmop.language.secrets import Secret
from opsmop.settings import Defaults
from opsmop.settings.passwords import Passwords, one_line
from opsmop.transport.base import Route
from opsmop.transport.becoming import why_no_selinux
from opsmop.wire.records import dataclass, replace

LOOPBACK = ("127.0.0.1", "localhost", "::1")


Pair = tuple[str | None, Secret | None]


@dataclass(frozen=True)
class Access:
    """What a role's own methods say about connections; None where they say nothing.

    :param login: the login's name and password
    :param sudo: whether to become another user
    :param become: whom, and the password that takes
    :param method: how to become them: ``sudo``, ``su`` or ``doas``
    :param sudo_role: the role of SELinux that sudo is to give
    :param sudo_type: the type of SELinux that sudo is to give
    :param host_keys: ``yes``, ``no`` or ``accept-new``
    """

    login: Pair | None = None
    sudo: bool = False
    become: Pair | None = None
    method: str | None = None
    sudo_role: str | None = None
    sudo_type: str | None = None
    host_keys: str | None = None

    @classmethod
    def of(cls, role: Role) -> Access:
        """Ask `role`.

        :raises PolicyError: if a method raises, or answers with something that it cannot mean
        """
        sudo = _yes_or_no(role, "sudo")
        become = _pair(role, "sudo_as") if sudo else None
        method = _method(role) if sudo else None
        sudo_role, sudo_type = (_selinux(role, f"sudo_{what}") if sudo else None for what in ("role", "type"))
        return cls(_pair(role, "ssh_as"), sudo, become, method, sudo_role, sudo_type, _host_keys(role))

    def on_the_way(self, magic: Mapping[str, Any]) -> Access:
        """What they say about a host on the way, whose own variables come first: it may not be one of the role's.

        Nobody else is become there.
        """
        named = any(f"opsmop_ssh_{what}" in magic for what in ("username", "password"))
        return Access(
            login=None if named else self.login,
            host_keys=None if "opsmop_check_host_keys" in magic else self.host_keys,
        )


def _yes_or_no(role: Role, method: str) -> bool:
    said = ask(role, method)
    if said is None or isinstance(said, bool):
        return bool(said)
    raise PolicyError(
        f"{role.name}.{method}() returned {type(said).__name__} {said!r:.40}, not True or False",
        remedy=f"Write: def {method}(self): return True",
    )


def _pair(role: Role, method: str) -> Pair | None:
    said = ask(role, method)
    if said is None:
        return None
    if isinstance(said, (tuple, list)) and len(said) == 2:  # noqa: PLR2004
        name, password = said
        if isinstance(name, (str, type(None))) and isinstance(password, (str, Secret, type(None))):
            return name, one_line(password, f"{role.name}.{method}()") if password else None
    # What was said may hold a password.
    raise PolicyError(
        f"{role.name}.{method}() did not return a name and a password",
        remedy="Return a pair; None stands for no password: return ('deploy', None)",
    )


def _method(role: Role) -> str | None:
    said = ask_if_defined(role, "become_method")
    try:
        return None if said is None else become_method(said)
    except ValueError as error:
        raise PolicyError(
            f"{role.name}.become_method() did not say how: {error}", remedy="Return 'sudo', 'su' or 'doas'."
        ) from None


def _selinux(role: Role, method: str) -> str | None:
    said = ask_if_defined(role, method)
    try:
        return None if said is None else selinux_name(said)
    except ValueError as error:
        raise PolicyError(
            f"{role.name}.{method}() did not name one: {error}", remedy="Return its name: return 'sysadm_r'"
        ) from None


def _host_keys(role: Role) -> str | None:
    said = ask(role, "check_host_keys")
    try:
        return None if said is None else host_key_check(said)
    except ValueError as error:
        raise PolicyError(
            f"{role.name}.check_host_keys() did not say whether: {error}",
            remedy="Return True, False, or 'accept', which accepts unknown keys and refuses changed ones.",
        ) from None


def route(host: Host, access: Access, defaults: Defaults, passwords: Passwords | None = None) -> Route:
    """How to reach `host`, through the hosts that its inventory names for it.

    :param passwords: the run's passwords; those of the defaults if not given
    :raises InventoryError: if a host on the way is unknown or this machine, or hosts are reached through each other
    :raises SudoError: if a role or a type of SELinux is wanted of what cannot give one
    :raises UsageError: if a password cannot be read
    """
    passwords = passwords or Passwords(defaults)
    via: Route | None = None
    for step in () if is_local(host.hostname(), host.all_variables()) else host.way():
        via = _route(step, access.on_the_way(step.all_variables()), defaults, passwords, via)
        if via.local:
            raise InventoryError(
                f"{host.name} is to be reached through {step.name}, which is this machine",
                remedy='Take its opsmop_via away, or set opsmop_connection = "ssh" for the host on the way.',
            )
    return _route(host, access, defaults, passwords, via)


def _route(host: Host, access: Access, defaults: Defaults, passwords: Passwords, via: Route | None) -> Route:
    magic = host.all_variables()
    address = host.hostname()
    local = is_local(address, magic)
    # What is a matter of this machine's files counts where ssh starts on this machine.
    chosen = _Chosen(magic, defaults if via is None else _elsewhere(defaults))
    method = chosen("opsmop_become_method", "sudo_method", by_role=access.method)
    sudo_role, sudo_type = _selinux_of(access, chosen)
    if method != "sudo" and (sudo_role or sudo_type):
        raise why_no_selinux(host.name, method)
    return Route(
        host=host.name,
        via=via,
        address=address,
        port=chosen("opsmop_ssh_port", "ssh_port", port_number),
        user=chosen("opsmop_ssh_username", "ssh_username", by_role=(access.login or (None,))[0]),
        key_file=_key_file(chosen, via),
        ssh_args=chosen("opsmop_ssh_args", "ssh_args", option_words),
        ssh_config=chosen.defaults["ssh_config"],
        known_hosts=chosen.defaults["ssh_known_hosts"],
        check_host_keys=chosen(
            "opsmop_check_host_keys", "ssh_check_host_keys", host_key_check, by_role=access.host_keys
        ),
        python=_python(magic, defaults, local=local),
        become=_become(access, chosen),
        become_method=method,
        sudo_role=sudo_role,
        sudo_type=sudo_type,
        ssh_password=None if local else _password(access.login, magic, "ssh", passwords),
        sudo_password=_password(access.become, magic, "sudo", passwords) if access.sudo else None,
        local=local,
        connect_timeout=defaults["ssh_connect_timeout"],
        sudo_timeout=defaults["sudo_timeout"],
        silence_timeout=defaults["ssh_silence_timeout"],
        role_timeout=defaults["push_role_timeout"],
    )


@dataclass(frozen=True)
class _Chosen:
    """The word of options and the environment, else the role's, else the inventory's, else the default's."""

    magic: Mapping[str, Any]
    defaults: Defaults

    def __call__(
        self,
        variable: str,
        default: str,
        read: Callable[[Any], Any] = lambda value: value,
        by_role: str | None = None,
    ) -> Any:
        pressed = self.defaults.pressed(default)
        if pressed is not None or by_role:
            return by_role if pressed is None else pressed
        return read(self.magic[variable]) if variable in self.magic else self.defaults[default]


_OF_THIS_MACHINE = ("ssh_key_file", "ssh_args", "ssh_config", "ssh_known_hosts")


def _elsewhere(defaults: Defaults) -> Defaults:
    values = {name: value for name, value in defaults.values.items() if name not in _OF_THIS_MACHINE}
    return replace(defaults, values=values, pressing=defaults.pressing - set(_OF_THIS_MACHINE))


def _key_file(chosen: _Chosen, via: Route | None) -> str:
    said = str(chosen("opsmop_ssh_key_file", "ssh_key_file"))
    return str(Path(said).expanduser()) if said and via is None else said


def is_local(address: str, magic: Mapping[str, Any]) -> bool:
    """Whether a host is the control machine itself, by its address and what the inventory says of it."""
    if "opsmop_connection" in magic:
        return bool(magic["opsmop_connection"] == "local")
    remote = any(name == "opsmop_via" or name.startswith("opsmop_ssh_") for name in magic)
    return address in LOOPBACK and not remote


def _password(said: Pair | None, magic: Mapping[str, Any], what: str, passwords: Passwords) -> Secret | None:
    """What the role says, even if that is none; else the inventory's; else what the run has."""
    if said is not None:
        return said[1] or passwords.typed(what)  # whoever types one wants it to be used
    variable = f"opsmop_{what}_password"
    return one_line(magic[variable], variable) if variable in magic else passwords(what)


def _become(access: Access, chosen: _Chosen) -> str | None:
    if not access.sudo:
        return None
    return str(chosen("opsmop_sudo_username", "sudo_username", by_role=(access.become or (None,))[0]))


def _selinux_of(access: Access, chosen: _Chosen) -> tuple[str, str]:
    if not access.sudo:
        return "", ""
    role = chosen("opsmop_sudo_role", "sudo_role", by_role=access.sudo_role)
    return role, chosen("opsmop_sudo_type", "sudo_type", by_role=access.sudo_type)


def _python(magic: Mapping[str, Any], defaults: Defaults, *, local: bool) -> str:
    # This machine has a Python for certain: the one that runs.
    said = defaults.pressed("python_path") or magic.get("opsmop_python_path") or defaults["python_path"]
    return str(said or (sys.executable if local else ""))
