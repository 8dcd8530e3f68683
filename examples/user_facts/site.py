"""Facts: what a machine's owner wrote into /etc/opsmop/facts.d, and a fact of the policy's own."""

from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")
ROOT = f"{Path.home()}/opsmop-examples/user_facts"


class Shells(Fact):
    """Asks the machine when it is asked, once."""

    def allowed(self):
        return self._once("allowed", self._read)

    def _read(self):
        if self._machine.status("/etc/shells") is None:
            return []
        rows = self._machine.read("/etc/shells").decode().splitlines()
        return sorted(row for row in rows if row.startswith("/"))


class Facts(Role):
    def inventory(self):
        return inventory

    def main(self):
        Directory(ROOT)
        place = UserFacts.place.rack if hasattr(UserFacts, "place") else "nowhere in particular"
        File(f"{ROOT}/facts", from_content=T("rack: {{ place }}\nshells: {{ Shells.allowed() | join(', ') }}\n"))
        Echo(f"{Platform.distribution_id()} {Platform.architecture()}, {place}")


class Site(Policy):
    def fact_context(self):
        return dict(Shells=Shells())

    def set_roles(self):
        return Roles(Facts())


if __name__ == "__main__":
    Cli(Site())
