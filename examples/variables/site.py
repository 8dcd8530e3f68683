"""Variables: inventory, policy, role, locals, --extra-vars; the last one that names a variable wins.

`opsmop vars site.py --host localhost` shows each and where it came from.
"""

from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")


class App(Role):
    def inventory(self):
        return inventory

    def set_variables(self):
        return dict(port=8080, workers=2)

    def main(self):
        Directory(T("{{ root }}"))
        for number in range(self.vars.workers):
            listen = self.vars.port + number
            File(
                T("{{ root }}/worker-{{ number }}"),
                from_content=T("listen {{ listen }}\nzone {{ zone }}, rack {{ rack }}, {{ color }}, {{ env }}\n"),
            )
            Echo(f"worker {number} of {self.vars.color} listens on {listen}")


class Site(Policy):
    def set_variables(self):
        return dict(env="test", root=f"{Path.home()}/opsmop-examples/variables")

    def set_roles(self):
        return Roles(App(color="blue"))


if __name__ == "__main__":
    Cli(Site())
