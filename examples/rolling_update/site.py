"""A rolling update: two hosts at a time leave the load balancer's pool, are updated and looked at, and come back.

The pool is a file of this machine; `leave` and `join` are where your load balancer's own commands go.
"""

import threading
from pathlib import Path

from opsmop import *

inventory = TomlInventory("inventory.toml")
ROOT = f"{Path.home()}/opsmop-examples/rolling_update"
POOL = Path(ROOT, "pool")
ONE_AT_A_TIME = threading.Lock()  # hooks of the hosts of one batch run side by side


def in_pool():
    return set(POOL.read_text().split()) if POOL.exists() else {"web1", "web2", "web3", "web4"}


def change_pool(names):
    POOL.parent.mkdir(parents=True, exist_ok=True)
    POOL.write_text("".join(f"{name}\n" for name in sorted(names)))


def leave(name):
    with ONE_AT_A_TIME:
        change_pool(in_pool() - {name})


def join(name):
    with ONE_AT_A_TIME:
        change_pool(in_pool() | {name})


class Update(Role):
    def inventory(self):
        return inventory.filter(groups="webservers")

    def serial(self):
        return 2  # if one of two fails, the other two are never touched

    def before_contact(self, host):
        leave(host.name)
        host.values["others"] = len(in_pool())  # what hooks attach, main() finds in self.vars

    def main(self):
        Directory(T("{{ root }}/{{ folder }}"))
        made = File(T("{{ root }}/{{ folder }}/version"), from_content=T("{{ version }}\n"), mode=0o644)
        if made.changed and "others" in self.vars:
            Echo("updating while {{ others }} others serve")
        Shell(
            T("grep -qx '{{ version }}' {{ root }}/{{ folder }}/version"),  # your health check: curl, say
            changed_when=False,
        )

    def after_contact(self, host):
        join(host.name)  # only where the role ended well: a host that failed stays out

    def on_failure(self, host, failure):
        Path(ROOT, "failures").open("a").write(f"{host.name}: {failure.message}\n")


class Site(Policy):
    def set_variables(self):
        return dict(root=ROOT, version="1.0")

    def set_roles(self):
        return Roles(Update(tag="update"))


if __name__ == "__main__":
    Cli(Site())
