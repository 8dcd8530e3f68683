"""Templates: extends, include, a filter and a value of the policy's own. They are rendered on the target."""

from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")
ROOT = f"{Path.home()}/opsmop-examples/templates"


def boxed(text):
    line = "#" * (len(text) + 4)
    return f"{line}\n# {text} #\n{line}"


class Motd(Role):
    def inventory(self):
        return inventory

    def main(self):
        Directory(ROOT)
        contacts = ["ada", "grace"]
        File(f"{ROOT}/motd", from_template="templates/motd.j2", mode="0644")
        Echo("{{ contacts | join(' and ') }} are told about {{ company }}")


class Site(Policy):
    def template_filters(self):
        return dict(boxed=boxed)

    def template_globals(self):
        return dict(company="Example Inc.")

    def set_roles(self):
        return Roles(Motd())


if __name__ == "__main__":
    Cli(Site())
