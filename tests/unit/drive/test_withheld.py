"""Files of the control machine that no host may have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsmop.drive.preparing import prepare
from opsmop.errors import FileRefusedError
from opsmop.inventory import TomlInventory
from opsmop.language.policy import Policy, Roles
from opsmop.language.role import Role
from opsmop.settings import Defaults, Settings
from opsmop.transport.files import FileRules

INVENTORY = """\
[groups.all.hosts]
bastion = "opsmop_ssh_key_file=keys/bastion"
web = "opsmop_via=bastion"
db = "opsmop_ssh_key_file=keys/db"
cache = { opsmop_ssh_args = "-4vi keys/cache" }
mail = { opsmop_ssh_args = ["-ikeys/mail"] }
log = { opsmop_ssh_args = "-o IdentityFile=keys/log" }
old = { opsmop_ssh_args = "-o 'identityfile keys/old' -p 22" }

[groups.dark.vars]
opsmop_ssh_key_file = "keys/dark"
"""
KEYS = ("bastion", "db", "cache", "mail", "log", "old", "dark", "default")


@pytest.fixture
def rules_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The rules of roles for one host of many, by their names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inventory.toml").write_text(INVENTORY)
    for name in KEYS:
        (tmp_path / "keys").mkdir(exist_ok=True)
        (tmp_path / "keys" / name).write_text("key")

    def prepared(*roles: type[Role], **settings: Any) -> dict[str, FileRules]:
        found = TomlInventory(str(tmp_path / "inventory.toml")).filter(hosts="web")
        made = [type(role.__name__, (role,), {"inventory": lambda self: found})(tag=role.__name__) for role in roles]

        class Site(Policy):
            def set_roles(self) -> Roles:
                return Roles(*made)

        defaults = Defaults({"ssh_args": ("-i", "keys/default")})
        run = prepare(Site(), tmp_path / "site.py", Settings(reach="push", defaults=defaults, **settings))
        return {assignment.stint.role.name: assignment.rules for assignment in run.assignments}

    return prepared


@pytest.mark.parametrize("key", KEYS)
def test_the_key_of_no_host_is_served_be_it_on_the_way_or_none_of_the_roles(rules_of: Any, key: str) -> None:
    class Web(Role):
        pass

    with pytest.raises(FileRefusedError, match="a file of the controller's own"):
        rules_of(Web)["Web"].read(f"keys/{key}")


class Leaving(Role):
    def allow_fetching(self) -> dict[str, list[str]]:
        return {"fetched": ["/etc/*"], ".": ["/var/*"]}


class Other(Role):
    pass


class Meant(Role):
    def allow_fileserving_paths(self) -> list[str]:
        return [".", "fetched/db"]


@pytest.mark.parametrize("settings", [{}, {"skip_tags": ("Leaving",)}])
def test_what_one_role_fetches_no_other_role_serves_unless_it_names_it(
    rules_of: Any, tmp_path: Path, settings: dict[str, Any]
) -> None:
    for name in ("fetched/db/etc/shadow", "db/var/x", "files/x"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("content")
    found = rules_of(Leaving, Other, Meant, **settings)
    for name in ("fetched/db/etc/shadow", "db/var/x"):
        with pytest.raises(FileRefusedError, match="where hosts leave files"):
            found["Other"].read(name)
    assert found["Other"].read("files/x") == found["Meant"].read("fetched/db/etc/shadow") == b"content"
