"""The smallest policy: a directory, a file in it, and Python in between."""

from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")
ROOT = f"{Path.home()}/opsmop-examples/hello"  # worked out here; its value travels


class Hello(Role):
    def inventory(self):
        return inventory

    def main(self):
        Directory(ROOT, mode=0o755)
        greeting = File(f"{ROOT}/greeting", from_content="Hello.\n", mode=0o644)
        if greeting.changed:
            Echo("wrote a greeting for {{ Platform.hostname() }}")


class Site(Policy):
    def set_roles(self):
        return Roles(Hello())


if __name__ == "__main__":
    Cli(Site())
