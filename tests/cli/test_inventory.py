"""`opsmop inventory`: hosts, groups, and what is said of a host."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from opsmop.demo.sshd import PrivateSshd

Opsmop = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_list_names_hosts_addresses_with_their_ports_and_groups(
    opsmop: Opsmop, three_hosts: Path, private_sshd: PrivateSshd
) -> None:
    done = opsmop("inventory", "list", "-i", "inventory.toml")
    assert (done.returncode, done.stderr) == (0, "")
    port = private_sshd.port
    assert done.stdout == (
        f"web1  127.0.3.1:{port}  site,web\nweb2  127.0.3.2:{port}  site,web\ndb1   127.0.3.3:{port}  db\n"
    )
    limited = opsmop("inventory", "list", "-i", "inventory.toml", "--limit-hosts", "!web1", "--limit-groups", "w*,db")
    assert [line.split()[0] for line in limited.stdout.splitlines()] == ["web2", "db1"]


def test_the_list_names_the_way_to_hosts_behind_others(opsmop: Opsmop, tmp_path: Path) -> None:
    (tmp_path / "inventory.toml").write_text(
        "[groups.all.hosts]\n"
        'edge = "opsmop_host=2001:db8::1 opsmop_ssh_port=2222"\n'
        'rack = "opsmop_via=edge"\n'
        'leaf = "opsmop_via=rack"\n'
        'lost = "opsmop_via=rakc"\n'
        'here = "opsmop_connection=local"\n'
    )
    done = opsmop("inventory", "list", "-i", "inventory.toml")
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["edge", "[2001:db8::1]:2222"],
        ["rack", "rack", "via", "edge"],
        ["leaf", "leaf", "via", "edge,", "rack"],
        ["lost", "lost", "via", "nobody"],
        ["here", "here", "local"],
    ]
    assert "warning" in done.stderr
    assert "Did you mean 'rack'?" in done.stderr
    said = json.loads(opsmop("inventory", "list", "-i", "inventory.toml", "--json").stdout)
    assert [(said[name]["port"], said[name]["via"]) for name in ("edge", "leaf", "lost", "here")] == [
        (2222, []),
        (None, ["edge", "rack"]),
        (None, None),
        (None, []),
    ]


def test_the_graph_shows_groups_below_their_parents(opsmop: Opsmop, three_hosts: Path) -> None:
    done = opsmop("inventory", "graph", "-i", "inventory.toml")
    assert done.stdout == "[db]\n  db1\n[site]\n  [web]\n    web1\n    web2\n"
    assert opsmop("inventory", "graph", "-i", "inventory.toml", "--limit-hosts", "db1").stdout == "[db]\n  db1\n"


def test_one_host_is_shown_with_where_each_variable_was_said_and_no_password(
    opsmop: Opsmop, three_hosts: Path, private_sshd: PrivateSshd
) -> None:
    done = opsmop("inventory", "show", "web1", "-i", "inventory.toml")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["address", f"127.0.3.1:{private_sshd.port}"] in lines
    assert ["groups", "all,", "site,", "web"] in lines
    assert ["letter", '"a"', "inventory", "host", "web1"] in lines
    assert ["opsmop_sudo_password", '"********"', "inventory", "group", "all"] in lines
    assert "very-hidden" not in done.stdout


def test_programs_get_json_without_passwords(opsmop: Opsmop, three_hosts: Path) -> None:
    done = opsmop("inventory", "list", "-i", "inventory.toml", "--json")
    said = json.loads(done.stdout)
    assert list(said) == ["web1", "web2", "db1"]
    assert said["db1"]["address"] == "127.0.3.3"
    assert said["db1"]["variables"]["letter"] == "b"
    assert "very-hidden" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "web9", "-i", "inventory.toml"), "Did you mean 'web"),
        (("show", "-i", "inventory.toml"), "takes a host"),
        (("list", "web1", "-i", "inventory.toml"), "the others do not"),
        (("list",), "takes an inventory"),
        (("list", "-i", "inventory.toml", "--limit-groups", "wbe"), "Did you mean 'web'?"),
    ],
)
def test_a_wrong_line_is_2_and_says_why(opsmop: Opsmop, three_hosts: Path, words: tuple[str, ...], said: str) -> None:
    done = opsmop("inventory", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
