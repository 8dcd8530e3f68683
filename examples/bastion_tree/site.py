"""Hosts that can be reached only through others: the inventory says how, the roles need not know."""

from opsmop import *

inventory = TomlInventory("inventory.toml")


class Everywhere(Role):
    """What the hosts on the way get as well: to be the way to others does not keep a host from being one itself."""

    def inventory(self):
        return inventory

    def sudo(self):
        return True

    def main(self):
        File("/etc/motd", from_content=T("This is {{ Platform.hostname() }}.\n"))


class FooApp(Role):
    def inventory(self):
        return inventory.filter(groups="fooapp")

    def sudo(self):
        return True

    def main(self):
        Directory("/srv/fooapp")
        File("/srv/fooapp/config", from_content="debug = false\n", mode=0o644)


class Site(Policy):
    def set_roles(self):
        return Roles(Everywhere(), FooApp(tag="fooapp"))


if __name__ == "__main__":
    Cli(Site())
