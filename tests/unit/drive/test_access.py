"""How a role reaches its hosts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from opsmop.drive.access import Access, route
from opsmop.errors import InventoryError, PolicyError, SudoError, UsageError
from opsmop.language.role import Role
from opsmop.language.secrets import Secret
from opsmop.settings import Defaults
from opsmop.settings.defaults import read as read_default
from opsmop.settings.passwords import Passwords
from opsmop.transport.base import Route


def found(fleet: Any, variables: dict[str, Any], defaults: dict[str, Any], **methods: Any) -> Route:
    answers = {name: (lambda self, value=value: value) for name, value in methods.items()}
    role = type("Web", (Role,), answers)()
    return route(fleet("web1", **variables).hosts()[0], Access.of(role), Defaults(defaults))


@pytest.mark.parametrize(
    ("field", "methods", "magic", "defaults", "built_in"),
    [
        ("user", {"ssh_as": ("m", None)}, {"opsmop_ssh_username": "v"}, {"ssh_username": "d"}, ""),
        (
            "become",
            {"sudo": True, "sudo_as": ("m", None)},
            {"opsmop_sudo_username": "v"},
            {"sudo_username": "d"},
            "root",
        ),
        (
            "become_method",
            {"sudo": True, "become_method": "su"},
            {"opsmop_become_method": "doas"},
            {"sudo_method": "su"},
            "sudo",
        ),
        (
            "sudo_role",
            {"sudo": True, "sudo_role": "m"},
            {"opsmop_sudo_role": "v"},
            {"sudo_role": "d"},
            "",
        ),
        (
            "sudo_type",
            {"sudo": True, "sudo_type": "m"},
            {"opsmop_sudo_type": "v"},
            {"sudo_type": "d"},
            "",
        ),
        ("check_host_keys", {"check_host_keys": False}, {"opsmop_check_host_keys": "accept"}, {}, "yes"),
        ("port", {}, {"opsmop_ssh_port": "22"}, {"ssh_port": 2222}, 0),
        ("key_file", {}, {"opsmop_ssh_key_file": "/v"}, {"ssh_key_file": "/d"}, ""),
        ("ssh_args", {}, {"opsmop_ssh_args": "-o 'A=b c'"}, {"ssh_args": ("-4",)}, ()),
        ("python", {}, {"opsmop_python_path": "/p"}, {"python_path": "/d"}, ""),
        ("address", {}, {"opsmop_host": "10.0.0.1"}, {}, "web1"),
    ],
)
def test_a_role_method_beats_the_inventory_beats_the_defaults_beats_what_is_built_in(
    fleet: Any, field: str, methods: Any, magic: Any, defaults: Any, built_in: Any
) -> None:
    expected = {"v": "v", "accept": "accept-new", "22": 22, "-o 'A=b c'": ("-o", "A=b c")}
    said = next(iter(magic.values()))
    sudo = {"sudo": True} if field.startswith(("become", "sudo")) else {}
    if methods:
        assert getattr(found(fleet, magic, defaults, **methods), field) in ("m", "no", "su")
    assert getattr(found(fleet, magic, defaults, **sudo), field) == expected.get(said, said)
    if defaults:
        assert getattr(found(fleet, {}, defaults, **sudo), field) == next(iter(defaults.values()))
    assert getattr(found(fleet, {}, {}, **sudo), field) == built_in


@pytest.mark.parametrize(
    ("field", "name", "value"),
    [
        ("user", "ssh_username", "e"),
        ("become", "sudo_username", "e"),
        ("sudo_role", "sudo_role", "e"),
        ("sudo_type", "sudo_type", "e"),
        ("check_host_keys", "ssh_check_host_keys", "yes"),
        ("key_file", "ssh_key_file", "/e"),
        ("ssh_args", "ssh_args", ("-6",)),
        ("port", "ssh_port", 99),
        ("python", "python_path", "/e"),
    ],
)
def test_an_option_or_the_environment_beats_the_role_and_the_inventory(
    fleet: Any, field: str, name: str, value: Any
) -> None:
    magic = {
        "opsmop_ssh_username": "v",
        "opsmop_sudo_username": "v",
        "opsmop_sudo_role": "v",
        "opsmop_sudo_type": "v",
        "opsmop_check_host_keys": "accept",
        "opsmop_ssh_key_file": "/v",
        "opsmop_ssh_args": "-4",
        "opsmop_ssh_port": 22,
        "opsmop_python_path": "/p",
    }
    role = type(
        "Web",
        (Role,),
        {
            "sudo": lambda _: True,
            "sudo_as": lambda _: ("m", None),
            "sudo_role": lambda _: "m",
            "sudo_type": lambda _: "m",
            "ssh_as": lambda _: ("m", None),
            "check_host_keys": lambda _: False,
        },
    )()
    defaults = Defaults().overridden({name: ("--option", value)})
    assert getattr(route(fleet("web1", **magic).hosts()[0], Access.of(role), defaults), field) == value


def test_an_option_or_the_environment_says_how_to_become_others(fleet: Any) -> None:
    role = type("Web", (Role,), {"sudo": lambda _: True, "become_method": lambda _: "su"})()
    defaults = Defaults().overridden({"sudo_method": ("OPSMOP_SUDO_METHOD", "doas")})
    host = fleet("web1", opsmop_become_method="sudo").hosts()[0]
    assert route(host, Access.of(role), defaults).become_method == "doas"


def test_a_method_that_names_no_user_leaves_that_to_the_inventory(fleet: Any) -> None:
    assert found(fleet, {"opsmop_ssh_username": "v"}, {}, ssh_as=(None, None)).user == "v"


def test_nobody_is_become_unless_the_role_says_sudo(fleet: Any) -> None:
    assert found(fleet, {"opsmop_sudo_username": "v"}, {}, sudo_as=("m", None)).become is None
    assert found(fleet, {"opsmop_sudo_role": "v", "opsmop_become_method": "su"}, {}, sudo_type="m").selinux == ()


@pytest.mark.parametrize("method", ["su", "doas"])
@pytest.mark.parametrize("said", [{"opsmop_sudo_role": "sysadm_r"}, {"opsmop_sudo_type": "sysadm_t"}])
def test_a_role_or_a_type_of_selinux_is_refused_of_what_cannot_give_one(fleet: Any, method: str, said: Any) -> None:
    with pytest.raises(SudoError, match=f"web1: {method} cannot give the role and type of SELinux") as caught:
        found(fleet, {**said, "opsmop_become_method": method}, {}, sudo=True)
    assert caught.value.host == "web1"
    none = dict.fromkeys(said, "")
    assert found(fleet, {**none, "opsmop_become_method": method}, {}, sudo=True).become_method == method


@pytest.mark.parametrize("what", ["role", "type"])
@pytest.mark.parametrize("name", ["-s", "a b", "x;id", "1st", "a\nb", "rôle", 7, True])
def test_what_cannot_be_a_role_or_a_type_is_refused_wherever_it_is_said(fleet: Any, what: str, name: Any) -> None:
    with pytest.raises(InventoryError, match=f"opsmop_sudo_{what}: .* is no name of SELinux's"):
        found(fleet, {f"opsmop_sudo_{what}": name}, {}, sudo=True)
    with pytest.raises(PolicyError, match=rf"Web.sudo_{what}\(\) did not name one: .* is no name of SELinux's"):
        found(fleet, {}, {}, sudo=True, **{f"sudo_{what}": name})
    with pytest.raises(UsageError, match=f"{what}: .* is no name of SELinux's"):
        read_default(f"sudo_{what}", name, what, "opsmop.toml")


def test_key_files_are_found_below_the_users_home(fleet: Any) -> None:
    assert found(fleet, {"opsmop_ssh_key_file": "~/key"}, {}).key_file == str(Path("~/key").expanduser())


@pytest.mark.parametrize(
    ("variables", "local"),
    [
        ({"opsmop_host": "127.0.0.1"}, True),
        ({"opsmop_host": "localhost"}, True),
        ({"opsmop_host": "::1"}, True),
        ({"opsmop_host": "127.0.0.2"}, False),
        ({"opsmop_host": "127.0.0.1", "opsmop_ssh_port": 2222}, False),
        ({"opsmop_host": "127.0.0.1", "opsmop_connection": "ssh"}, False),
        ({"opsmop_connection": "local"}, True),
        ({}, False),
    ],
)
def test_loopback_is_this_machine_unless_the_inventory_says_ssh(fleet: Any, variables: Any, local: bool) -> None:
    assert found(fleet, variables, {}).local is local


def test_this_machine_uses_the_python_that_runs(fleet: Any) -> None:
    assert found(fleet, {"opsmop_connection": "local"}, {}).python == sys.executable
    assert found(fleet, {"opsmop_connection": "local", "opsmop_python_path": "/p"}, {}).python == "/p"


@pytest.mark.parametrize("what", ["ssh", "sudo"])
@pytest.mark.parametrize(
    ("method", "magic", "typed", "default", "expected"),
    [
        ("method", "magic", "typed", "default", "method"),
        ("", "magic", "typed", "default", "magic"),
        ("", "", "typed", "default", "typed"),
        ("", "", "", "default", "default"),
        ("", "", "", "", None),
        (None, "magic", "typed", "default", "typed"),
        (None, "magic", "", "default", None),
    ],
)
def test_a_password_comes_from_the_role_the_inventory_the_keyboard_or_the_defaults(
    fleet: Any, what: str, method: str | None, magic: str, typed: str, default: str, expected: str | None
) -> None:
    methods = {} if method == "" else {f"{what}_as": ("ann", method)}
    role = type("Web", (Role,), {name: (lambda self, value=value: value) for name, value in methods.items()})()
    role.sudo = lambda: True  # type: ignore[method-assign]
    variables = {f"opsmop_{what}_password": magic} if magic else {}
    defaults = Defaults({f"{what}_password": default} if default else {})
    passwords = Passwords(defaults, {what: Secret(typed)} if typed else {})
    way = route(fleet("web1", **variables).hosts()[0], Access.of(role), defaults, passwords)
    found = way.ssh_password if what == "ssh" else way.sudo_password
    assert (found.reveal() if found else None) == expected
    for secret in (method, magic, typed, default):
        assert not secret or repr(secret) not in repr(way)


def test_a_password_of_two_lines_is_refused(fleet: Any) -> None:
    with pytest.raises(UsageError, match="more than one line") as caught:
        found(fleet, {}, {}, ssh_as=("ann", "hid\nden"))
    assert "hid" not in str(caught.value)


def test_a_password_that_is_not_used_is_no_fault(fleet: Any) -> None:
    assert found(fleet, {"opsmop_sudo_password": "x"}, {}).become is None
    assert found(fleet, {"opsmop_ssh_password": "x"}, {}, ssh_as=("ann", None)).user == "ann"


@pytest.mark.parametrize(
    ("method", "value"), [("ssh_as", "ann"), ("ssh_as", ("ann", 7731)), ("check_host_keys", "perhaps")]
)
def test_a_method_that_answers_nonsense_is_the_policys_error(fleet: Any, method: str, value: Any) -> None:
    with pytest.raises(PolicyError, match=method) as caught:
        found(fleet, {}, {}, **{method: value})
    assert "7731" not in str(caught.value)


@pytest.mark.parametrize("answer", ["no", "yes", 1, ()])
def test_sudo_is_asked_for_by_true_alone_and_never_by_accident(fleet: Any, answer: object) -> None:
    with pytest.raises(PolicyError, match=r"Web.sudo\(\) returned .*, not True or False"):
        found(fleet, {}, {}, sudo=answer)
