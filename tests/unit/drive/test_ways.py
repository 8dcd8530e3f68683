"""Through which hosts a host is reached, and how each of them is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsmop.drive.access import Access, route
from opsmop.errors import InventoryError, PolicyError
from opsmop.events import ContactFinished
from opsmop.inventory import TomlInventory
from opsmop.language.role import Role
from opsmop.language.secrets import Secret
from opsmop.settings import Defaults
from opsmop.transport.base import Route

# The founding document's.
TWO_RACKS = """\
[groups.bastions.hosts]
"bastion.example.com" = ""

[groups.rack1.hosts]
"rack1-top.example.com" = "opsmop_via=bastion.example.com"
"rack1-101.example.com" = ""
"rack1-102.example.com" = ""

[groups.rack2.hosts]
"rack2-top.example.com" = "opsmop_via=bastion.example.com"
"rack2-201.example.com" = ""
"rack2-202.example.com" = ""

[groups.rack1.vars]
opsmop_via = "rack1-top.example.com"

[groups.rack2.vars]
opsmop_via = "rack2-top.example.com"

[groups.fooapp.hosts]
"rack1-101.example.com" = ""
"rack2-202.example.com" = ""

[groups.barapp.hosts]
"rack2-102.example.com" = ""
"""


def inventory(folder: Path, text: str) -> TomlInventory:
    path = folder / "inventory.toml"
    path.write_text(text)
    return TomlInventory(str(path))


def way(route: Route) -> list[str]:
    return [*(way(route.via) if route.via else []), route.host]


def routed(folder: Path, text: str, host: str, defaults: dict[str, Any] | None = None, **methods: Any) -> Route:
    answers = {name: (lambda self, value=value: value) for name, value in methods.items()}
    role = type("Web", (Role,), answers)()
    found = inventory(folder, text).filter(hosts=host).hosts()[0]
    return route(found, Access.of(role), Defaults(defaults or {}))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("rack1-101", ["bastion", "rack1-top", "rack1-101"]),
        ("rack2-202", ["bastion", "rack2-top", "rack2-202"]),
        ("rack2-top", ["bastion", "rack2-top"]),
        ("bastion", ["bastion"]),
        ("rack2-102", ["rack2-102"]),  # in no rack there, as the founding document has it
    ],
)
def test_the_founding_documents_two_racks_are_reached_as_it_says(
    host: str, expected: list[str], tmp_path: Path
) -> None:
    found = routed(tmp_path, TWO_RACKS, f"{host}.example.com")
    assert way(found) == [f"{name}.example.com" for name in expected]


def test_all_hosts_behind_a_host_agree_on_how_that_is_reached(tmp_path: Path) -> None:
    whole = inventory(tmp_path, TWO_RACKS)
    ways = [route(host, Access(), Defaults()) for host in whole.filter(groups="rack1").hosts()]
    assert {found.via for found in ways if found.host != "rack1-top.example.com"} == {
        next(found for found in ways if found.host == "rack1-top.example.com")
    }


def test_a_host_that_names_itself_is_reached_directly(tmp_path: Path) -> None:
    text = '[groups.all.vars]\nopsmop_via = "bastion"\n[groups.web.hosts]\nbastion = ""\nweb1 = ""\n'
    assert way(routed(tmp_path, text, "bastion")) == ["bastion"]
    assert way(routed(tmp_path, text, "web1")) == ["bastion", "web1"]


def test_an_unknown_host_on_the_way_is_named_with_what_is_close(tmp_path: Path) -> None:
    text = '[groups.web.hosts]\nbastion = ""\nweb1 = "opsmop_via=bastoin"\n'
    with pytest.raises(InventoryError, match="web1: opsmop_via names 'bastoin'") as caught:
        routed(tmp_path, text, "web1")
    assert "Did you mean 'bastion'?" in str(caught.value)
    assert str(tmp_path / "inventory.toml") in str(caught.value)


@pytest.mark.parametrize("host", ["a", "b", "c", "web1"])
def test_hosts_that_are_reached_through_each_other_are_a_circle_with_one_name(host: str, tmp_path: Path) -> None:
    text = '[groups.web.hosts]\nc = "opsmop_via=a"\na = "opsmop_via=b"\nb = "opsmop_via=c"\nweb1 = "opsmop_via=b"\n'
    with pytest.raises(InventoryError, match="in a circle: a -> b -> c -> a"):
        routed(tmp_path, text, host)


def test_this_machine_is_no_host_on_the_way(tmp_path: Path) -> None:
    text = '[groups.web.hosts]\nhere = "opsmop_connection=local"\nweb1 = "opsmop_via=here"\n'
    with pytest.raises(InventoryError, match="through here, which is this machine"):
        routed(tmp_path, text, "web1")


BEHIND = '[groups.web.hosts]\nbastion = "{}"\nweb1 = "opsmop_via=bastion {}"\n'


def test_a_host_on_the_way_follows_its_own_variables_then_the_role_and_becomes_nobody(tmp_path: Path) -> None:
    said = {"ssh_as": ("deploy", "pw"), "check_host_keys": False, "sudo": True, "sudo_as": ("root", "pw2")}
    bare = routed(tmp_path, BEHIND.format("", ""), "web1", **said).via
    assert bare is not None
    assert (bare.user, bare.ssh_password, bare.check_host_keys) == ("deploy", Secret("pw"), "no")
    assert (bare.become, bare.sudo_password) == (None, None)
    own = routed(
        tmp_path, BEHIND.format("opsmop_ssh_username=jump opsmop_check_host_keys=true", ""), "web1", **said
    ).via
    assert own is not None
    assert (own.user, own.ssh_password, own.check_host_keys) == ("jump", None, "yes")


def test_files_of_the_control_machine_count_where_ssh_starts_on_it(tmp_path: Path) -> None:
    defaults = {"ssh_key_file": "~/key", "ssh_config": "/c", "ssh_known_hosts": "/k", "ssh_args": ("-4",)}
    found = routed(tmp_path, BEHIND.format("", "opsmop_ssh_key_file=~/there opsmop_ssh_args=-6"), "web1", defaults)
    assert found.via is not None
    assert (found.via.key_file, found.via.ssh_config) == (str(Path.home() / "key"), "/c")
    assert (found.via.known_hosts, found.via.ssh_args) == ("/k", ("-4",))
    assert (found.key_file, found.ssh_config, found.known_hosts, found.ssh_args) == ("~/there", "", "", ("-6",))
    assert routed(tmp_path, BEHIND.format("", ""), "web1", defaults).key_file == ""


def test_an_unknown_way_of_becoming_is_refused_wherever_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        PolicyError, match=r"become_method\(\) did not say how: 'pbrun' is none of sudo, su, doas"
    ) as told:
        routed(tmp_path, BEHIND.format("", ""), "web1", sudo=True, become_method="pbrun")
    assert told.value.remedy == "Return 'sudo', 'su' or 'doas'."
    with pytest.raises(InventoryError, match="opsmop_become_method: 'pbrun' is none of"):
        routed(tmp_path, BEHIND.format("", "opsmop_become_method=pbrun"), "web1")


def test_an_unknown_way_of_checking_host_keys_is_refused_wherever_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        PolicyError, match=r"check_host_keys\(\) did not say whether: 'maybe' is not true, false"
    ) as told:
        routed(tmp_path, BEHIND.format("", ""), "web1", check_host_keys="maybe")
    assert told.value.remedy.startswith("Return True, False, or 'accept'")
    with pytest.raises(InventoryError, match="opsmop_check_host_keys: 'maybe' is not true, false or 'accept'"):
        routed(tmp_path, BEHIND.format("", "opsmop_check_host_keys=maybe"), "web1")


LOST = """\
[groups.web.hosts]
good = ""
web1 = "opsmop_via=bastoin"
a = "opsmop_via=b"
b = "opsmop_via=a"
web2 = "opsmop_via=a"
here = "opsmop_connection=local"
web3 = "opsmop_via=here"
bastion = ""
web4 = "opsmop_via=bastion"
"""


def lost_on(folder: Path, **methods: Any) -> Role:
    whole = inventory(folder, LOST)
    return type("Web", (Role,), {"inventory": lambda self: whole, **methods})()  # type: ignore[no-any-return]


def test_a_way_that_the_inventory_gets_wrong_fails_exactly_the_hosts_behind_it(driven: Any, tmp_path: Path) -> None:
    hooked: list[str] = []
    done = driven(lost_on(tmp_path, before_connect=lambda self, host: hooked.append(host.name)))
    ended = {event.host: event for event in done.of(ContactFinished)}
    assert {name for name, event in ended.items() if event.status == "ok"} == {"good", "here", "bastion", "web4"}
    assert {name for name, event in ended.items() if event.status == "unreachable"} == {
        "web1",
        "web2",
        "web3",
        "a",
        "b",
    }
    assert sorted(hooked) == ["bastion", "good", "here", "web4"]
    assert "Did you mean 'bastion'?" in ended["web1"].failure.remedy
    assert ended["web2"].failure.message == "opsmop_via leads in a circle: a -> b -> a"
    assert 'set opsmop_connection = "ssh"' in ended["web3"].failure.remedy
    assert {event.failure.error for event in ended.values() if event.failure} == {"ViaError"}
    assert {ended[name].failure.place for name in ("web1", "web2")} == {str(tmp_path / "inventory.toml")}
    assert done.status == 1


def test_a_role_of_selinux_that_no_sudo_gives_fails_exactly_that_host_before_its_hooks(
    driven: Any, tmp_path: Path
) -> None:
    text = '[groups.web.hosts]\ngood = ""\nweb1 = "opsmop_become_method=doas opsmop_sudo_role=sysadm_r"\n'
    whole, hooked = inventory(tmp_path, text), []
    hook = {"before_connect": lambda self, host: hooked.append(host.name)}
    role = type("Web", (Role,), {"inventory": lambda self: whole, "sudo": lambda self: True, **hook})()
    done = driven(role)
    ended = {event.host: event for event in done.of(ContactFinished)}
    assert ({name: event.status for name, event in ended.items()}, hooked) == (
        {"good": "ok", "web1": "unreachable"},
        ["good"],
    )
    assert ended["web1"].failure.error == "SudoError"
    assert "doas cannot give the role and type of SELinux" in ended["web1"].failure.message


def test_a_host_without_a_way_may_be_passed_over_or_skipped_as_any_unreachable_one(driven: Any, tmp_path: Path) -> None:
    done = driven(
        lost_on(tmp_path, should_contact=lambda self, host: host.name != "a", on_unreachable=lambda self: "skip")
    )
    assert {event.host: event.status for event in done.of(ContactFinished)}["a"] == "skipped"
    assert done.status == 0
