"""Twelve hosts behind a load balancer, four at a time."""

import os
import time
from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")
balancer = Path(__file__).with_name("balancer.log")


def tell(line):
    handle = os.open(balancer, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


class Rolling(Role):
    def inventory(self):
        return inventory.filter(groups="fleet")

    def sudo(self):
        return True

    def serial(self):
        return 4

    def before_connect(self, host):
        tell(f"out {host.name}")

    def main(self):
        File("/srv/release", from_content=T("{{ release }}\n"))
        Shell("test ! -e /srv/broken")

    def after_connect(self, host):
        time.sleep(0.2)
        tell(f"in {host.name}")


class Site(Policy):
    def set_variables(self):
        return {"release": "2"}

    def set_roles(self):
        return Roles(Rolling())


if __name__ == "__main__":
    Cli(Site())
