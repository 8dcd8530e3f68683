"""What is to happen after a change, in both styles: Python's own `if`, and declared handlers."""

from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")
ROOT = f"{Path.home()}/opsmop-examples/handlers"


class Imperative(Role):
    def inventory(self):
        return inventory

    def main(self):
        Directory(f"{ROOT}/one")
        conf = File(f"{ROOT}/one/app.conf", from_content="port = 8080\n")
        users = File(f"{ROOT}/one/users", from_content="ada\n")
        if conf.changed or users.changed:
            Shell(f"echo restarted >> {ROOT}/one/log")


class Declarative(Role):
    def inventory(self):
        return inventory

    def set_resources(self):
        return Resources(
            Directory(f"{ROOT}/two"),
            File(f"{ROOT}/two/app.conf", from_content="port = 8080\n", signals="restart_app"),
            File(f"{ROOT}/two/users", from_content="ada\n", signals="restart_app"),
        )

    def set_handlers(self):
        return Handlers(restart_app=Shell(f"echo restarted >> {ROOT}/two/log"))  # once, at the end


class Site(Policy):
    def set_roles(self):
        return Roles(Imperative(tag="imperative"), Declarative(tag="declarative"))


if __name__ == "__main__":
    Cli(Site())
