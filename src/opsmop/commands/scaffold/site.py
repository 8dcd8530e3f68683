#!/usr/bin/env python3
"""A first policy.

python3 site.py --push --check                  show what would change
python3 site.py --push --apply                  change it
python3 site.py --local --host here --apply     the same, without push, as the host here of the inventory
"""

from opsmop import Cli, Directory, Echo, File, Inventory, Platform, Policy, Role, Roles, Shell, TomlInventory

inventory = TomlInventory("inventory.toml")


class Welcome(Role):
    """A folder, a file made from a template, and what is to happen when the file has changed."""

    def inventory(self) -> Inventory:
        return inventory.filter(groups="welcomed")

    def set_variables(self) -> dict[str, object]:
        return {"greeting": "Welcome"}

    def main(self) -> None:
        # This runs on the host itself. Each line looks first, and does only what is missing.
        Directory(self.vars.folder, mode=0o755)
        page = File(f"{self.vars.folder}/welcome.txt", from_template="templates/welcome.j2", mode=0o644)
        if page.changed:
            Shell("date >> changes.log", cwd=self.vars.folder)
        Echo(f"{Platform.hostname()} runs {Platform.os_distribution()}")


class Site(Policy):
    """All roles, in order. A failure stops what would come after it."""

    def set_roles(self) -> Roles:
        return Roles(Welcome())


if __name__ == "__main__":
    Cli(Site())
