"""What a TOML inventory means."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmop.errors import InventoryError
from opsmop.inventory import Inventory, TomlInventory

EXAMPLE = """
[groups.webservers.hosts]
web1 = "opsmop_host=192.168.48.143 z=3002 said='x y'"
web2 = { opsmop_host = "192.168.48.144", z = 3002 }
"10.0.0.7" = ""
[groups.webservers.vars]
a = 1
b = "group"
[groups.dc1]
children = ["webservers"]
[groups.dc1.vars]
a = 0
dc = "one"
[groups.dbservers.hosts]
db1 = ""
web1 = "also=db"
[groups.dbservers.vars]
b = "later in the file"
[hosts.web1.vars]
g = 10
[groups.all.vars]
opsmop_python_path = "/usr/bin/python3"
a = -1
"""


@pytest.fixture
def inventory(tmp_path: Path) -> TomlInventory:
    return written(tmp_path, EXAMPLE)


def written(folder: Path, text: str) -> TomlInventory:
    path = folder / "inventory.toml"
    path.write_text(text)
    return TomlInventory(path)


def names(inventory: Inventory) -> list[str]:
    return [host.name for host in inventory]


def test_constructing_and_filtering_reads_nothing(tmp_path: Path) -> None:
    part = TomlInventory(tmp_path / "absent.toml").filter(groups="web*").filter(hosts="web1")
    with pytest.raises(InventoryError, match="cannot be read"):
        part.hosts()


def test_words_are_strings_and_tables_keep_their_types(inventory: TomlInventory) -> None:
    assert inventory.host("web1").variables == {
        "opsmop_host": "192.168.48.143",
        "z": "3002",
        "said": "x y",
        "also": "db",
        "g": 10,
    }
    assert inventory.host("web2").variables == {"opsmop_host": "192.168.48.144", "z": 3002}
    assert inventory.host("10.0.0.7").variables == {}


def test_hosts_come_in_the_order_of_the_file(inventory: TomlInventory) -> None:
    assert names(inventory) == ["web1", "web2", "10.0.0.7", "db1"]


def test_the_address_is_the_name_unless_given(inventory: TomlInventory) -> None:
    assert [host.hostname() for host in inventory] == ["192.168.48.143", "192.168.48.144", "10.0.0.7", "db1"]


def test_groups_apply_all_then_parents_then_file_order_then_host(inventory: TomlInventory) -> None:
    web1 = inventory.host("web1")
    # dbservers has no parent, webservers has one: parents before children goes before the order of the file.
    assert web1.groups() == ("all", "dc1", "dbservers", "webservers")
    assert web1.all_variables()["a"] == 1
    assert web1.all_variables()["dc"] == "one"
    assert inventory.host("db1").all_variables()["a"] == -1


def test_layers_name_their_source_and_leave_out_passwords(tmp_path: Path) -> None:
    inventory = written(
        tmp_path,
        '[groups.g.hosts]\nh = "a=1 opsmop_ssh_password=hidden"\n'
        '[groups.g.vars]\nopsmop_ssh_key_file = "/k"\nopsmop_sudo_password = "hidden"\n',
    )
    host = inventory.host("h")
    assert host.layers() == (("inventory host h", {"a": "1"}),)
    assert host.all_variables()["opsmop_ssh_password"] == "hidden"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"groups": "web*"}, ["web1", "web2", "10.0.0.7"]),
        ({"groups": ["webservers", "dbservers"]}, ["web1", "web2", "10.0.0.7", "db1"]),
        ({"groups": "dc1"}, ["web1", "web2", "10.0.0.7"]),
        ({"groups": "all"}, ["web1", "web2", "10.0.0.7", "db1"]),
        ({"hosts": ["web1", "10.*"]}, ["web1", "10.0.0.7"]),
        ({"groups": "dbservers", "hosts": "web*"}, ["web1"]),
        ({"hosts": "WEB1"}, []),
        ({}, ["web1", "web2", "10.0.0.7", "db1"]),
    ],
)
def test_filters_unite_within_and_intersect_between(
    inventory: TomlInventory, selection: dict[str, object], expected: list[str]
) -> None:
    assert names(inventory.filter(**selection)) == expected


def test_a_filter_keeps_its_link_to_the_whole(inventory: TomlInventory) -> None:
    part = inventory.filter(groups="dbservers").filter(hosts="db*")
    assert part.whole is inventory
    assert part.whole.host("web2") is not None
    assert part.host("web2") is None


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("[groups", "is not TOML", ""),
        ("[group.a]", "'group'", "Did you mean 'groups'"),
        ("[groups.a]\nhost = 1", "'host'", "Did you mean 'hosts'"),
        ("groups = 3", "groups: is int, not a table", ""),
        ("[groups.a.hosts]\nweb1 = 3", "groups.a.hosts.web1: is int, not a table", ""),
        ("[groups.a.hosts]\nweb1 = 'a b=1'", "the word 'a' has no '='", ""),
        ("[groups.a.hosts]\nweb1 = 'a=\"1'", "No closing quotation", "Quote"),
        ("[groups.a]\nchildren = ['b']\n[groups.bb]", "'b', which does not exist", "Did you mean 'bb'"),
        ("[groups.a]\nchildren = 'b'", "not a list of group names", ""),
        ("[groups.a]\nchildren = ['all']", "'all' as a child", ""),
        ("[groups.a]\nchildren = ['b']\n[groups.b]\nchildren = ['a']", "in a circle: a -> b -> a", ""),
        ("[groups.a.hosts]\nweb1 = ''\n[hosts.web11.vars]\na = 1", "is in no group", "Did you mean 'web1'"),
        ("[groups.a.vars]\nopsmop_hots = 'x'", "no variable 'opsmop_hots'", "Did you mean 'opsmop_host'"),
        ("[groups.a.vars]\nopsmop_ssh_port = 'x'", "'x' is not a port", ""),
        ("[groups.a.vars]\nopsmop_ssh_password = 7731", "opsmop_ssh_password is not a text", ""),
        ("[groups.a.vars]\n'a b' = 1", "'a b' cannot be a variable's name", ""),
    ],
)
def test_an_impossible_inventory_is_refused_with_place_and_remedy(
    tmp_path: Path, text: str, message: str, remedy: str
) -> None:
    inventory = written(tmp_path, text)
    with pytest.raises(InventoryError) as caught:
        inventory.hosts()
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.place == str(tmp_path / "inventory.toml")
    assert "7731" not in str(caught.value)


def test_a_filter_that_matches_nothing_says_what_exists(inventory: TomlInventory) -> None:
    with pytest.raises(InventoryError) as caught:
        inventory.filter(groups="webserver").require_hosts("role Web")
    assert "role Web: the inventory has no host in groups 'webserver'" in caught.value.message
    assert "'webservers'" in caught.value.remedy


def test_a_subclass_accumulates_what_it_finds() -> None:
    class Cloud(Inventory):
        def __init__(self) -> None:
            self.loads = 0

        def load(self) -> None:
            self.loads += 1
            self.accumulate({"groups": {"web": {"hosts": {"one": {"z": 1}}, "vars": {"a": 1}}}})
            self.accumulate({"groups": {"web": {"hosts": {"two": ""}, "vars": {"a": 2}}}})

    cloud = Cloud()
    assert names(cloud.filter(groups="web")) == ["one", "two"]
    assert cloud.host("one").all_variables() == {"a": 2, "z": 1}
    assert cloud.loads == 1


def test_a_machine_that_the_inventory_does_not_name_has_the_variables_of_all(inventory: TomlInventory) -> None:
    assert inventory.stranger("me").layers() == (
        ("inventory group all", {"opsmop_python_path": "/usr/bin/python3", "a": -1}),
    )


def test_values_attached_to_one_contact_are_not_seen_by_the_next(inventory: TomlInventory) -> None:
    host = inventory.host("web1").fresh()
    host.values["token"] = "x"
    assert inventory.host("web1").fresh().values == {}


def test_a_relative_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    written(tmp_path, EXAMPLE)
    code = compile("from opsmop.inventory import TomlInventory\nhosts = TomlInventory('inventory.toml')", "p", "exec")
    module = {"__file__": str(tmp_path / "site.py"), "__name__": "site"}
    exec(code, module)
    assert len(module["hosts"]) == 4


def test_ten_thousand_hosts_are_read_without_quadratic_work() -> None:
    class Many(Inventory):
        def load(self) -> None:
            for group in range(50):
                hosts = {f"h{number}": "" for number in range(group * 200, group * 200 + 200)}
                self.accumulate({"groups": {f"g{group}": {"hosts": hosts}}})

    assert len(Many().filter(groups="g1*", hosts="h*")) == 11 * 200
