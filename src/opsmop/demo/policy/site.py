#!/usr/bin/env python3
"""A database and two web servers, each in a folder of its own.

python3 site.py --push --check      what would change
python3 site.py --push --apply      change it
"""

from opsmop import Cli, Directory, Echo, File, Inventory, Platform, Policy, Role, Roles, Shell, TomlInventory

inventory = TomlInventory("inventory.toml")


class Database(Role):
    """One folder that only its owner enters, and a key that is made once."""

    def inventory(self) -> Inventory:
        return inventory.filter(groups="databases")

    def main(self) -> None:
        data = f"{self.vars.root}/data"
        Directory(data, mode=0o700)
        # creates= makes a command run only while its result is missing.
        Shell(f"umask 077; od -An -N16 -tx1 /dev/urandom > {data}/key", creates=f"{data}/key")


class WebServers(Role):
    """A page, a configuration with values of the host's own from the inventory, and what follows from its change."""

    def inventory(self) -> Inventory:
        return inventory.filter(groups="webservers")

    def set_variables(self) -> dict[str, object]:
        return {"database": "db1"}

    def main(self) -> None:
        etc, www = f"{self.vars.root}/etc", f"{self.vars.root}/www"
        Directory(etc)
        Directory(www, mode=0o755)
        File(f"{www}/index.html", from_file="files/index.html", mode=0o644)
        File(f"{etc}/built-for", from_content=f"{self.vars.title} on {Platform.system()}\n")
        conf = File(f"{etc}/app.conf", from_template="templates/app.conf.j2", mode=0o640)
        if conf.changed:
            # A real policy says Service("app", restarted=True); these hosts have no services.
            Shell(f"echo restarted >> {self.vars.root}/app.log")
        # Without a guard a command always runs; it knows best whether it has changed anything.
        publish = f"cmp -s {www}/index.html {www}/live.html || cp -v {www}/index.html {www}/live.html"
        Shell(publish, changed_when=lambda result: "live.html" in result.data)
        Echo("{{ title }} answers on port {{ port }}, with Python {{ Platform.python_version() }}")


class Site(Policy):
    """The database first: when it fails, no web server is touched."""

    def set_roles(self) -> Roles:
        return Roles(Database(), WebServers())


if __name__ == "__main__":
    Cli(Site())
