"""One role for several distributions: what differs between them stands in one table."""

from opsmop import *

inventory = TomlInventory("inventory.toml")

NAMES = {
    "debian": {"dns_tools": "bind9-dnsutils", "editor": "vim-tiny"},
    "rhel": {"dns_tools": "bind-utils", "editor": "vim-minimal"},
}


class Tools(Role):
    def inventory(self):
        return inventory.filter(groups="servers")

    def sudo(self):
        return True

    def should_process_when(self):
        return self.family() is not None

    def family(self):
        kin = [Platform.distribution_id(), *Platform.distribution_like()]
        return next((name for name in kin if name in NAMES), None)

    def main(self):
        names = NAMES[self.family()]
        Package([names[wish] for wish in self.vars.wishes])


class Site(Policy):
    def set_roles(self):
        return Roles(Tools(wishes=["editor"]))


if __name__ == "__main__":
    Cli(Site())
